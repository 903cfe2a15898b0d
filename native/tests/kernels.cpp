// Every kernel of the chosen instruction set against the same formulas in double.

#include "kernels/kernel_table.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <string>
#include <vector>

#include "base/memory.h"
#include "base/random.h"
#include "tests/check.h"

using namespace anyvec;
using kernels::kBlockLanes;
using kernels::KernelTable;

namespace {

// Emulated processors are some twenty times slower.
bool emulated() { return std::getenv("ANYVEC_EMULATED") != nullptr; }

class Values {
 public:
  explicit Values(uint32_t seed) : key_(random::key({seed})) {}
  // Uniform in -scale .. scale.
  float next(float scale) { return (static_cast<float>(random::draw(key_, count_++)) / 4294967296.0f * 2 - 1) * scale; }

 private:
  random::Key key_;
  uint32_t count_ = 0;
};

// A step with rows of its own, and what the law says becomes of it.
struct Case {
  uint32_t inputs, outputs, centres, dimensions;
  size_t stride;
  Memory rows, filler, weights, gradients, sums;
  std::vector<float*> input_rows, output_rows;
  std::vector<double> loss = std::vector<double>(kBlockLanes);
  float rate = 0.05f;

  Case(uint32_t n, uint32_t m, uint32_t d, float scale, uint32_t seed)
      : inputs(n),
        outputs(m),
        centres(m > 1 && seed % 3 != 0 ? 2 : 1),
        dimensions(d),
        stride(kernels::padded(d)),
        rows(Memory::allocate((n + m) * stride * sizeof(float))),
        filler(Memory::allocate(stride * sizeof(float))),
        weights(Memory::allocate((n + 1) * kBlockLanes * sizeof(float))),
        gradients(Memory::allocate(kernels::gradient_floats(n, m) * sizeof(float))),
        sums(Memory::allocate((n + 1) * stride * sizeof(float))) {
    Values values(seed);
    for (uint32_t r = 0; r < n + m; ++r) {
      float* row = rows.floats() + r * stride;
      for (uint32_t c = 0; c < d; ++c) row[c] = values.next(scale);
      (r < n ? input_rows : output_rows).push_back(row);
    }
    for (uint32_t i = 0; i < n; ++i) {
      const float first = static_cast<float>((i * 7 + seed) % 3), second = first == 0 ? 1.0f : static_cast<float>((i * 5 + seed) % 2);
      float* lanes = weights.floats() + i * kBlockLanes;
      for (size_t lane = 0; lane < kBlockLanes; ++lane) lanes[lane] = centres == 1 ? 1 + first : first + second;
      if (centres == 2) {
        lanes[0] = first;
        lanes[1] = second;
      }
    }
  }

  double label(uint32_t j) const { return j < centres ? 1 : 0; }
  double weight(uint32_t i, uint32_t j) const { return static_cast<double>(weights.floats()[i * kBlockLanes + (j < centres ? j : kBlockLanes - 1)]); }

  void run(const KernelTable& table) {
    std::vector<float*> even = input_rows;
    even.push_back(filler.floats());
    kernels::Window w{};
    w.inputs = even.data();
    w.weights = weights.floats();
    w.outputs = output_rows.data();
    w.input_count = inputs;
    w.output_count = outputs;
    w.centre_count = centres;
    w.dimensions = dimensions;
    w.rate = rate;
    w.gradients = gradients.floats();
    w.sums = sums.floats();
    w.loss = loss.data();
    table.train_window(w);
  }

  double total_loss() const {
    double total = 0;
    for (double term : loss) total += term;
    return total;
  }
};

using Doubles = std::vector<std::vector<double>>;

Doubles copy(const std::vector<float*>& rows, uint32_t dimensions) {
  Doubles out;
  for (const float* row : rows) out.emplace_back(row, row + dimensions);
  return out;
}

double dot(const std::vector<double>& a, const std::vector<double>& b) {
  double sum = 0;
  for (size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
  return sum;
}

double window_loss(const Doubles& x, const Doubles& y, const Case& window) {
  double loss = 0;
  for (uint32_t i = 0; i < x.size(); ++i) {
    for (uint32_t j = 0; j < y.size(); ++j) {
      const double d = dot(x[i], y[j]);
      const double z = window.label(j) == 1 ? -d : d;
      loss += window.weight(i, j) * (z > 30 ? z : std::log1p(std::exp(z)));
    }
  }
  return loss;
}

void update(Doubles& x, Doubles& y, const Case& window) {
  const Doubles x0 = x, y0 = y;
  for (uint32_t i = 0; i < x.size(); ++i) {
    for (uint32_t j = 0; j < y.size(); ++j) {
      const double g = static_cast<double>(window.rate) * window.weight(i, j) * (window.label(j) - 1 / (1 + std::exp(-dot(x0[i], y0[j]))));
      for (size_t c = 0; c < x[i].size(); ++c) {
        x[i][c] += g * y0[j][c];
        y[j][c] += g * x0[i][c];
      }
    }
  }
}

double farthest(const Doubles& expected, const std::vector<float*>& rows) {
  double most = 0;
  for (size_t r = 0; r < rows.size(); ++r) {
    for (size_t c = 0; c < expected[r].size(); ++c) {
      const double away = std::fabs(expected[r][c] - static_cast<double>(rows[r][c]));
      if (!(away <= most)) most = std::isnan(away) ? HUGE_VAL : away;
    }
  }
  return most;
}

void compare(uint32_t n, uint32_t m, uint32_t d, float scale) {
  const KernelTable& table = *kernels::active();
  Case window(n, m, d, scale, n * 1000003 + m * 1009 + d);
  Doubles x = copy(window.input_rows, d), y = copy(window.output_rows, d);
  const double loss = window_loss(x, y, window);
  update(x, y, window);
  window.run(table);
  const std::string where = std::to_string(n) + " contexts, " + std::to_string(m) + " outputs, " + std::to_string(d) + " dimensions: ";
  const double away = std::max(farthest(x, window.input_rows), farthest(y, window.output_rows));
  // One rounding a term, and the largest values are sums of n or m terms.
  const double bound = 4e-6 * std::max(1.0f, scale) * std::max(1.0, std::sqrt(static_cast<double>(d)) / 8);
  if (!(away <= bound)) check::fail(__FILE__, __LINE__, where + "values are " + std::to_string(away / bound) + " bounds away");
  if (!check::near(window.total_loss(), loss, 1e-5 * (1 + std::fabs(loss)))) check::fail(__FILE__, __LINE__, where + "the loss is " + std::to_string(window.total_loss()) + ", expected " + std::to_string(loss));
  for (const auto& rows : {window.input_rows, window.output_rows, std::vector<float*>{window.filler.floats()}}) {
    for (const float* row : rows) {
      for (size_t c = row == window.filler.floats() ? 0 : d; c < window.stride; ++c) {
        if (row[c] != 0) return check::fail(__FILE__, __LINE__, where + "the padding was written to");
      }
    }
  }
}

}  // namespace

TEST(the_dispatch_takes_what_was_asked_for) {
  const char* expected = std::getenv("ANYVEC_EXPECT_ISA");
  if (!CHECK(kernels::active() != nullptr)) return;
  if (expected != nullptr) CHECK_EQUAL(std::string(kernels::active()->isa), std::string(expected));
  CHECK(std::string(kernels::supported()[0]->isa) != "");
}

TEST(windows_of_every_shape_follow_the_law) {
  const uint32_t most_outputs = emulated() ? 14 : 20;
  for (uint32_t n = 1; n <= 11; ++n) {
    for (uint32_t m = 1; m <= most_outputs; ++m) compare(n, m, 20, 0.5f);
  }
}

TEST(windows_of_every_dimension_follow_the_law) {
  for (uint32_t d = 1; d <= (emulated() ? 70U : 140U); ++d) {
    compare(3, 6, d, 0.5f);
    compare(5, 13, d, 0.5f);
  }
  for (uint32_t d : {255U, 256U, 257U, 300U, 511U, 1000U, 4095U, 4096U}) compare(4, 7, d, 0.1f);
}

TEST(large_windows_follow_the_law) {
  compare(200, 6, 30, 0.3f);
  compare(6, 300, 30, 0.3f);
}

TEST(saturated_products_follow_the_law) {
  for (float scale : {2.0f, 5.0f, 12.0f}) {
    for (uint32_t d : {1U, 7U, 16U, 50U}) compare(3, 6, d, scale);
  }
}

TEST(updates_are_the_gradient_of_the_loss) {
  const KernelTable& table = *kernels::active();
  Case window(4, 11, 24, 0.7f, 77);
  Doubles x = copy(window.input_rows, 24), y = copy(window.output_rows, 24);
  window.run(table);
  const double step = 1e-5;
  double most = 0;
  for (int side = 0; side < 2; ++side) {
    Doubles& rows = side == 0 ? x : y;
    const auto& updated = side == 0 ? window.input_rows : window.output_rows;
    for (size_t r = 0; r < rows.size(); ++r) {
      for (size_t c = 0; c < 24; ++c) {
        const double old = rows[r][c];
        rows[r][c] = old + step;
        const double above = window_loss(x, y, window);
        rows[r][c] = old - step;
        const double below = window_loss(x, y, window);
        rows[r][c] = old;
        const double gradient = -(above - below) / (2 * step);
        const double change = (static_cast<double>(updated[r][c]) - old) / static_cast<double>(window.rate);
        most = std::max(most, std::fabs(gradient - change));
      }
    }
  }
  CHECK_NEAR(most, 0, 2e-5);
}

TEST(draws_are_those_of_the_stream) {
  const KernelTable& table = *kernels::active();
  const random::Key key = random::key({3, 1, 4});
  for (uint32_t count : {1U, 15U, 16U, 17U, 100U}) {
    std::vector<uint32_t> out((count + 15) / 16 * 16);
    table.draw({key.a, key.b, 4'000'000'000U, count, out.data()});
    for (uint32_t i = 0; i < count; ++i) CHECK_EQUAL(out[i], random::draw(key, 4'000'000'000U + i));
  }
}

TEST(merged_rows_hold_what_both_have_learned) {
  const KernelTable& table = *kernels::active();
  for (size_t d : {16U, 48U, 112U}) {
    Memory rows = Memory::allocate(3 * d * sizeof(float));
    float *shared = rows.floats(), *own = shared + d, *base = own + d;
    Values values(static_cast<uint32_t>(d));
    std::vector<float> expected(d);
    for (size_t c = 0; c < d; ++c) {
      shared[c] = values.next(1);
      own[c] = values.next(1);
      base[c] = values.next(1);
      expected[c] = shared[c] + (own[c] - base[c]);
    }
    table.expect(shared, d);
    table.merge(shared, own, base, d);
    for (size_t c = 0; c < d; ++c) CHECK(shared[c] == expected[c] && own[c] == expected[c] && base[c] == expected[c]);
  }
}

TEST(a_value_that_is_not_finite_shows_in_the_loss) {
  const KernelTable& table = *kernels::active();
  for (float bad : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity(), -std::numeric_limits<float>::infinity()}) {
    Case window(2, 6, 20, 0.5f, 10);
    window.input_rows[1][3] = bad;
    window.run(table);
    CHECK(!std::isfinite(window.total_loss()));
  }
}

namespace {

using kernels::Hit;
using kernels::Measure;

constexpr Measure kMeasures[] = {Measure::kProduct, Measure::kCosine, Measure::kDistance};
constexpr float kNoBar = -std::numeric_limits<float>::infinity();
constexpr float kUnreachable = std::numeric_limits<float>::quiet_NaN();

// Rows and queries of any alignment, exactly as long as needed: a read past the end is an error of its own.
struct SearchCase {
  size_t dimensions, queries, rows;
  std::vector<float> q, r;

  SearchCase(size_t d, size_t query_count, size_t row_count)
      : dimensions(d), queries(query_count), rows(row_count), q(query_count * d), r(row_count * d + 1) {
    Values values(static_cast<uint32_t>(d * 100 + query_count * 10 + row_count));
    for (float& v : q) v = values.next(1);
    for (float& v : r) v = values.next(1);
  }

  const float* values() const { return r.data() + 1; }
  double expected(size_t query, size_t row, Measure measure) const {
    double product = 0, square = 0, apart = 0;
    for (size_t c = 0; c < dimensions; ++c) {
      const double a = static_cast<double>(q[query * dimensions + c]), b = static_cast<double>(values()[row * dimensions + c]);
      product += a * b;
      square += b * b;
      apart += (a - b) * (a - b);
    }
    return measure == Measure::kProduct ? product : measure == Measure::kCosine ? product / std::sqrt(square) : -apart;
  }

  // Hits of one query with the rows where they lie.
  std::vector<Hit> by_rows(const kernels::SearchKernels& search, size_t query, Measure measure, float bar, const uint32_t* ids = nullptr) const {
    std::vector<Hit> hits(rows);
    hits.resize(search.score_rows({{values(), dimensions, ids, rows}, q.data() + query * dimensions, bar, measure}, hits.data()));
    return hits;
  }

  // Hits of all queries with rows first .. first + count - 1 in a panel.
  std::vector<Hit> by_panel(const kernels::SearchKernels& search, size_t first, size_t count, Measure measure, float bar) const {
    const size_t width = search.panel_rows, tile = search.query_tile, tiles = (queries + tile - 1) / tile;
    std::vector<float> panel(dimensions * width), squares(width), packed(tiles * tile * dimensions), bars(tiles * tile, kUnreachable);
    for (size_t i = 0; i < queries; ++i) {
      bars[i] = bar;
      for (size_t d = 0; d < dimensions; ++d) packed[i / tile * tile * dimensions + d * tile + i % tile] = q[i * dimensions + d];
    }
    search.pack({values() + first * dimensions, dimensions, nullptr, count}, panel.data(), squares.data());
    if (measure == Measure::kCosine) {
      for (float& square : squares) square = square > 0 ? 1 / std::sqrt(square) : 0;
      search.scale(panel.data(), dimensions, squares.data());
    }
    std::vector<Hit> hits(tiles * tile * width);
    hits.resize(search.score_panel({panel.data(), static_cast<uint32_t>(count), dimensions, packed.data(), tiles * tile, bars.data(), measure, nullptr}, hits.data()));
    return hits;
  }
};

}  // namespace

TEST(scores_of_every_shape_are_those_of_the_formulas) {
  const kernels::SearchKernels& search = *kernels::active()->search;
  double most = 0;
  for (size_t d = 1; d <= (emulated() ? 40U : 70U); ++d) {
    for (size_t rows : {1U, 2U, 5U, 8U, 13U, 37U}) {
      const SearchCase one(d, emulated() ? 7 : 13, rows);
      for (Measure measure : kMeasures) {
        const auto found = one.by_rows(search, 0, measure, kNoBar);
        CHECK_EQUAL(found.size(), rows);
        for (size_t i = 0; i < found.size(); ++i) {
          CHECK_EQUAL(found[i].row, i);
          most = std::max(most, std::fabs(one.expected(0, i, measure) - static_cast<double>(found[i].score)));
        }
        size_t seen = 0;
        for (size_t first = 0; first < rows; first += search.panel_rows) {
          const size_t count = std::min<size_t>(search.panel_rows, rows - first);
          for (const Hit& hit : one.by_panel(search, first, count, measure, kNoBar)) {
            ++seen;
            if (!CHECK(hit.row < count && hit.query < one.queries)) return;
            most = std::max(most, std::fabs(one.expected(hit.query, first + hit.row, measure) - static_cast<double>(hit.score)));
          }
        }
        CHECK_EQUAL(seen, one.queries * rows);
      }
    }
  }
  CHECK_NEAR(most, 0, 5e-5);
}

TEST(a_score_does_not_depend_on_the_queries_and_rows_beside_it) {
  const kernels::SearchKernels& search = *kernels::active()->search;
  const SearchCase all(53, 9, 29);
  for (Measure measure : kMeasures) {
    for (size_t query = 0; query < all.queries; ++query) {
      const auto together = all.by_rows(search, query, measure, kNoBar);
      for (size_t row = 0; row < all.rows; ++row) {
        Hit alone{};
        CHECK_EQUAL(search.score_rows({{all.values() + row * 53, 53, nullptr, 1}, all.q.data() + query * 53, kNoBar, measure}, &alone), 1U);
        CHECK_EQUAL(alone.score, together[row].score);
      }
    }
    const size_t count = std::min<size_t>(all.rows, search.panel_rows);
    const auto together = all.by_panel(search, 0, count, measure, kNoBar);
    for (size_t row = 0; row < count; ++row) {
      for (const Hit& alone : all.by_panel(search, row, 1, measure, kNoBar)) {
        for (const Hit& hit : together) {
          if (hit.query == alone.query && hit.row == row) CHECK_EQUAL(hit.score, alone.score);
        }
      }
    }
  }
}

TEST(only_scores_that_reach_the_bar_come_out_and_numbered_rows_are_read_by_number) {
  const kernels::SearchKernels& search = *kernels::active()->search;
  const SearchCase one(19, 5, 21);
  std::vector<uint32_t> reversed;
  for (uint32_t i = 0; i < one.rows; ++i) reversed.push_back(static_cast<uint32_t>(one.rows) - 1 - i);
  for (Measure measure : kMeasures) {
    const auto every = one.by_rows(search, 3, measure, kNoBar);
    std::vector<float> scores;
    for (const Hit& hit : every) scores.push_back(hit.score);
    std::sort(scores.begin(), scores.end());
    // Equal to the bar is enough.
    CHECK_EQUAL(one.by_rows(search, 3, measure, scores[15]).size(), 6U);
    CHECK_EQUAL(one.by_rows(search, 3, measure, kUnreachable).size(), 0U);
    const auto turned = one.by_rows(search, 3, measure, kNoBar, reversed.data());
    for (size_t i = 0; i < one.rows; ++i) CHECK_EQUAL(turned[i].score, every[one.rows - 1 - i].score);
  }
}

TEST(rows_without_a_sound_length_are_left_to_the_caller_and_values_that_are_not_numbers_reach_no_bar) {
  const kernels::SearchKernels& search = *kernels::active()->search;
  SearchCase one(7, 3, 6);
  for (size_t d = 0; d < 7; ++d) {
    one.r[1 + 7 + d] = 0;
    one.r[1 + 3 * 7 + d] = 1e-20f;
    one.r[1 + 4 * 7 + d] = 1e20f;
  }
  one.r[1 + 2 * 7 + 5] = std::numeric_limits<float>::quiet_NaN();
  const auto found = one.by_rows(search, 0, Measure::kCosine, kNoBar);
  CHECK_EQUAL(found.size(), 6U);
  for (const Hit& hit : found) CHECK_EQUAL(hit.query, hit.row == 0 || hit.row == 5 ? 0 : kernels::kScoreInDouble);
  CHECK_EQUAL(one.by_rows(search, 0, Measure::kProduct, kNoBar).size(), 5U);
  const size_t count = std::min<size_t>(6, search.panel_rows);
  CHECK_EQUAL(one.by_panel(search, 0, count, Measure::kProduct, kNoBar).size(), 3 * (count - 1));
}

TEST(packed_rows_lie_side_by_side_with_zeros_behind_them_and_squares_are_sums_of_squares) {
  const kernels::SearchKernels& search = *kernels::active()->search;
  const size_t width = search.panel_rows;
  for (size_t d = 1; d <= 40; ++d) {
    const SearchCase one(d, 1, width);
    for (size_t count = 1; count <= width; ++count) {
      std::vector<float> panel(d * width, 7), squares(width, 7);
      search.pack({one.values(), d, nullptr, count}, panel.data(), squares.data());
      for (size_t row = 0; row < width; ++row) {
        double square = 0;
        for (size_t c = 0; c < d; ++c) {
          const float value = row < count ? one.values()[row * d + c] : 0;
          square += static_cast<double>(value) * static_cast<double>(value);
          CHECK_EQUAL(panel[c * width + row], value);
        }
        CHECK_NEAR(static_cast<double>(squares[row]), square, 1e-5 * (1 + square));
      }
    }
  }
}

TEST(a_sum_is_the_sum) {
  for (size_t count : {0U, 1U, 7U, 128U, 1000U}) {
    const std::vector<float> values(count, 0.5f);
    CHECK_EQUAL(kernels::active()->search->sum(values.data(), count), 0.5f * static_cast<float>(count));
  }
}

namespace {

// Every byte that a splitter might take for another, and mostly letters.
std::string text_of(uint32_t seed, size_t size) {
  const random::Key key = random::key({seed});
  const std::string all("aaaaaaaaaaaaaaaaaaaaaaaa     \n\t\v\f\r\b\x0e\x1f!\x7f\x80\x89\x8a\xa0\xff", 42);
  std::string text;
  for (size_t i = 0; i < size; ++i) text += all[random::bounded(random::draw(key, static_cast<uint32_t>(i)), static_cast<uint32_t>(all.size()))];
  return text;
}

bool is_white(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\v' || c == '\f' || c == '\r'; }

// Words as "from-to", line ends as "from-to" of one byte; byte by byte.
std::string words_by_the_book(const std::string& text) {
  std::string out;
  auto add = [&](size_t from, size_t to) { out += std::to_string(from) + "-" + std::to_string(to) + " "; };
  for (size_t at = 0; at < text.size();) {
    if (is_white(text[at])) {
      if (text[at] == '\n') add(at, at + 1);
      ++at;
      continue;
    }
    const size_t from = at;
    while (at < text.size() && !is_white(text[at])) ++at;
    add(from, at);
  }
  return out;
}

// The kernel on parts of a text that ends with white space, so that every word ends in it.
std::string words_by_parts(const KernelTable& table, const std::string& text, size_t part_size) {
  const std::string padded = text + std::string(63, 'x');
  std::vector<uint32_t> starts(text.size() + kernels::kSplitSlack), ends(text.size() + kernels::kSplitSlack);
  size_t started = 0, ended = 0;
  kernels::Split part{};
  part.spaced = true;
  for (size_t at = 0; at < text.size(); at += part_size) {
    part.text = padded.data() + at;
    part.size = std::min(part_size, text.size() - at);
    part.base = static_cast<uint32_t>(at);
    part.starts = starts.data() + started;
    part.ends = ends.data() + ended;
    table.split(part);
    started += part.started;
    ended += part.ended;
  }
  // A line end at the very end would end behind the text.
  if (ended < started) ends[ended++] = static_cast<uint32_t>(text.size());
  if (started != ended) return "uneven";
  std::string out;
  for (size_t i = 0; i < started; ++i) out += std::to_string(starts[i]) + "-" + std::to_string(ends[i]) + " ";
  return out;
}

}  // namespace

TEST(words_stand_where_a_walk_over_the_bytes_finds_them) {
  const KernelTable& table = *kernels::active();
  for (size_t size = 0; size <= (emulated() ? 140U : 400U); ++size) {
    const std::string text = text_of(static_cast<uint32_t>(size), size) + (size % 3 == 0 ? "\n" : " ");
    const std::string expected = words_by_the_book(text);
    for (size_t part : {size_t{64}, size_t{128}, size_t{1024}}) CHECK_EQUAL(words_by_parts(table, text, part), expected);
  }
  for (const std::string& text : {std::string(300, '\n'), std::string(300, ' '), std::string(300, 'a') + " ", std::string(64, 'a') + "\n" + std::string(63, 'b') + "\n"}) {
    CHECK_EQUAL(words_by_parts(table, text, 64), words_by_the_book(text));
  }
}

TEST(a_nul_byte_is_found_wherever_it_stands) {
  const KernelTable& table = *kernels::active();
  std::vector<uint32_t> starts(256 + kernels::kSplitSlack), ends(starts.size());
  for (size_t at = 0; at <= 192; ++at) {
    std::string text = text_of(static_cast<uint32_t>(at), 192);
    if (at < text.size()) text[at] = '\0';
    kernels::Split part{text.data(), text.size(), 0, true, false, starts.data(), ends.data(), 0, 0};
    CHECK_EQUAL(table.split(part), at < text.size());
  }
}

TEST(the_fma_chain_computes_something) {
  const KernelTable& table = *kernels::active();
  CHECK(table.fma_per_round > 0);
  // x -> 0.999 x + 0.001 goes to 1 in every lane.
  const float sum = table.fma_chain(20000);
  CHECK(sum > 7.9f && sum < 17.0f);
}
