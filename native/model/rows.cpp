#include "model/rows.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstring>
#include <string>

#include "base/checked.h"
#include "base/random.h"
#include "base/threads.h"
#include "kernels/kernel_table.h"

namespace anyvec::model {

namespace {

constexpr uint64_t kBlockRows = 4096;

// Calls work(from, to) for blocks of rows, on all threads.
template <class Work>
void for_blocks(uint64_t rows, int threads, const Work& work) {
  std::atomic<uint64_t> next{0};
  run_on_threads(static_cast<int>(std::min<uint64_t>(static_cast<uint64_t>(threads), (rows + kBlockRows - 1) / kBlockRows)), [&](int) {
    for (uint64_t from = next.fetch_add(kBlockRows); from < rows; from = next.fetch_add(kBlockRows)) {
      work(from, std::min(rows, from + kBlockRows));
    }
  });
}

}  // namespace

Result<Rows> Rows::allocate(uint64_t rows, uint32_t dimensions) {
  Rows out;
  out.rows_ = rows;
  out.dimensions_ = dimensions;
  out.stride_ = kernels::padded(dimensions);
  const auto bytes = checked_product(rows, out.stride_, sizeof(float));
  if (bytes) out.memory_ = Memory::allocate(*bytes);
  if (!out.memory_) {
    return Error{Code::kMemory,
                 "a matrix of " + std::to_string(rows) + " x " + std::to_string(dimensions) +
                     " values does not fit in memory; use fewer dimensions or a smaller vocabulary",
                 {{"rows", static_cast<double>(rows)}, {"columns", static_cast<double>(dimensions)}}};
  }
  return out;
}

void Rows::fill_initial(uint64_t seed, int threads) {
  for_blocks(rows_, threads, [&](uint64_t from, uint64_t to) {
    for (uint64_t r = from; r < to; ++r) {
      const random::Key key = random::stream(seed, random::Purpose::kInitial, static_cast<uint32_t>(r), 0);
      float* values = memory_.floats() + r * stride_;
      for (uint32_t c = 0; c < dimensions_; ++c) {
        values[c] = static_cast<float>((random::draw(key, c) / 4294967296.0 - 0.5) / dimensions_);
      }
    }
  });
}

void Rows::touch(int threads) {
  for_blocks(rows_, threads, [&](uint64_t from, uint64_t to) {
    std::memset(memory_.floats() + from * stride_, 0, (to - from) * stride_ * sizeof(float));
  });
}

void Rows::add(const Rows& other, double weight, int threads) {
  if (weight == 0) return;
  for_blocks(rows_, threads, [&](uint64_t from, uint64_t to) {
    float* values = memory_.floats();
    const float* more = other.memory_.floats();
    for (size_t i = from * stride_; i < to * stride_; ++i) {
      values[i] = static_cast<float>(static_cast<double>(values[i]) + weight * static_cast<double>(more[i]));
    }
  });
}

bool Rows::finite() const {
  for (uint64_t r = 0; r < rows_; ++r) {
    const float* values = memory_.floats() + r * stride_;
    // A sum of zero products is zero, unless one of the factors is infinite or not a number.
    float sum = 0;
    for (uint32_t c = 0; c < dimensions_; ++c) sum += values[c] * 0.0f;
    if (sum != 0.0f) return false;
  }
  return true;
}

Memory Rows::compact() && {
  float* values = memory_.floats();
  if (stride_ != dimensions_) {
    for (uint64_t r = 1; r < rows_; ++r) std::memmove(values + r * dimensions_, values + r * stride_, dimensions_ * sizeof(float));
  }
  memory_.shrink(static_cast<size_t>(rows_) * dimensions_ * sizeof(float));
  return std::move(memory_);
}

}  // namespace anyvec::model
