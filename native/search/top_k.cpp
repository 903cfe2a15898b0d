#include "search/top_k.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <limits>
#include <memory>
#include <string>

#include "base/checked.h"
#include "search/best.h"

namespace anyvec::search {

namespace {

using kernels::Hit;
using kernels::kMostBlockRows;

// Fewer queries than this (in tiles of the kernel) read rows where they lie, one query after the other while a block of rows is in the
// cache; more are worth turning the rows into panels.
constexpr double kPanelTiles = 0.5;
// Queries that pass over a panel together: they stay in the second cache, and the panel in the first.
constexpr uint64_t kGroupBytes = 256 << 10;
constexpr uint64_t kMostGroup = 512;
// Bytes of rows that stay in the cache while a few queries pass over them.
constexpr uint64_t kBlockBytes = 128 << 10;
// Parts of the rows a thread, when there are too few queries to go round.
constexpr uint64_t kPartsAThread = 4;
constexpr uint64_t kLeastPartRows = 1024;
// Panels between two looks at the cancel flag.
constexpr uint64_t kLook = 16;

// In double, for rows and queries whose squares leave float32.
double square_norm(const float* v, uint64_t n) {
  double sum = 0;
  for (uint64_t i = 0; i < n; ++i) sum += static_cast<double>(v[i]) * v[i];
  return sum;
}
// Of length 1, through double.
void normalise(float* v, uint64_t n, uint64_t stride = 1) {
  double sum = 0;
  for (uint64_t i = 0; i < n; ++i) sum += static_cast<double>(v[i * stride]) * v[i * stride];
  const double length = std::sqrt(sum), factor = length == 0 ? 0 : 1 / length;
  for (uint64_t i = 0; i < n; ++i) v[i * stride] = static_cast<float>(v[i * stride] * factor);
}

// Measures that compare directions: rows and queries are brought to length 1.
bool by_angle(Measure measure) { return measure == Measure::kCosine || kernels::is_analogy(measure); }

// A row that is neither tiny nor huge; false for NaN.
bool sound(float square) { return square >= kernels::kLeastSquare && square <= kernels::kMostSquare; }

// Some queries against some rows.
class Searcher {
 public:
  Searcher(const model::Matrix& matrix, const Request& request, const kernels::SearchKernels& kernel, const float* queries, bool panels)
      : matrix_(matrix), request_(request), kernel_(kernel), queries_(queries), panels_(panels), question_(kernels::is_analogy(request.measure) ? 3 : 1) {}

  // The best rows of from .. to - 1 for queries first .. first + count - 1.
  std::vector<Best> search(uint64_t first, uint64_t count, uint64_t from, uint64_t to, const Cancel& cancel) {
    std::vector<Best> best(count / question_, Best(std::min(request_.k, to - from)));
    if (panels_) {
      by_panels(first, count, RowWalk(request_.filter, from, to), best, cancel);
    } else {
      by_blocks(first, count, RowWalk(request_.filter, from, to), best, cancel);
    }
    return best;
  }

 private:
  void by_blocks(uint64_t first, uint64_t count, RowWalk walk, std::vector<Best>& best, const Cancel& cancel) {
    hits_.resize(kMostBlockRows);
    const uint64_t columns = matrix_.columns;
    const size_t rows = std::clamp<size_t>(kBlockBytes / (columns * sizeof(float)), 16, kMostBlockRows);
    while (!cancel.requested()) {
      const RowWalk::Step step = walk.next(rows);
      if (step.count == 0) return;
      kernels::RowBlock block{};
      block.rows = {matrix_.row(step.first), columns, step.ids, step.count};
      block.measure = request_.measure;
      for (uint64_t q = 0; q < count; ++q) {
        block.query = queries_ + (first + q) * columns;
        block.bar = best[q].bar();
        const size_t found = kernel_.score_rows(block, hits_.data());
        for (size_t i = 0; i < found; ++i) {
          const auto row = static_cast<uint32_t>(step.first + (step.ids == nullptr ? hits_[i].row : step.ids[hits_[i].row]));
          float score = hits_[i].score;
          if (hits_[i].query == kernels::kScoreInDouble) score = cosine(request_.queries + (first + q) * columns, matrix_.row(row), columns);
          offer(best[q], score, row);
        }
      }
    }
  }

  void by_panels(uint64_t first, uint64_t count, RowWalk walk, std::vector<Best>& best, const Cancel& cancel) {
    const uint64_t columns = matrix_.columns, width = kernel_.panel_rows;
    pack_queries(first, count);
    panel_ = Memory::allocate(columns * width * sizeof(float));
    if (!panel_) throw std::bad_alloc();
    hits_.resize(bars_.size() * width);
    std::vector<float> squares(width);
    kernels::PanelBlock block{};
    block.panel = panel_.floats();
    block.dimensions = columns;
    block.queries = packed_.data();
    block.query_count = bars_.size();
    block.bars = bars_.data();
    block.measure = request_.measure;
    block.offsets = offsets_.data();
    for (uint64_t panels = 0; panels % kLook != 0 || !cancel.requested(); ++panels) {
      const RowWalk::Step step = walk.next(width);
      if (step.count == 0) return;
      kernel_.pack({matrix_.row(step.first), columns, step.ids, step.count}, panel_.floats(), squares.data());
      if (by_angle(request_.measure)) to_length_one(squares);
      block.rows = static_cast<uint32_t>(step.count);
      const size_t found = kernel_.score_panel(block, hits_.data());
      for (size_t i = 0; i < found; ++i) {
        const Hit& hit = hits_[i];
        Best& list = best[hit.query / question_];
        offer(list, hit.score, static_cast<uint32_t>(step.first + (step.ids == nullptr ? hit.row : step.ids[hit.row])));
        bars_[hit.query] = list.bar();
      }
    }
  }

  void offer(Best& best, float score, uint32_t row) const {
    if (std::isnan(score)) return;
    // Rounding can leave a cosine a little outside of its range.
    if (request_.measure == Measure::kCosine || request_.measure == Measure::kDirection) score = std::clamp(score, -1.0f, 1.0f);
    best.offer(score, row);
  }

  void to_length_one(std::vector<float>& squares) {
    for (uint64_t r = 0; r < squares.size(); ++r) {
      if (sound(squares[r])) {
        squares[r] = 1 / std::sqrt(squares[r]);
      } else {
        normalise(panel_.floats() + r, matrix_.columns, squares.size());
        squares[r] = 1;
      }
    }
    kernel_.scale(panel_.floats(), matrix_.columns, squares.data());
  }

  // Tiles of queries, value by value, their bars, and what an analogy's direction is measured from.
  void pack_queries(uint64_t first, uint64_t count) {
    const uint64_t columns = matrix_.columns, tile = kernel_.query_tile;
    const uint64_t tiles = (count + tile - 1) / tile;
    packed_.assign(tiles * tile * columns, 0.0f);
    bars_.assign(tiles * tile, std::numeric_limits<float>::quiet_NaN());
    for (uint64_t q = 0; q < count; ++q) {
      const float* query = queries_ + (first + q) * columns;
      float* to = packed_.data() + q / tile * tile * columns + q % tile;
      for (uint64_t d = 0; d < columns; ++d) to[d * tile] = query[d];
      bars_[q] = -std::numeric_limits<float>::infinity();
    }
    if (request_.measure != Measure::kDirection) return;
    offsets_.assign(bars_.size(), 0.0f);
    for (uint64_t q = 0; q < count; q += 3) {
      const float* a = queries_ + (first + q) * columns;
      const float *b = a + columns, *c = b + columns;
      double offset = 0, square = 0;
      for (uint64_t d = 0; d < columns; ++d) {
        const double direction = static_cast<double>(b[d]) - a[d];
        offset += direction * c[d];
        square += direction * direction;
      }
      // The direction shall have length 1. Both of its ends take part in sums, so they are scaled where they were packed.
      const double factor = square > 0 ? 1 / std::sqrt(square) : 0;
      offsets_[q] = static_cast<float>(offset * factor);
      for (uint64_t end : {q, q + 1}) {
        float* to = packed_.data() + end / tile * tile * columns + end % tile;
        for (uint64_t d = 0; d < columns; ++d) to[d * tile] = static_cast<float>(to[d * tile] * factor);
      }
    }
  }

  const model::Matrix& matrix_;
  const Request& request_;
  const kernels::SearchKernels& kernel_;
  const float* queries_;  // of length 1 when scoring by cosine
  const bool panels_;
  const uint64_t question_;  // queries that are one question
  Memory panel_;
  std::vector<float> packed_;
  std::vector<float> bars_;
  std::vector<float> offsets_;
  std::vector<Hit> hits_;
};

}  // namespace

float cosine(const float* a, const float* b, uint64_t n) {
  double sum = 0;
  for (uint64_t i = 0; i < n; ++i) sum += static_cast<double>(a[i]) * b[i];
  const double norms = std::sqrt(square_norm(a, n)) * std::sqrt(square_norm(b, n));
  // Rounding can leave a cosine a little outside of its range; what is not a number stays so.
  return norms == 0 ? 0.0f : static_cast<float>(std::clamp(sum / norms, -1.0, 1.0));
}

Result<Answer> top_k(const model::Matrix& matrix, const Request& request, const kernels::KernelTable& kernel, const Cancel& cancel) {
  if (request.k < 1) return Error{Code::kOption, "k must be at least 1", {}};
  if (request.threads < 1 || request.threads > 1024) return Error{Code::kOption, "threads must be 1..1024", {}};
  const uint64_t rows = std::min<uint64_t>(request.filter.rows, std::min<uint64_t>(matrix.rows, kNoRow));
  const uint64_t question = kernels::is_analogy(request.measure) ? 3 : 1;
  if (request.query_count % question != 0) return Error{Code::kOption, "the queries of analogies come in threes", {}};
  const uint64_t questions = request.query_count / question;
  const auto answers = checked_product(questions, request.k, sizeof(Scored));
  if (!answers || *answers > SIZE_MAX / 4) return Error{Code::kMemory, "that many answers do not fit in memory", {}};
  Answer answer;
  answer.ids.assign(questions * request.k, kNoRow);
  answer.scores.assign(questions * request.k, 0.0f);
  if (rows == 0 || request.query_count == 0) return answer;

  std::vector<float> units;
  if (by_angle(request.measure)) {
    units.assign(request.queries, request.queries + request.query_count * matrix.columns);
    for (uint64_t q = 0; q < request.query_count; ++q) normalise(units.data() + q * matrix.columns, matrix.columns);
  }
  const float* queries = by_angle(request.measure) ? units.data() : request.queries;

  const kernels::SearchKernels& search = *kernel.search;
  // The same for any number of threads, because both ways round a little differently.
  const bool panels = question > 1 || static_cast<double>(request.query_count) > kPanelTiles * search.query_tile;
  const uint64_t fits = kGroupBytes / (matrix.columns * sizeof(float));
  const uint64_t group_size = std::clamp<uint64_t>(fits, 2 * search.query_tile, kMostGroup) / search.query_tile * search.query_tile;
  const uint64_t groups = (request.query_count + group_size - 1) / group_size;
  const auto threads = static_cast<uint64_t>(request.threads);
  uint64_t parts = 1;
  if (groups < 2 * threads && threads > 1) {
    parts = std::clamp<uint64_t>((kPartsAThread * threads + groups - 1) / groups, 1, std::max<uint64_t>(1, rows / kLeastPartRows));
  }
  std::vector<std::vector<Best>> found(groups * parts);
  std::atomic<uint64_t> next{0};
  run_on_threads(static_cast<int>(std::min(threads, groups * parts)), [&](int) {
    Searcher searcher(matrix, request, search, queries, panels);
    for (uint64_t unit = next.fetch_add(1); unit < groups * parts; unit = next.fetch_add(1)) {
      if (cancel.requested()) return;
      const uint64_t group = unit / parts, part = unit % parts;
      const uint64_t first = group * group_size;
      const uint64_t count = std::min(group_size, request.query_count - first);
      found[unit] = searcher.search(first, count, rows * part / parts, rows * (part + 1) / parts, cancel);
    }
  });
  if (cancel.requested()) return aborted();

  const uint64_t group_questions = group_size / question;
  std::vector<Scored> all;
  for (uint64_t q = 0; q < questions; ++q) {
    all.clear();
    for (uint64_t part = 0; part < parts; ++part) {
      const auto some = found[q / group_questions * parts + part][q % group_questions].take();
      all.insert(all.end(), some.begin(), some.end());
    }
    const auto kept = static_cast<ptrdiff_t>(std::min<uint64_t>(request.k, all.size()));
    std::partial_sort(all.begin(), all.begin() + kept, all.end(), better);
    for (ptrdiff_t i = 0; i < kept; ++i) {
      const Scored& best = all[static_cast<size_t>(i)];
      const auto at = q * request.k + static_cast<uint64_t>(i);
      answer.ids[at] = best.row;
      answer.scores[at] = request.measure == Measure::kDistance ? -std::sqrt(-best.score) : best.score;
    }
  }
  return answer;
}

}  // namespace anyvec::search
