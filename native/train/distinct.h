#pragma once
// Which ids of a handful have been seen: what merges a window's contexts and leaves out repeated negatives.

#include <algorithm>
#include <bit>
#include <cstdint>
#include <vector>

namespace anyvec::train {

// A small hash table that is emptied by counting up its generation.
class Distinct {
 public:
  // For at most `most` ids between two calls of clear().
  explicit Distinct(uint32_t most) : slots_(std::bit_ceil(size_t{most} * 4 + 16)), shift_(32 - std::countr_zero(slots_.size())) {}

  void clear() {
    if (++generation_ == 0) {
      std::fill(slots_.begin(), slots_.end(), Slot{});
      generation_ = 1;
    }
  }

  // The place under which `id` was added since the last clear(), or `place` when it is new and is added now.
  uint32_t add(uint32_t id, uint32_t place) {
    for (size_t at = (id * 0x9e3779b1U) >> shift_;; at = (at + 1) & (slots_.size() - 1)) {
      Slot& slot = slots_[at];
      if (slot.generation != generation_) {
        slot = Slot{generation_, id, place};
        return place;
      }
      if (slot.id == id) return slot.place;
    }
  }

 private:
  struct Slot {
    uint32_t generation = 0;
    uint32_t id = 0;
    uint32_t place = 0;
  };
  std::vector<Slot> slots_;
  int shift_;
  uint32_t generation_ = 0;
};

}  // namespace anyvec::train
