#pragma once
// Which rows may be answers.

#include <cstdint>
#include <vector>

#include "kernels/search_kernels.h"

namespace anyvec::search {

// All of the first `rows` rows, or those of them whose bit is set: row r is bit r % 32 of word r / 32.
struct RowFilter {
  const uint32_t* words = nullptr;  // null: all
  uint64_t rows = 0;

  bool holds(uint64_t row) const { return row < rows && (words == nullptr || (words[row / 32] >> (row % 32) & 1U) != 0); }
};

// Walks the rows from .. to - 1 that a filter lets through, some at a time. What a filter costs is to read its bits: kernels never see it.
class RowWalk {
 public:
  RowWalk(const RowFilter& filter, uint64_t from, uint64_t to) : words_(filter.words), at_(from), to_(to) {}

  // The next rows, at most `most`: count of them, from row `first` on, or those of `ids` (added to `first`).
  struct Step {
    uint64_t first = 0;
    size_t count = 0;
    const uint32_t* ids = nullptr;
  };
  Step next(size_t most) {
    Step step;
    step.first = at_;
    if (words_ == nullptr) {
      step.count = static_cast<size_t>(to_ - at_ < most ? to_ - at_ : most);
      at_ += step.count;
      return step;
    }
    ids_.clear();
    while (ids_.size() < most && at_ < to_) {
      uint32_t bits = words_[at_ / 32] >> (at_ % 32) << (at_ % 32);
      const uint64_t base = at_ / 32 * 32;
      if (to_ - base < 32) bits &= (1U << (to_ - base)) - 1U;
      at_ = base + 32 < to_ ? base + 32 : to_;
      for (; bits != 0; bits &= bits - 1) {
        const uint64_t row = base + kernels::lowest_bit(bits);
        if (ids_.size() == most) {
          at_ = row;
          break;
        }
        ids_.push_back(static_cast<uint32_t>(row - step.first));
      }
    }
    step.count = ids_.size();
    step.ids = ids_.data();
    return step;
  }

 private:
  const uint32_t* words_;
  uint64_t at_;
  uint64_t to_;
  std::vector<uint32_t> ids_;
};

}  // namespace anyvec::search
