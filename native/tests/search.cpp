// Exact search against sorting everything.

#include "search/top_k.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "base/random.h"
#include "tests/check.h"

using namespace anyvec;
using search::Measure;
using search::RowFilter;

namespace {

model::Matrix matrix_of(std::vector<float> values, uint64_t columns) {
  auto owner = std::make_shared<std::vector<float>>(std::move(values));
  return {owner->data(), owner->size() / columns, columns, owner};
}

model::Matrix random_matrix(uint64_t rows, uint64_t columns, uint32_t seed) {
  const random::Key key = random::key({seed});
  std::vector<float> values(rows * columns);
  for (size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(random::draw(key, static_cast<uint32_t>(i))) / 4294967296.0f - 0.5f;
  return matrix_of(std::move(values), columns);
}

search::Answer search_for(const model::Matrix& matrix, const std::vector<float>& queries, uint64_t k, Measure measure, int threads = 1, RowFilter filter = {nullptr, UINT64_MAX}) {
  const Cancel cancel;
  auto found = search::top_k(matrix, {queries.data(), queries.size() / matrix.columns, k, measure, filter, threads}, *kernels::active(), cancel);
  CHECK(found.ok());
  return found.ok() ? found.value() : search::Answer{};
}

double exact(const float* a, const float* b, uint64_t n, Measure measure) {
  double ab = 0, aa = 0, bb = 0, apart = 0;
  for (uint64_t i = 0; i < n; ++i) {
    ab += static_cast<double>(a[i]) * static_cast<double>(b[i]);
    aa += static_cast<double>(a[i]) * static_cast<double>(a[i]);
    bb += static_cast<double>(b[i]) * static_cast<double>(b[i]);
    apart += (static_cast<double>(a[i]) - static_cast<double>(b[i])) * (static_cast<double>(a[i]) - static_cast<double>(b[i]));
  }
  return measure == Measure::kCosine ? ab / std::sqrt(aa * bb) : measure == Measure::kProduct ? ab : -std::sqrt(apart);
}

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();

}  // namespace

TEST(the_best_rows_come_in_order_for_any_number_of_queries_and_threads) {
  for (uint64_t columns : {1U, 3U, 16U, 50U}) {
    const auto matrix = random_matrix(3000, columns, static_cast<uint32_t>(columns));
    for (uint64_t queries : {1U, 2U, 33U, 70U}) {
      const auto asked = random_matrix(queries, columns, 1000 + static_cast<uint32_t>(queries));
      const std::vector<float> q(asked.data, asked.data + queries * columns);
      for (Measure measure : {Measure::kCosine, Measure::kProduct, Measure::kDistance}) {
        const auto one = search_for(matrix, q, 10, measure);
        for (int threads : {2, 5}) {
          const auto many = search_for(matrix, q, 10, measure, threads);
          CHECK(many.ids == one.ids);
          CHECK(many.scores == one.scores);
        }
        for (uint64_t a = 0; a < queries; ++a) {
          std::vector<double> scores;
          for (uint64_t r = 0; r < matrix.rows; ++r) scores.push_back(exact(q.data() + a * columns, matrix.row(r), columns, measure));
          std::vector<double> sorted = scores;
          std::sort(sorted.rbegin(), sorted.rend());
          for (size_t i = 0; i < 10; ++i) {
            // By score, because rows that differ in the last bit may change places.
            CHECK_NEAR(scores[one.ids[a * 10 + i]], sorted[i], 2e-6);
            CHECK_NEAR(static_cast<double>(one.scores[a * 10 + i]), sorted[i], 2e-6);
          }
        }
      }
    }
  }
}

TEST(equal_scores_go_to_the_smaller_row) {
  std::vector<float> values;
  for (int r = 0; r < 5000; ++r) values.insert(values.end(), {1.0f, r % 7 == 3 ? 0.0f : 1.0f});
  const auto matrix = matrix_of(values, 2);
  for (int threads : {1, 4}) {
    const auto found = search_for(matrix, {1, 0}, 20, Measure::kCosine, threads);
    for (uint32_t i = 0; i < 20; ++i) CHECK_EQUAL(found.ids[i], 3 + 7 * i);
  }
}

TEST(fewer_rows_than_asked_for_leave_places_empty) {
  const auto found = search_for(random_matrix(3, 4, 1), {1, 2, 3, 4}, 5, Measure::kCosine);
  CHECK(found.ids[2] != search::kNoRow);
  CHECK_EQUAL(found.ids[3], search::kNoRow);
  CHECK_EQUAL(found.ids[4], search::kNoRow);
}

TEST(only_the_first_rows_are_searched_where_that_is_asked) {
  const auto matrix = random_matrix(4000, 8, 2);
  const auto found = search_for(matrix, {1, 1, 1, 1, 1, 1, 1, 1}, 50, Measure::kCosine, 3, {nullptr, 100});
  for (uint32_t id : found.ids) CHECK(id < 100);
  CHECK_EQUAL(search_for(matrix, {1, 1, 1, 1, 1, 1, 1, 1}, 1, Measure::kCosine, 3, {nullptr, 0}).ids[0], search::kNoRow);
}

TEST(a_filter_lets_through_what_sorting_all_of_its_rows_would_answer) {
  const auto matrix = random_matrix(3001, 20, 11);
  const random::Key key = random::key({5});
  for (uint64_t queries : {1U, 3U, 40U}) {
    const std::vector<float> q(matrix.data, matrix.data + queries * 20);
    const auto all = search_for(matrix, q, 3001, Measure::kCosine);
    for (uint32_t share : {0U, 1U, 10U, 50U, 99U, 100U}) {
      std::vector<uint32_t> words((matrix.rows + 31) / 32);
      for (uint64_t r = 0; r < matrix.rows; ++r) {
        if (random::draw(key, static_cast<uint32_t>(r)) % 100 < share) words[r / 32] |= 1U << (r % 32);
      }
      for (uint64_t rows : {3001U, 2977U}) {
        const RowFilter filter{words.data(), rows};
        for (int threads : {1, 3}) {
          const auto found = search_for(matrix, q, 30, Measure::kCosine, threads, filter);
          for (uint64_t a = 0; a < queries; ++a) {
            std::vector<uint32_t> expected;
            for (uint64_t i = 0; i < 3001 && expected.size() < 30; ++i) {
              if (filter.holds(all.ids[a * 3001 + i])) expected.push_back(all.ids[a * 3001 + i]);
            }
            expected.resize(30, search::kNoRow);
            CHECK(std::equal(expected.begin(), expected.end(), found.ids.begin() + static_cast<ptrdiff_t>(a * 30)));
          }
        }
      }
    }
  }
}

TEST(analogies_are_those_of_their_formulas) {
  const auto matrix = random_matrix(700, 13, 21);
  std::vector<float> q(matrix.data, matrix.data + 13 * 60);
  auto cosine = [&](uint64_t query, uint64_t row) { return exact(q.data() + query * 13, matrix.row(row), 13, Measure::kCosine); };
  for (Measure measure : {Measure::kMultiply, Measure::kDirection}) {
    const auto found = search_for(matrix, q, 20, measure);
    CHECK(search_for(matrix, q, 20, measure, 4).ids == found.ids);
    CHECK_EQUAL(found.ids.size(), 20U * 20U);
    for (uint64_t question = 0; question < 20; ++question) {
      std::vector<double> scores;
      for (uint64_t row = 0; row < matrix.rows; ++row) {
        const uint64_t a = 3 * question, b = a + 1, c = a + 2;
        if (measure == Measure::kMultiply) {
          scores.push_back((1 + cosine(b, row)) / 2 * ((1 + cosine(c, row)) / 2) / ((1 + cosine(a, row)) / 2 + 0.001));
        } else {
          // The cosine of (row - c) and (b - a), all of length 1.
          const double apart = std::sqrt(2 - 2 * exact(q.data() + a * 13, q.data() + b * 13, 13, Measure::kCosine));
          const double offset = exact(q.data() + b * 13, q.data() + c * 13, 13, Measure::kCosine) - exact(q.data() + a * 13, q.data() + c * 13, 13, Measure::kCosine);
          scores.push_back(row == c ? 0 : (cosine(b, row) - cosine(a, row) - offset) / apart / std::sqrt(2 - 2 * cosine(c, row)));
        }
      }
      std::vector<double> sorted = scores;
      std::sort(sorted.rbegin(), sorted.rend());
      for (uint64_t i = 0; i < 20; ++i) {
        CHECK_NEAR(static_cast<double>(found.scores[question * 20 + i]), sorted[i], 2e-4 * (1 + sorted[0]));
        CHECK_NEAR(scores[found.ids[question * 20 + i]], sorted[i], 2e-4 * (1 + sorted[0]));
      }
    }
  }
  const Cancel cancel;
  CHECK(search::top_k(matrix, {q.data(), 4, 1, Measure::kMultiply, {nullptr, 20}, 1}, *kernels::active(), cancel).error().code == Code::kOption);
}

TEST(all_rows_can_be_ranked) {
  const auto matrix = random_matrix(5000, 5, 3);
  auto found = search_for(matrix, {1, -1, 1, -1, 1}, 5000, Measure::kCosine, 2);
  CHECK(std::is_sorted(found.scores.rbegin(), found.scores.rend()));
  std::sort(found.ids.begin(), found.ids.end());
  for (uint32_t i = 0; i < 5000; ++i) CHECK_EQUAL(found.ids[i], i);
}

TEST(rows_that_are_not_numbers_are_no_answers_and_zero_rows_score_zero) {
  const auto matrix = matrix_of({kNaN, 1, 1, 0, 0, 0, -1, 0, 1, kNaN, 1, 1}, 2);
  const auto found = search_for(matrix, {1, 0}, 6, Measure::kCosine);
  const std::vector<uint32_t> expected{1, 5, 2, 3, search::kNoRow, search::kNoRow};
  CHECK(found.ids == expected);
  CHECK_EQUAL(found.scores[2], 0.0f);
}

TEST(very_large_and_very_small_rows_have_a_direction) {
  const auto matrix = matrix_of({1e30f, 1e30f, 1e-30f, 0, 3e38f, 0, 1e-42f, 1e-42f, kInfinity, 0}, 2);
  const auto found = search_for(matrix, {1e30f, 0}, 5, Measure::kCosine);
  CHECK_NEAR(static_cast<double>(found.scores[0]), 1.0, 1e-6);
  CHECK_EQUAL(found.ids[0], 1U);
  CHECK_EQUAL(found.ids[1], 2U);
  CHECK_NEAR(static_cast<double>(found.scores[2]), std::sqrt(0.5), 1e-6);
  CHECK_NEAR(static_cast<double>(found.scores[3]), std::sqrt(0.5), 1e-3);
  CHECK_EQUAL(found.ids[4], search::kNoRow);
}

TEST(a_cosine_is_never_above_one) {
  const auto matrix = random_matrix(2000, 37, 8);
  const std::vector<float> q(matrix.data, matrix.data + 37 * 200);
  const auto found = search_for(matrix, q, 1, Measure::kCosine);
  for (float score : found.scores) CHECK(score <= 1.0f && score > 0.99999f);
}

TEST(a_cancelled_search_is_aborted) {
  const auto matrix = random_matrix(2000, 10, 8);
  Cancel cancel;
  cancel.request();
  const std::vector<float> q(10, 1.0f);
  CHECK(search::top_k(matrix, {q.data(), 1, 3, Measure::kCosine, {nullptr, 2000}, 2}, *kernels::active(), cancel).error().code == Code::kAborted);
}

TEST(requests_that_make_no_sense_are_refused) {
  const auto matrix = random_matrix(20, 10, 8);
  const Cancel cancel;
  const std::vector<float> q(10, 1.0f);
  CHECK(search::top_k(matrix, {q.data(), 1, 0, Measure::kCosine, {nullptr, 20}, 1}, *kernels::active(), cancel).error().code == Code::kOption);
  CHECK(search::top_k(matrix, {q.data(), 1, 1, Measure::kCosine, {nullptr, 20}, 0}, *kernels::active(), cancel).error().code == Code::kOption);
  CHECK(search::top_k(matrix, {q.data(), 1, UINT64_MAX, Measure::kCosine, {nullptr, 20}, 1}, *kernels::active(), cancel).error().code == Code::kMemory);
}
