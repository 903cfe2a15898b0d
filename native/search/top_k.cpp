#include "search/top_k.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <string>

#include "base/checked.h"

namespace anyvec::search {

namespace {

// Queries that pass over the rows together, and the bytes of rows that stay in the cache while they do.
constexpr uint64_t kGroupQueries = 32;
constexpr uint64_t kBlockBytes = 64 << 10;
// Parts of the rows a thread, when there are too few queries to go round.
constexpr uint64_t kPartsAThread = 4;
constexpr uint64_t kLeastPartRows = 1024;

struct Scored {
  float score;
  uint32_t row;
};
bool better(const Scored& a, const Scored& b) { return a.score > b.score || (a.score == b.score && a.row < b.row); }

// The k best of the rows offered so far; rows are offered in rising order.
class Best {
 public:
  explicit Best(uint64_t k) : k_(k) {}

  // Nothing at or below this can enter.
  float bar() const { return bar_; }
  void offer(float score, uint32_t row) {
    if (heap_.size() < k_) {
      heap_.push_back({score, row});
      if (heap_.size() == k_) {
        std::make_heap(heap_.begin(), heap_.end(), better);
        bar_ = heap_.front().score;
      }
      return;
    }
    std::pop_heap(heap_.begin(), heap_.end(), better);
    heap_.back() = {score, row};
    std::push_heap(heap_.begin(), heap_.end(), better);
    bar_ = heap_.front().score;
  }
  bool open() const { return heap_.size() < k_; }
  std::vector<Scored> take() { return std::move(heap_); }

 private:
  uint64_t k_;
  float bar_ = -INFINITY;
  std::vector<Scored> heap_;  // once full, the worst is in front
};

// In double, for rows and queries whose squares leave float32.
double square_norm(const float* v, uint64_t n) {
  double sum = 0;
  for (uint64_t i = 0; i < n; ++i) sum += static_cast<double>(v[i]) * v[i];
  return sum;
}
float cosine(const float* a, const float* b, uint64_t n) {
  double sum = 0;
  for (uint64_t i = 0; i < n; ++i) sum += static_cast<double>(a[i]) * b[i];
  const double norms = std::sqrt(square_norm(a, n)) * std::sqrt(square_norm(b, n));
  return norms == 0 ? 0.0f : static_cast<float>(sum / norms);
}

// Squares of lengths between which a float32 product of a unit query and the row is safe and precise.
constexpr float kLeastSquare = 1e-24f;
constexpr float kMostSquare = 1e24f;

class Searcher {
 public:
  Searcher(const model::Matrix& matrix, const Request& request, const kernels::KernelTable& kernel, const float* queries)
      : matrix_(matrix), request_(request), kernel_(kernel), queries_(queries) {
    block_rows_ = std::clamp<uint64_t>(kBlockBytes / (matrix.columns * sizeof(float)), 16, 1024);
    scores_.resize(kGroupQueries * block_rows_);
    squares_.resize(block_rows_);
  }

  // The best rows of from .. to - 1 for queries first .. first + count - 1.
  std::vector<Best> search(uint64_t first, uint64_t count, uint64_t from, uint64_t to, const Cancel& cancel) {
    std::vector<Best> best(count, Best(std::min(request_.k, to - from)));
    for (uint64_t at = from; at < to && !cancel.requested(); at += block_rows_) {
      const uint64_t rows = std::min(block_rows_, to - at);
      kernels::ScoreBlock block{};
      block.queries = queries_ + first * matrix_.columns;
      block.query_stride = matrix_.columns;
      block.query_count = count;
      block.rows = matrix_.row(at);
      block.row_count = rows;
      block.dimensions = matrix_.columns;
      block.scores = scores_.data();
      kernel_.score(block);
      if (request_.cosine) divide_by_lengths(first, count, at, rows);
      for (uint64_t q = 0; q < count; ++q) {
        const float* scores = scores_.data() + q * rows;
        Best& list = best[q];
        for (uint64_t r = 0; r < rows; ++r) {
          if (scores[r] > list.bar() || (list.open() && !std::isnan(scores[r]))) list.offer(scores[r], static_cast<uint32_t>(at + r));
        }
      }
    }
    return best;
  }

 private:
  void divide_by_lengths(uint64_t first, uint64_t count, uint64_t at, uint64_t rows) {
    kernel_.square_norms(matrix_.row(at), rows, matrix_.columns, squares_.data());
    for (uint64_t r = 0; r < rows; ++r) {
      const float square = squares_[r];
      if (square >= kLeastSquare && square <= kMostSquare) {
        squares_[r] = 1.0f / std::sqrt(square);
      } else {
        squares_[r] = 0;
        for (uint64_t q = 0; q < count; ++q) {
          scores_[q * rows + r] = cosine(request_.queries + (first + q) * matrix_.columns, matrix_.row(at + r), matrix_.columns);
        }
      }
    }
    for (uint64_t q = 0; q < count; ++q) {
      float* scores = scores_.data() + q * rows;
      for (uint64_t r = 0; r < rows; ++r) {
        // Rounding can leave a cosine a little outside of its range.
        if (squares_[r] > 0) scores[r] = std::clamp(scores[r] * squares_[r], -1.0f, 1.0f);
      }
    }
  }

  const model::Matrix& matrix_;
  const Request& request_;
  const kernels::KernelTable& kernel_;
  const float* queries_;  // of length 1 when scoring by cosine
  uint64_t block_rows_;
  std::vector<float> scores_;
  std::vector<float> squares_;  // of lengths, then 1 / length
};

}  // namespace

Result<Answer> top_k(const model::Matrix& matrix, const Request& request, const kernels::KernelTable& kernel, const Cancel& cancel) {
  if (request.k < 1) return Error{Code::kOption, "k must be at least 1", {}};
  if (request.threads < 1 || request.threads > 1024) return Error{Code::kOption, "threads must be 1..1024", {}};
  const uint64_t rows = std::min<uint64_t>(request.rows, std::min<uint64_t>(matrix.rows, kNoRow));
  const auto answers = checked_product(request.query_count, request.k, sizeof(Scored));
  if (!answers || *answers > SIZE_MAX / 4) return Error{Code::kMemory, "that many answers do not fit in memory", {}};
  Answer answer;
  answer.ids.assign(request.query_count * request.k, kNoRow);
  answer.scores.assign(request.query_count * request.k, 0.0f);
  if (rows == 0 || request.query_count == 0) return answer;

  std::vector<float> units;
  if (request.cosine) {
    units.assign(request.queries, request.queries + request.query_count * matrix.columns);
    for (uint64_t q = 0; q < request.query_count; ++q) {
      float* query = units.data() + q * matrix.columns;
      const double length = std::sqrt(square_norm(query, matrix.columns));
      const double scale = length > 0 ? 1 / length : 0;
      for (uint64_t i = 0; i < matrix.columns; ++i) query[i] = static_cast<float>(query[i] * scale);
    }
  }
  const float* queries = request.cosine ? units.data() : request.queries;

  const uint64_t groups = (request.query_count + kGroupQueries - 1) / kGroupQueries;
  const auto threads = static_cast<uint64_t>(request.threads);
  uint64_t parts = 1;
  if (groups < 2 * threads && threads > 1) {
    parts = std::clamp<uint64_t>((kPartsAThread * threads + groups - 1) / groups, 1, std::max<uint64_t>(1, rows / kLeastPartRows));
  }
  std::vector<std::vector<Best>> found(groups * parts);
  std::atomic<uint64_t> next{0};
  run_on_threads(static_cast<int>(std::min(threads, groups * parts)), [&](int) {
    Searcher searcher(matrix, request, kernel, queries);
    for (uint64_t unit = next.fetch_add(1); unit < groups * parts; unit = next.fetch_add(1)) {
      if (cancel.requested()) return;
      const uint64_t group = unit / parts, part = unit % parts;
      const uint64_t first = group * kGroupQueries;
      const uint64_t count = std::min(kGroupQueries, request.query_count - first);
      found[unit] = searcher.search(first, count, rows * part / parts, rows * (part + 1) / parts, cancel);
    }
  });
  if (cancel.requested()) return aborted();

  std::vector<Scored> all;
  for (uint64_t q = 0; q < request.query_count; ++q) {
    all.clear();
    for (uint64_t part = 0; part < parts; ++part) {
      const auto some = found[q / kGroupQueries * parts + part][q % kGroupQueries].take();
      all.insert(all.end(), some.begin(), some.end());
    }
    const auto kept = static_cast<ptrdiff_t>(std::min<uint64_t>(request.k, all.size()));
    std::partial_sort(all.begin(), all.begin() + kept, all.end(), better);
    for (ptrdiff_t i = 0; i < kept; ++i) {
      answer.ids[q * request.k + static_cast<uint64_t>(i)] = all[static_cast<size_t>(i)].row;
      answer.scores[q * request.k + static_cast<uint64_t>(i)] = all[static_cast<size_t>(i)].score;
    }
  }
  return answer;
}

}  // namespace anyvec::search
