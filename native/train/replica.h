#pragma once
// One worker's view of a matrix that several train: rows of its own for the most frequent ids, the shared rows for all others.
//
// Frequent words are in every window, so without this the cores would spend their time passing the same few cache lines around: two
// cores that share no cache need 240 ns to hand one over (measured on two Zen 5 chiplets), as long as a whole step takes. A worker
// trains its own copies and, after a number of steps on a row, adds what it has changed to the shared row and takes over what the others
// have. The row's age is counted in steps on it, not in time, so a copy never lags by more than kSteps steps a worker, however frequent
// its word is. One worker alone has no copies: it computes exactly docs/training-law.md.

#include <algorithm>
#include <cstdint>
#include <vector>

#include "base/memory.h"
#include "base/result.h"
#include "kernels/kernel_table.h"
#include "model/rows.h"

namespace anyvec::train {

class Replica {
 public:
  static constexpr uint32_t kRows = 1024;
  static constexpr size_t kBytes = size_t{1} << 20;  // of own rows at most: more would not stay in a core's cache
  static constexpr uint8_t kSteps = 16;
  static constexpr uint8_t kSoon = 4;  // steps before a merge at which the shared row is asked for

  // `workers` share `rows`; ids are ranks.
  static Result<Replica> create(const model::Rows& rows, int workers, const kernels::KernelTable& kernel) {
    Replica replica(rows, kernel);
    if (workers == 1) return replica;
    const size_t row_bytes = rows.stride() * sizeof(float);
    replica.count_ = static_cast<uint32_t>(std::min<uint64_t>({kRows, kBytes / row_bytes, rows.rows()}));
    const size_t bytes = replica.count_ * row_bytes;
    replica.own_ = Memory::allocate(bytes);
    replica.base_ = Memory::allocate(bytes);
    if (!replica.own_ || !replica.base_) return Error{Code::kMemory, "no memory for a worker's rows; use fewer threads or dimensions", {}};
    replica.steps_.resize(replica.count_);
    for (uint32_t id = 0; id < replica.count_; ++id) replica.merge(id);
    return replica;
  }

  float* row(uint32_t id) const { return (id < count_ ? own_.floats() : rows_->row(0)) + static_cast<size_t>(id) * rows_->stride(); }
  size_t stride() const { return rows_->stride(); }
  uint32_t dimensions() const { return rows_->dimensions(); }

  // Whether the shared row will be needed besides the own one.
  bool merges_soon(uint32_t id) const { return id < count_ && steps_[id] >= kSteps - kSoon; }
  float* shared_row(uint32_t id) const { return rows_->row(id); }

  // The row for one more step on it.
  float* take(uint32_t id) {
    if (id < count_) {
      if (steps_[id] == kSteps) merge(id);
      ++steps_[id];
    }
    return row(id);
  }

  // Adds to the shared rows what they lack.
  void close() {
    for (uint32_t id = 0; id < count_; ++id) {
      if (steps_[id] > 0) merge(id);
    }
  }

 private:
  Replica(const model::Rows& rows, const kernels::KernelTable& kernel) : rows_(&rows), kernel_(&kernel) {}

  void merge(uint32_t id) {
    const size_t at = static_cast<size_t>(id) * rows_->stride();
    kernel_->merge(rows_->row(id), own_.floats() + at, base_.floats() + at, rows_->stride());
    steps_[id] = 0;
  }

  const model::Rows* rows_;
  const kernels::KernelTable* kernel_;
  uint32_t count_ = 0;
  Memory own_;
  Memory base_;  // the own rows as the last merge left them
  std::vector<uint8_t> steps_;
};

}  // namespace anyvec::train
