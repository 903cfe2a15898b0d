#include "search/hnsw.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <mutex>
#include <optional>
#include <string>

#include "base/checked.h"
#include "base/memory.h"
#include "search/best.h"

// Its templates are compiled here, for the baseline, and nowhere else: distances come through the metric below.
#define USEARCH_USE_OPENMP 0
#if defined(__GNUC__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wall"
#pragma GCC diagnostic ignored "-Wextra"
#pragma GCC diagnostic ignored "-Wclass-memaccess"
#endif
#include <usearch/index.hpp>
#if defined(__GNUC__)
#pragma GCC diagnostic pop
#endif

namespace anyvec::search {

namespace {

namespace us = unum::usearch;
using us::get_key;

// Null where memory has run out, which usearch asks for; it is compiled without exceptions in mind.
template <class Element>
struct Allocator {
  using value_type = Element;
  template <class Other>
  struct rebind {
    using other = Allocator<Other>;
  };
  Allocator() = default;
  template <class Other>
  Allocator(const Allocator<Other>&) {}  // NOLINT: implicit on purpose
  Element* allocate(size_t count) const {
    const auto bytes = checked_product(count, sizeof(Element));
    return bytes ? static_cast<Element*>(std::malloc(*bytes == 0 ? 1 : *bytes)) : nullptr;
  }
  void deallocate(Element* memory, size_t) const { std::free(memory); }
  bool operator==(const Allocator&) const { return true; }
};

// Nodes are only made, and go all at once.
class Arena {
 public:
  using value_type = char;
  Arena() = default;
  Arena(Arena&& other) noexcept : chunks_(std::move(other.chunks_)), used_(other.used_) {}
  Arena(const Arena&) noexcept {}
  Arena& operator=(const Arena&) noexcept {
    reset();
    return *this;
  }
  Arena& operator=(Arena&& other) noexcept {
    chunks_ = std::move(other.chunks_);
    used_ = other.used_;
    return *this;
  }
  char* allocate(size_t bytes) {
    std::lock_guard<std::mutex> lock(mutex_);
    bytes = (bytes + 63) / 64 * 64;
    if (chunks_.empty() || used_ + bytes > kChunk) {
      if (bytes > kChunk) return nullptr;
      Memory chunk = Memory::allocate(kChunk);
      if (!chunk) return nullptr;
      try {
        chunks_.push_back(std::move(chunk));
      } catch (const std::bad_alloc&) {
        return nullptr;
      }
      used_ = 0;
    }
    char* at = static_cast<char*>(chunks_.back().data()) + used_;
    used_ += bytes;
    return at;
  }
  void deallocate(char* memory, size_t) {
    if (memory == nullptr) reset();
  }
  void reset() {
    chunks_.clear();
    used_ = 0;
  }

 private:
  static constexpr size_t kChunk = size_t{4} << 20;
  std::mutex mutex_;
  std::vector<Memory> chunks_;
  size_t used_ = 0;
};

using Index = us::index_gt<float, uint32_t, uint32_t, Allocator<char>, Arena>;
using Member = Index::member_cref_t;
using Iterator = Index::member_citerator_t;

// The most threads that walk at once.
constexpr int kMostThreads = 256;
// Links are refused past this, in a call or in a file.
constexpr uint32_t kMostConnectivity = 512;
constexpr uint32_t kMostExpansion = 65536;
// Queries a thread takes at once.
constexpr uint64_t kQueriesATurn = 8;
// Copies are this many times more than answers, so that rounding hides no answer.
constexpr uint64_t kRescored = 4;

uint16_t to_half(float value) {
  uint32_t bits;
  std::memcpy(&bits, &value, 4);
  const auto sign = static_cast<uint16_t>(bits >> 16 & 0x8000U);
  const float magnitude = std::fabs(value);
  // Values of unit vectors: never past the range. Adding this places the last bit that is kept at the end of the float, rounded to even.
  if (magnitude < 6.103515625e-05f) return static_cast<uint16_t>(sign | static_cast<uint16_t>(std::nearbyint(magnitude * 16777216.0f)));
  bits &= 0x7fffffffU;
  bits += 0xfffU + (bits >> 13 & 1U);
  return static_cast<uint16_t>(sign | ((bits >> 13) - (112U << 10)));
}

// Rows as the walk sees them: codes and a factor each, so that the cosine of two rows is the product of codes and factors.
struct Codes {
  const char* data = nullptr;
  uint64_t stride = 0;  // bytes
  uint64_t length = 0;  // values, with padding
  Storage storage = Storage::kFloat32;

  static uint64_t padded_bytes(uint64_t columns, Storage storage) {
    const uint64_t bytes = columns * (storage == Storage::kFloat16 ? 2 : 1);
    return (bytes + 63) / 64 * 64;
  }
  const char* row(uint64_t index) const { return data + index * stride; }

  // Codes of a vector at `to` (nothing for float32), and its factor; NaN where a value is not finite, 0 for a zero vector.
  static float encode(const float* values, uint64_t columns, Storage storage, char* to) {
    double square = 0;
    float most = 0;
    for (uint64_t i = 0; i < columns; ++i) {
      square += static_cast<double>(values[i]) * values[i];
      most = std::max(most, std::fabs(values[i]));
    }
    if (!std::isfinite(square)) return std::numeric_limits<float>::quiet_NaN();
    if (square == 0) return 0;
    const double length = std::sqrt(square);
    if (storage == Storage::kFloat16) {
      auto* halves = reinterpret_cast<uint16_t*>(to);
      for (uint64_t i = 0; i < columns; ++i) halves[i] = to_half(static_cast<float>(values[i] / length));
      return 1;
    }
    if (storage == Storage::kInt8) {
      auto* bytes = reinterpret_cast<int8_t*>(to);
      for (uint64_t i = 0; i < columns; ++i) bytes[i] = static_cast<int8_t>(std::lround(values[i] / static_cast<double>(most) * 127));
      return static_cast<float>(most / 127.0 / length);
    }
    return static_cast<float>(1 / length);
  }
};

struct Vector {
  const char* codes;
  float factor;
};

class Metric {
 public:
  Metric(const Codes& codes, const float* factors, const kernels::SearchKernels& kernel) : codes_(codes), factors_(factors), kernel_(kernel) {}
  template <class Entry>
  float operator()(const Vector& query, const Entry& entry) const {
    return distance(query, at(get_key(entry)));
  }
  template <class A, class B>
  float operator()(const A& a, const B& b) const {
    return distance(at(get_key(a)), at(get_key(b)));
  }
  Vector at(uint32_t row) const { return {codes_.row(row), factors_[row]}; }

 private:
  float distance(const Vector& a, const Vector& b) const {
    float product = 0;
    switch (codes_.storage) {
      case Storage::kFloat32:
        product = kernel_.dot(reinterpret_cast<const float*>(a.codes), reinterpret_cast<const float*>(b.codes), codes_.length);
        break;
      case Storage::kFloat16:
        product = kernel_.dot_halves(reinterpret_cast<const uint16_t*>(a.codes), reinterpret_cast<const uint16_t*>(b.codes), codes_.length);
        break;
      case Storage::kInt8:
        product = kernel_.dot_bytes(reinterpret_cast<const int8_t*>(a.codes), reinterpret_cast<const int8_t*>(b.codes), codes_.length);
        break;
    }
    const float distance = 1 - product * a.factor * b.factor;
    // Heaps lose their order over values that are not numbers (someone may have written one into the matrix).
    return distance >= 0 ? distance : distance < 0 ? 0.0f : 4.0f;
  }

  const Codes& codes_;
  const float* factors_;
  const kernels::SearchKernels& kernel_;
};

// Rows that the walk will compare next are asked for together.
class Prefetch {
 public:
  Prefetch(const Codes& codes) : codes_(codes) {}
  template <class Begin, class End>
  void operator()(Begin begin, End end) const {
    const uint64_t bytes = std::min<uint64_t>(codes_.stride, 512);
    for (; begin != end; ++begin) {
      const char* row = codes_.row(get_key(begin));
      for (uint64_t at = 0; at < bytes; at += kernels::kCacheLineBytes) kernels::prefetch_read(row + at);
    }
  }

 private:
  const Codes& codes_;
};

// What a file begins with.
struct Head {
  char magic[8];
  uint32_t connectivity, storage, expansion, reserved;
  uint64_t rows, columns, nodes, graph_bytes, checksum;
};
static_assert(sizeof(Head) == 64);
constexpr char kMagic[8] = {'a', 'n', 'y', 'v', 'e', 'c', 'H', '1'};
constexpr uint64_t padded(uint64_t bytes) { return (bytes + 63) / 64 * 64; }

// Where a file's parts stand; nothing when it has no such parts.
struct Layout {
  uint64_t factors, present, codes, graph, end;
};
std::optional<Layout> layout_of(const Head& head) {
  constexpr uint64_t kMost = uint64_t{1} << 48;
  if (head.rows > UINT32_MAX || head.columns > kMost || head.graph_bytes > kMost) return std::nullopt;
  Layout layout{};
  layout.factors = sizeof(Head);
  layout.present = layout.factors + padded(head.rows * sizeof(float));
  layout.codes = layout.present + padded((head.rows + 31) / 32 * sizeof(uint32_t));
  const auto codes = head.storage == 0 ? std::optional<size_t>(0)
                                       : checked_product(head.rows, Codes::padded_bytes(head.columns, static_cast<Storage>(head.storage)));
  if (!codes || *codes > kMost) return std::nullopt;
  layout.graph = layout.codes + *codes;
  layout.end = layout.graph + padded(head.graph_bytes);
  return layout;
}

// Four chains of multiplications, so that memory is the limit. Not for enemies who can compute: those are caught by the checks behind it.
uint64_t checksum(const char* bytes, uint64_t size) {
  uint64_t sums[4] = {1, 2, 3, 4};
  uint64_t at = 0;
  for (; at + 32 <= size; at += 32) {
    uint64_t words[4];
    std::memcpy(words, bytes + at, 32);
    for (int i = 0; i < 4; ++i) {
      sums[i] = (sums[i] ^ words[i]) * 0x9e3779b97f4a7c15ULL;
      sums[i] ^= sums[i] >> 29;
    }
  }
  for (; at < size; ++at) sums[0] = (sums[0] ^ static_cast<unsigned char>(bytes[at])) * 0x9e3779b97f4a7c15ULL;
  return sums[0] ^ sums[1] * 3 ^ sums[2] * 5 ^ sums[3] * 7;
}
uint64_t checksum_of(Head head, const char* bytes, uint64_t size) {
  head.checksum = 0;
  return checksum(reinterpret_cast<const char*>(&head), sizeof(head)) ^ checksum(bytes + sizeof(head), size - sizeof(head));
}

Error damaged(const std::string& what) { return Error{Code::kFormat, "the index is damaged: " + what + "; build it anew", {}}; }
Error memory_ran_out() { return Error{Code::kMemory, "memory ran out for the index", {}}; }

template <class T>
T take(const char*& at) {
  T value;
  std::memcpy(&value, at, sizeof(T));
  at += sizeof(T);
  return value;
}

// Every number of a serialised graph that will be used as a place: usearch itself believes them.
std::optional<std::string> graph_defect(const char* graph, uint64_t size, const Head& expected) {
  const char* at = graph;
  if (size < sizeof(us::index_serialized_header_t)) return "its graph is cut off";
  const auto head = take<us::index_serialized_header_t>(at);
  const uint64_t base = 2 * static_cast<uint64_t>(expected.connectivity);
  if (head.size != expected.nodes || head.connectivity != expected.connectivity || head.connectivity_base != base) return "its parts disagree";
  if (head.size == 0) return std::nullopt;
  if (head.entry_slot >= head.size) return "its entry is no row";
  if ((size - sizeof(head)) / 2 < head.size) return "its graph is cut off";
  const char* levels = at;
  at += head.size * 2;
  auto level_of = [&](uint64_t slot) {
    int16_t level;
    std::memcpy(&level, levels + slot * 2, 2);
    return level;
  };
  std::vector<bool> seen(expected.rows);
  const char* end = graph + size;
  for (uint64_t slot = 0; slot < head.size; ++slot) {
    const int level = level_of(slot);
    if (level < 0 || level > static_cast<int64_t>(head.max_level)) return "a row has no such level";
    const uint64_t bytes = 6 + 4 + 4 * base + static_cast<uint64_t>(level) * (4 + 4 * static_cast<uint64_t>(expected.connectivity));
    if (static_cast<uint64_t>(end - at) < bytes) return "its graph is cut off";
    const char* node = at;
    const auto key = take<uint32_t>(node);
    if (key >= expected.rows || seen[key]) return "a row is out of range or stands twice";
    seen[key] = true;
    if (take<int16_t>(node) != level) return "the levels of a row disagree";
    for (int l = 0; l <= level; ++l) {
      const uint64_t room = l == 0 ? base : expected.connectivity;
      const char* links = node;
      const auto count = take<uint32_t>(links);
      if (count > room) return "a row has too many links";
      for (uint32_t i = 0; i < count; ++i) {
        const auto to = take<uint32_t>(links);
        if (to >= head.size || level_of(to) < l) return "a link leads nowhere";
      }
      node += 4 + 4 * room;
    }
    at += bytes;
  }
  if (level_of(head.entry_slot) != static_cast<int64_t>(head.max_level)) return "its entry is on another level";
  return std::nullopt;
}

}  // namespace

struct Graph::State {
  model::Matrix matrix;
  GraphParameters parameters;
  const kernels::SearchKernels& kernel;
  const kernels::KernelTable& table;
  Codes codes;
  // Own memory, or parts of a file that `owner` keeps.
  std::shared_ptr<const void> owner;
  const char* file = nullptr;
  Memory code_memory;
  std::vector<float> own_factors;
  const float* factors = nullptr;
  std::vector<uint32_t> present;  // a bit a row: linked and not removed
  std::vector<uint32_t> linked;   // a bit a row
  std::atomic<uint64_t> count{0};
  Index index;
  std::mutex turn;
  std::optional<Error> defect;  // of the file
  std::atomic<bool> checked{true};

  State(const model::Matrix& m, const GraphParameters& p, const kernels::KernelTable& k) : matrix(m), parameters(p), kernel(*k.search), table(k) {
    codes.storage = p.storage;
    codes.stride = p.storage == Storage::kFloat32 ? m.columns * sizeof(float) : Codes::padded_bytes(m.columns, p.storage);
    codes.length = p.storage == Storage::kFloat32 ? m.columns : codes.stride / (p.storage == Storage::kFloat16 ? 2 : 1);
    codes.data = reinterpret_cast<const char*>(m.data);
  }

  void count_present() {
    uint64_t bits = 0;
    for (uint32_t word : present) {
      for (; word != 0; word &= word - 1) ++bits;
    }
    count = bits;
  }
  static void set(std::vector<uint32_t>& words, uint64_t row, bool on) {
    if (on) {
      words[row / 32] |= 1U << (row % 32);
    } else {
      words[row / 32] &= ~(1U << (row % 32));
    }
  }

  bool reserve(uint64_t members, int threads) {
    const auto places = static_cast<size_t>(std::clamp(threads, 1, kMostThreads));
    us::index_limits_t limits(static_cast<size_t>(members), std::max(places, index.limits().threads_add));
    return index.try_reserve(limits);
  }

  // Before the first use of a file: all of it is read.
  Status check() {
    if (checked) {
      if (defect) return *defect;
      return success();
    }
    checked = true;
    Head head;
    std::memcpy(&head, file, sizeof(head));
    const auto layout = layout_of(head);
    if (checksum_of(head, file, layout->end) != head.checksum) {
      defect = damaged("its checksum is wrong");
    } else if (const auto wrong = graph_defect(file + layout->graph, head.graph_bytes, head)) {
      defect = damaged(*wrong);
    }
    if (defect) return *defect;
    for (uint64_t row = 0; row < head.rows; ++row) {
      if (factors[row] != factors[row]) set(present, row, false);
    }
    auto viewed = index.view(us::memory_mapped_file_t(const_cast<char*>(file + layout->graph), head.graph_bytes));
    if (!viewed) {
      defect = damaged(viewed.error.release());
      return *defect;
    }
    linked.assign(present.size(), 0);
    const char* at = file + layout->graph + sizeof(us::index_serialized_header_t);
    const char* node = at + head.nodes * 2;
    for (uint64_t slot = 0; slot < head.nodes; ++slot) {
      const auto level = take<int16_t>(at);
      const char* key = node;
      set(linked, take<uint32_t>(key), true);
      node += 10 + 8 * static_cast<uint64_t>(head.connectivity) + static_cast<uint64_t>(level) * (4 + 4 * static_cast<uint64_t>(head.connectivity));
    }
    for (size_t i = 0; i < present.size(); ++i) present[i] &= linked[i];
    count_present();
    return success();
  }

  // A graph that can be changed, where it was that of a file; and codes and factors of our own.
  Status own() {
    if (index.is_immutable()) {
      const auto head = [&] {
        Head copy;
        std::memcpy(&copy, file, sizeof(copy));
        return copy;
      }();
      const char* from = file + layout_of(head)->graph;
      Index loaded{us::index_config_t{parameters.connectivity, 2 * static_cast<size_t>(parameters.connectivity)}};
      auto result = loaded.load_from_stream([&](void* to, size_t bytes) {
        std::memcpy(to, from, bytes);
        from += bytes;
        return true;
      });
      if (!result) return damaged(result.error.release());
      index = std::move(loaded);
    }
    if (own_factors.empty()) {
      own_factors.assign(factors, factors + matrix.rows);
      factors = own_factors.data();
    }
    if (parameters.storage != Storage::kFloat32 && !code_memory) {
      Memory memory = Memory::allocate(matrix.rows * codes.stride);
      if (!memory) return memory_ran_out();
      std::memcpy(memory.data(), codes.data, matrix.rows * codes.stride);
      code_memory = std::move(memory);
      codes.data = static_cast<const char*>(code_memory.data());
    }
    return success();
  }

  // Links `number` rows, those that row_at names, all of them encoded.
  template <class RowAt>
  Status link(uint64_t number, const RowAt& row_at, int threads, const Cancel& cancel, std::atomic<uint64_t>* done) {
    if (!reserve(matrix.rows, threads)) return memory_ran_out();
    const Metric metric(codes, factors, kernel);
    const Prefetch prefetch(codes);
    std::atomic<uint64_t> next{0};
    std::atomic<bool> failed{false};
    run_on_threads(std::clamp(threads, 1, kMostThreads), [&](int thread) {
      us::index_update_config_t config;
      config.expansion = parameters.expansion;
      config.thread = static_cast<size_t>(thread);
      for (uint64_t i = next.fetch_add(1); i < number && !cancel.requested() && !failed; i = next.fetch_add(1)) {
        const uint32_t row = row_at(i);
        if (factors[row] == factors[row]) {
          const Vector value = metric.at(row);
          auto result = index.add(row, value, metric, config, us::dummy_callback_t{}, prefetch);
          if (!result) {
            result.error.release();
            failed = true;
          }
        }
        if (done != nullptr) done->fetch_add(1, std::memory_order_relaxed);
      }
    });
    if (cancel.requested()) return aborted();
    if (failed) return memory_ran_out();
    return success();
  }
};

Graph::Graph(std::unique_ptr<State> state) : state_(std::move(state)) {}
Graph::~Graph() = default;
const GraphParameters& Graph::parameters() const { return state_->parameters; }
uint64_t Graph::size() const { return state_->count; }
bool Graph::checked() const { return state_->checked && !state_->defect; }
uint64_t Graph::rows() const { return state_->matrix.rows; }
uint64_t Graph::columns() const { return state_->matrix.columns; }

Result<std::shared_ptr<Graph>> Graph::build(const model::Matrix& matrix, const GraphParameters& parameters, const kernels::KernelTable& kernel,
                                            const Cancel& cancel, std::atomic<uint64_t>& done) {
  if (parameters.connectivity < 2 || parameters.connectivity > kMostConnectivity) return Error{Code::kOption, "connectivity must be 2..512", {}};
  if (parameters.expansion < 1 || parameters.expansion > kMostExpansion) return Error{Code::kOption, "expansion must be 1..65536", {}};
  if (parameters.threads < 1 || parameters.threads > 1024) return Error{Code::kOption, "threads must be 1..1024", {}};
  if (matrix.rows >= kNoRow) return Error{Code::kMemory, "an index holds less than 2^32 - 1 rows", {}};
  auto state = std::make_unique<State>(matrix, parameters, kernel);
  State& s = *state;
  s.index = Index(us::index_config_t{parameters.connectivity, 2 * static_cast<size_t>(parameters.connectivity)});
  s.own_factors.resize(matrix.rows);
  s.factors = s.own_factors.data();
  if (parameters.storage != Storage::kFloat32) {
    const auto bytes = checked_product(matrix.rows, s.codes.stride);
    if (bytes) s.code_memory = Memory::allocate(std::max<size_t>(*bytes, 64));
    if (!s.code_memory) return memory_ran_out();
    s.codes.data = static_cast<const char*>(s.code_memory.data());
  }
  s.present.assign((matrix.rows + 31) / 32, 0);
  for (uint64_t row = 0; row < matrix.rows; ++row) {
    if (row % 4096 == 0 && cancel.requested()) return aborted();
    s.own_factors[row] = Codes::encode(matrix.row(row), matrix.columns, parameters.storage, const_cast<char*>(s.codes.row(row)));
    if (s.own_factors[row] == s.own_factors[row]) State::set(s.present, row, true);
  }
  s.linked = s.present;
  s.count_present();
  const Status linked = s.link(matrix.rows, [](uint64_t i) { return static_cast<uint32_t>(i); }, parameters.threads, cancel, &done);
  if (!linked.ok()) return linked.error();
  return std::shared_ptr<Graph>(new Graph(std::move(state)));
}

Result<std::shared_ptr<Graph>> Graph::open(const model::Matrix& matrix, std::shared_ptr<const void> owner, const char* bytes, uint64_t size,
                                           const kernels::KernelTable& kernel) {
  Head head;
  if (size < sizeof(head)) return damaged("it is cut off");
  std::memcpy(&head, bytes, sizeof(head));
  if (std::memcmp(head.magic, kMagic, sizeof(kMagic)) != 0) return damaged("it does not begin as an index of this version");
  if (head.connectivity < 2 || head.connectivity > kMostConnectivity || head.expansion < 1 || head.expansion > kMostExpansion || head.storage > 2) {
    return damaged("its settings are out of range");
  }
  if (head.rows != matrix.rows || head.columns != matrix.columns || head.nodes > head.rows) return damaged("it belongs to another matrix");
  const auto layout = layout_of(head);
  if (!layout || layout->end != size) return damaged("its parts do not fill it");
  GraphParameters parameters;
  parameters.connectivity = head.connectivity;
  parameters.expansion = head.expansion;
  parameters.storage = static_cast<Storage>(head.storage);
  auto state = std::make_unique<State>(matrix, parameters, kernel);
  state->owner = std::move(owner);
  state->file = bytes;
  state->checked = false;
  state->factors = reinterpret_cast<const float*>(bytes + layout->factors);
  if (head.storage != 0) state->codes.data = bytes + layout->codes;
  state->present.resize((head.rows + 31) / 32);
  std::memcpy(state->present.data(), bytes + layout->present, state->present.size() * sizeof(uint32_t));
  state->count_present();
  return std::shared_ptr<Graph>(new Graph(std::move(state)));
}

Result<WalkAnswer> Graph::search(const Walk& walk, const Cancel& cancel) {
  State& s = *state_;
  std::lock_guard<std::mutex> lock(s.turn);
  const Status sound = s.check();
  if (!sound.ok()) return sound.error();
  const uint64_t columns = s.matrix.columns;
  const auto answers = checked_product(walk.query_count, walk.k, sizeof(Scored));
  if (walk.k < 1) return Error{Code::kOption, "k must be at least 1", {}};
  if (walk.expansion < 1 || walk.expansion > kMostExpansion) return Error{Code::kOption, "expansion must be 1..65536", {}};
  if (!answers || *answers > SIZE_MAX / 4) return Error{Code::kMemory, "that many answers do not fit in memory", {}};

  // The rows that may be answers, and whether they are so few that the walk would meet more of the others.
  const uint64_t rows = std::min<uint64_t>(walk.filter.rows, s.matrix.rows);
  const uint32_t* allowed = s.present.data();
  uint64_t kept = s.count;
  std::vector<uint32_t> both;
  if (walk.filter.words != nullptr || rows < s.matrix.rows) {
    both = s.present;
    kept = 0;
    for (uint64_t word = 0; word < both.size(); ++word) {
      if (word * 32 >= rows) {
        both[word] = 0;
      } else if (rows - word * 32 < 32) {
        both[word] &= (1U << (rows - word * 32)) - 1U;
      }
      if (walk.filter.words != nullptr && word * 32 < rows) both[word] &= walk.filter.words[word];
      for (uint32_t bits = both[word]; bits != 0; bits &= bits - 1) ++kept;
    }
    allowed = both.data();
  }
  Request exact;
  exact.k = walk.k;
  exact.filter = {allowed, s.matrix.rows};
  exact.threads = walk.threads;
  const double considered = std::max<double>(static_cast<double>(walk.expansion), static_cast<double>(walk.k));
  if (walk.k >= kept || (!walk.always && static_cast<double>(kept) * static_cast<double>(kept) <= 64 * considered * static_cast<double>(s.index.size()))) {
    exact.queries = walk.queries;
    exact.query_count = walk.query_count;
    auto found = top_k(s.matrix, exact, s.table, cancel);
    if (!found.ok()) return found.error();
    return WalkAnswer{std::move(found.value()), true};
  }

  WalkAnswer out;
  out.answer.ids.assign(walk.query_count * walk.k, kNoRow);
  out.answer.scores.assign(walk.query_count * walk.k, 0.0f);
  const int threads = static_cast<int>(std::clamp<uint64_t>((walk.query_count + kQueriesATurn - 1) / kQueriesATurn, 1, static_cast<uint64_t>(std::clamp(walk.threads, 1, kMostThreads))));
  if (!s.reserve(s.index.limits().members, threads)) return memory_ran_out();
  const Metric metric(s.codes, s.factors, s.kernel);
  const Prefetch prefetch(s.codes);
  const bool everything = kept == s.index.size();
  const auto wanted = static_cast<size_t>(s.parameters.storage == Storage::kFloat32 ? walk.k : std::min<uint64_t>(kRescored * walk.k, std::max<uint64_t>(walk.k, walk.expansion)));
  std::atomic<uint64_t> next{0};
  std::atomic<bool> failed{false};
  run_on_threads(threads, [&](int thread) {
    us::index_search_config_t config;
    config.expansion = walk.expansion;
    config.thread = static_cast<size_t>(thread);
    Memory code = Memory::allocate(std::max<uint64_t>(s.codes.stride, 64));
    if (!code) throw std::bad_alloc();
    std::vector<Scored> best;
    for (uint64_t from = next.fetch_add(kQueriesATurn); from < walk.query_count && !failed; from = next.fetch_add(kQueriesATurn)) {
      for (uint64_t q = from; q < std::min(from + kQueriesATurn, walk.query_count); ++q) {
        if (cancel.requested()) return;
        const float* query = walk.queries + q * columns;
        const float factor = Codes::encode(query, columns, s.parameters.storage, static_cast<char*>(code.data()));
        const Vector value{s.parameters.storage == Storage::kFloat32 ? reinterpret_cast<const char*>(query) : static_cast<const char*>(code.data()), factor};
        auto allows = [allowed](const Member& member) {
          const uint32_t row = get_key(member);
          return (allowed[row / 32] >> (row % 32) & 1U) != 0;
        };
        auto found = everything ? s.index.search(value, wanted, metric, config, us::dummy_predicate_t{}, prefetch)
                                : s.index.search(value, wanted, metric, config, allows, prefetch);
        if (!found) {
          found.error.release();
          failed = true;
          return;
        }
        best.clear();
        for (size_t i = 0; i < found.size(); ++i) {
          const auto row = static_cast<uint32_t>(get_key(found[i].member));
          const float score = cosine(query, s.matrix.row(row), columns);
          if (!std::isnan(score)) best.push_back({score, row});
        }
        if (best.size() < walk.k) {
          // Rows that no link leads to: rare, and not to be lost.
          Request one = exact;
          one.queries = query;
          one.query_count = 1;
          one.threads = 1;
          auto all = top_k(s.matrix, one, s.table, cancel);
          if (!all.ok()) {
            failed = true;
            return;
          }
          std::copy(all.value().ids.begin(), all.value().ids.end(), out.answer.ids.begin() + static_cast<ptrdiff_t>(q * walk.k));
          std::copy(all.value().scores.begin(), all.value().scores.end(), out.answer.scores.begin() + static_cast<ptrdiff_t>(q * walk.k));
          continue;
        }
        std::partial_sort(best.begin(), best.begin() + static_cast<ptrdiff_t>(walk.k), best.end(), better);
        for (uint64_t i = 0; i < walk.k; ++i) {
          out.answer.ids[q * walk.k + i] = best[i].row;
          out.answer.scores[q * walk.k + i] = best[i].score;
        }
      }
    }
  });
  if (cancel.requested()) return aborted();
  if (failed) return memory_ran_out();
  return out;
}

Status Graph::add(const std::vector<uint32_t>& rows, int threads, const Cancel& cancel) {
  State& s = *state_;
  std::lock_guard<std::mutex> lock(s.turn);
  const Status sound = s.check();
  if (!sound.ok()) return sound.error();
  const Status owned = s.own();
  if (!owned.ok()) return owned.error();
  if (!s.reserve(s.matrix.rows, threads)) return memory_ran_out();
  std::vector<uint32_t> fresh;
  for (uint32_t row : rows) {
    const bool known = (s.linked[row / 32] >> (row % 32) & 1U) != 0;
    const float factor = Codes::encode(s.matrix.row(row), s.matrix.columns, s.parameters.storage, const_cast<char*>(s.codes.row(row)));
    if (factor != factor) continue;
    s.own_factors[row] = factor;
    if (!known) {
      fresh.push_back(row);
      State::set(s.linked, row, true);
    }
    State::set(s.present, row, true);
  }
  const Status linked = s.link(fresh.size(), [&](uint64_t i) { return fresh[i]; }, threads, cancel, nullptr);
  s.count_present();
  return linked;
}

Status Graph::remove(const std::vector<uint32_t>& rows) {
  State& s = *state_;
  std::lock_guard<std::mutex> lock(s.turn);
  const Status sound = s.check();
  if (!sound.ok()) return sound.error();
  for (uint32_t row : rows) State::set(s.present, row, false);
  s.count_present();
  return success();
}

Result<std::vector<char>> Graph::save() {
  State& s = *state_;
  std::lock_guard<std::mutex> lock(s.turn);
  const Status sound = s.check();
  if (!sound.ok()) return sound.error();
  Head head{};
  std::memcpy(head.magic, kMagic, sizeof(kMagic));
  head.connectivity = s.parameters.connectivity;
  head.storage = static_cast<uint32_t>(s.parameters.storage);
  head.expansion = s.parameters.expansion;
  head.rows = s.matrix.rows;
  head.columns = s.matrix.columns;
  head.nodes = s.index.size();
  head.graph_bytes = s.index.serialized_length();
  const auto layout = layout_of(head);
  if (!layout) return memory_ran_out();
  std::vector<char> out(layout->end);
  std::memcpy(out.data() + layout->factors, s.factors, head.rows * sizeof(float));
  std::memcpy(out.data() + layout->present, s.present.data(), s.present.size() * sizeof(uint32_t));
  if (head.storage != 0) std::memcpy(out.data() + layout->codes, s.codes.data, head.rows * s.codes.stride);
  char* at = out.data() + layout->graph;
  auto written = s.index.save_to_stream([&](const void* from, size_t bytes) {
    std::memcpy(at, from, bytes);
    at += bytes;
    return true;
  });
  if (!written) {
    written.error.release();
    return memory_ran_out();
  }
  head.checksum = checksum_of(head, out.data(), layout->end);
  std::memcpy(out.data(), &head, sizeof(head));
  return out;
}

}  // namespace anyvec::search
