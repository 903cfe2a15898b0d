#pragma once
// Exact search: the k rows nearest to each query.

#include <cstdint>
#include <vector>

#include "base/result.h"
#include "base/threads.h"
#include "kernels/kernel_table.h"
#include "model/matrix.h"

namespace anyvec::search {

constexpr uint32_t kNoRow = UINT32_MAX;

struct Request {
  const float* queries = nullptr;  // [query_count * columns]
  uint64_t query_count = 0;
  uint64_t k = 0;     // >= 1
  bool cosine = true; // scores by the angle (a zero row or query scores 0), else by the plain product
  uint64_t rows = 0;  // only the first ones are searched
  int threads = 1;
};

struct Answer {
  std::vector<uint32_t> ids;   // [query_count * k], best first; kNoRow where there are fewer rows
  std::vector<float> scores;   // [query_count * k]
};

// Equal scores go to the smaller row; a score that is not a number is no answer. The same answers for any number of threads.
Result<Answer> top_k(const model::Matrix& matrix, const Request& request, const kernels::KernelTable& kernel, const Cancel& cancel);

}  // namespace anyvec::search
