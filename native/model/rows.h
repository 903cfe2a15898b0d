#pragma once
// A matrix while it is trained: each row begins at a multiple of 64 bytes and ends in zeros.

#include <cstdint>

#include "base/memory.h"
#include "base/result.h"

namespace anyvec::model {

class Rows {
 public:
  // Zeroed rows.
  static Result<Rows> allocate(uint64_t rows, uint32_t dimensions);

  float* row(uint32_t id) const { return memory_.floats() + static_cast<size_t>(id) * stride_; }
  uint64_t rows() const { return rows_; }
  uint32_t dimensions() const { return dimensions_; }
  size_t stride() const { return stride_; }

  // word2vec's initial vectors: uniform in -0.5 / dimensions .. 0.5 / dimensions, each row from a stream of its own.
  void fill_initial(uint64_t seed, int threads);
  // Writes the zeros once, so that each page stands near a thread that will use it, and no worker waits for the system later.
  void touch(int threads);

  // Adds `weight` times the rows of another matrix of the same shape.
  void add(const Rows& other, double weight, int threads);

  bool finite() const;
  // Moves the rows together, without padding, and gives back the rest.
  Memory compact() &&;

 private:
  Memory memory_;
  uint64_t rows_ = 0;
  uint32_t dimensions_ = 0;
  size_t stride_ = 0;
};

}  // namespace anyvec::model
