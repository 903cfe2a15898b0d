// Approximate search against exact search, and files that lie.

#include "search/hnsw.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <set>
#include <vector>

#include "base/random.h"
#include "tests/check.h"

using namespace anyvec;
using search::Graph;
using search::Storage;

namespace {

constexpr uint64_t kColumns = 20;
uint64_t row_count() { return std::getenv("ANYVEC_EMULATED") || std::getenv("ANYVEC_SANITIZED") ? 600 : 4000; }

model::Matrix random_matrix(uint64_t rows, uint32_t seed) {
  const random::Key key = random::key({seed});
  auto owner = std::make_shared<std::vector<float>>(rows * kColumns);
  for (size_t i = 0; i < owner->size(); ++i) (*owner)[i] = static_cast<float>(random::draw(key, static_cast<uint32_t>(i))) / 4294967296.0f - 0.5f;
  return {owner->data(), rows, kColumns, owner};
}

const Cancel kNever;

std::shared_ptr<Graph> built(const model::Matrix& matrix, Storage storage = Storage::kFloat32, int threads = 1) {
  std::atomic<uint64_t> done{0};
  search::GraphParameters parameters;
  parameters.storage = storage;
  parameters.threads = threads;
  auto graph = Graph::build(matrix, parameters, *kernels::active(), kNever, done);
  CHECK(graph.ok());
  CHECK_EQUAL(done.load(), matrix.rows);
  return graph.value();
}

std::shared_ptr<Graph> opened(const model::Matrix& matrix, const std::vector<char>& bytes) {
  // At a multiple of 64, as in a model file.
  auto memory = std::make_shared<Memory>(Memory::allocate(bytes.size()));
  if (!bytes.empty()) std::memcpy(memory->data(), bytes.data(), bytes.size());
  auto graph = Graph::open(matrix, memory, static_cast<const char*>(memory->data()), bytes.size(), *kernels::active());
  return graph.ok() ? graph.value() : nullptr;
}

search::WalkAnswer asked(Graph& graph, const model::Matrix& queries, uint64_t k, search::RowFilter filter, int threads = 1, bool always = true) {
  search::Walk walk;
  walk.always = always;
  walk.queries = queries.data;
  walk.query_count = queries.rows;
  walk.k = k;
  walk.filter = filter;
  walk.threads = threads;
  auto found = graph.search(walk, kNever);
  CHECK(found.ok());
  return found.ok() ? found.value() : search::WalkAnswer{};
}

search::Answer exactly(const model::Matrix& matrix, const model::Matrix& queries, uint64_t k, search::RowFilter filter) {
  search::Request request;
  request.queries = queries.data;
  request.query_count = queries.rows;
  request.k = k;
  request.filter = filter;
  return search::top_k(matrix, request, *kernels::active(), kNever).value();
}

double recall(const search::Answer& found, const search::Answer& exact, uint64_t k) {
  uint64_t hits = 0;
  for (size_t from = 0; from < exact.ids.size(); from += k) {
    const std::set<uint32_t> right(exact.ids.begin() + static_cast<ptrdiff_t>(from), exact.ids.begin() + static_cast<ptrdiff_t>(from + k));
    for (size_t i = from; i < from + k; ++i) hits += right.count(found.ids[i]);
  }
  return static_cast<double>(hits) / static_cast<double>(exact.ids.size());
}

search::RowFilter all(const model::Matrix& matrix) { return {nullptr, matrix.rows}; }

}  // namespace

TEST(the_walk_finds_nearly_all_of_the_nearest_rows_for_every_storage) {
  const auto matrix = random_matrix(row_count(), 1), queries = random_matrix(50, 2);
  const auto exact = exactly(matrix, queries, 10, all(matrix));
  for (Storage storage : {Storage::kFloat32, Storage::kFloat16, Storage::kInt8}) {
    for (int threads : {1, 3}) {
      auto graph = built(matrix, storage, threads);
      CHECK_EQUAL(graph->size(), matrix.rows);
      const auto found = asked(*graph, queries, 10, all(matrix), threads);
      CHECK(recall(found.answer, exact, 10) > 0.9);
      for (uint64_t q = 0; q < queries.rows; ++q) {
        for (uint64_t i = 0; i < 10; ++i) {
          const float score = search::cosine(queries.row(q), matrix.row(found.answer.ids[q * 10 + i]), kColumns);
          CHECK_EQUAL(found.answer.scores[q * 10 + i], score);
          if (i > 0) CHECK(score <= found.answer.scores[q * 10 + i - 1]);
        }
      }
    }
  }
}

TEST(a_filter_is_kept_and_never_costs_answers) {
  const auto matrix = random_matrix(row_count(), 3), queries = random_matrix(20, 4);
  auto graph = built(matrix);
  for (bool always : {true, false}) for (uint64_t share : {0U, 1U, 10U, 50U, 90U}) {
    std::vector<uint32_t> words((matrix.rows + 31) / 32);
    uint64_t kept = 0;
    for (uint64_t r = 0; r < matrix.rows; ++r) {
      if (r * 37 % 100 >= share) continue;
      words[r / 32] |= 1U << (r % 32);
      ++kept;
    }
    const search::RowFilter filter{words.data(), matrix.rows};
    const auto found = asked(*graph, queries, 10, filter, 1, always);
    const auto exact = exactly(matrix, queries, 10, filter);
    uint64_t answers = 0;
    for (uint32_t id : found.answer.ids) {
      if (id == search::kNoRow) continue;
      ++answers;
      CHECK(filter.holds(id));
    }
    CHECK_EQUAL(answers, 20 * std::min<uint64_t>(10, kept));
    CHECK(recall(found.answer, exact, 10) > 0.9);
    if (found.exact) CHECK(found.answer.ids == exact.ids);
  }
  // All of them, and only the first ones.
  CHECK(asked(*graph, queries, matrix.rows, all(matrix)).exact);
  for (uint32_t id : asked(*graph, queries, 5, {nullptr, 77}).answer.ids) CHECK(id < 77);
}

TEST(a_saved_graph_opens_where_it_lies_with_the_same_answers) {
  const auto matrix = random_matrix(row_count(), 5), queries = random_matrix(20, 6);
  for (Storage storage : {Storage::kFloat32, Storage::kFloat16, Storage::kInt8}) {
    auto graph = built(matrix, storage);
    CHECK(graph->remove({7, 8, 9}).ok());
    const auto bytes = graph->save().value();
    CHECK_EQUAL(bytes.size() % 64, 0U);
    auto again = opened(matrix, bytes);
    if (!CHECK(again != nullptr)) return;
    CHECK_EQUAL(again->size(), matrix.rows - 3);
    const auto expected = asked(*graph, queries, 10, all(matrix)).answer;
    CHECK(asked(*again, queries, 10, all(matrix), 2).answer.ids == expected.ids);
    CHECK(again->save().value() == bytes);
    // It can be changed after all.
    CHECK(again->add({7, 8, 9}, 1, kNever).ok());
    CHECK_EQUAL(again->size(), matrix.rows);
    CHECK(asked(*again, queries, 10, all(matrix)).answer.ids.size() == 200);
  }
}

TEST(removed_rows_are_no_answers_until_they_are_added_again) {
  const auto matrix = random_matrix(row_count(), 7);
  auto graph = built(matrix);
  model::Matrix query = matrix;
  query.rows = 1;
  CHECK_EQUAL(asked(*graph, query, 3, all(matrix)).answer.ids[0], 0U);
  CHECK(graph->remove({0}).ok());
  CHECK(asked(*graph, query, 3, all(matrix)).answer.ids[0] != 0U);
  CHECK_EQUAL(graph->size(), matrix.rows - 1);
  CHECK(graph->add({0}, 2, kNever).ok());
  CHECK_EQUAL(asked(*graph, query, 3, all(matrix)).answer.ids[0], 0U);
}

TEST(rows_that_are_not_numbers_are_left_out_and_zero_rows_are_not) {
  auto matrix = random_matrix(500, 9);
  matrix.data[5 * kColumns + 3] = std::numeric_limits<float>::quiet_NaN();
  matrix.data[6 * kColumns + 3] = std::numeric_limits<float>::infinity();
  for (uint64_t d = 0; d < kColumns; ++d) matrix.data[7 * kColumns + d] = 0;
  auto graph = built(matrix, Storage::kInt8);
  CHECK_EQUAL(graph->size(), 498U);
  auto found = asked(*graph, random_matrix(1, 10), 500, all(matrix)).answer;
  CHECK_EQUAL(std::count(found.ids.begin(), found.ids.end(), search::kNoRow), 2);
  CHECK_EQUAL(std::count(found.ids.begin(), found.ids.end(), 5U) + std::count(found.ids.begin(), found.ids.end(), 6U), 0);
  CHECK_EQUAL(std::count(found.ids.begin(), found.ids.end(), 7U), 1);
}

TEST(every_byte_that_changes_is_an_error_and_so_is_every_cut) {
  const auto matrix = random_matrix(60, 11), queries = random_matrix(3, 12);
  const auto bytes = built(matrix)->save().value();
  search::Walk walk;
  walk.queries = queries.data;
  walk.query_count = queries.rows;
  walk.k = 5;
  walk.filter = all(matrix);
  walk.always = true;
  for (size_t at = 0; at < bytes.size(); at += 1) {
    auto bad = bytes;
    bad[at] = static_cast<char>(bad[at] ^ (1 << (at % 8)));
    auto graph = opened(matrix, bad);
    if (graph == nullptr) continue;
    auto found = graph->search(walk, kNever);
    if (!CHECK(!found.ok() && found.error().code == Code::kFormat)) return;
    CHECK(!graph->save().ok());
  }
  for (size_t size = 0; size < bytes.size(); size += 7) CHECK(opened(matrix, {bytes.begin(), bytes.begin() + static_cast<ptrdiff_t>(size)}) == nullptr);
  CHECK(opened(random_matrix(61, 11), bytes) == nullptr);
}

TEST(a_cancelled_build_is_aborted_and_settings_out_of_range_are_refused) {
  const auto matrix = random_matrix(500, 13);
  Cancel cancel;
  cancel.request();
  std::atomic<uint64_t> done{0};
  search::GraphParameters parameters;
  CHECK(Graph::build(matrix, parameters, *kernels::active(), cancel, done).error().code == Code::kAborted);
  parameters.connectivity = 1;
  CHECK(Graph::build(matrix, parameters, *kernels::active(), kNever, done).error().code == Code::kOption);
}
