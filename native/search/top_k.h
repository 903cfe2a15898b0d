#pragma once
// Exact search: the k rows nearest to each query.

#include <cstdint>
#include <vector>

#include "base/result.h"
#include "base/threads.h"
#include "kernels/kernel_table.h"
#include "model/matrix.h"
#include "search/row_filter.h"

namespace anyvec::search {

constexpr uint32_t kNoRow = UINT32_MAX;

using kernels::Measure;

struct Request {
  const float* queries = nullptr;  // [query_count * columns]
  uint64_t query_count = 0;
  uint64_t k = 0;  // >= 1, answers a question: a query, or for analogies three
  // kCosine: a zero row or query scores 0. kDistance: scores are minus the distance.
  Measure measure = Measure::kCosine;
  RowFilter filter;
  int threads = 1;
};

struct Answer {
  std::vector<uint32_t> ids;   // [questions * k], best first; kNoRow where there are fewer rows
  std::vector<float> scores;   // [questions * k]
};

// Equal scores go to the smaller row; a score that is not a number is no answer. The same answers for any number of threads.
Result<Answer> top_k(const model::Matrix& matrix, const Request& request, const kernels::KernelTable& kernel, const Cancel& cancel);

// The cosine of two vectors in double; 0 where one is zero, NaN where one holds no number.
float cosine(const float* a, const float* b, uint64_t n);

}  // namespace anyvec::search
