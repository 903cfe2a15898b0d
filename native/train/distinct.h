#pragma once
// Which of some ids have been seen, and where: what merges a window's contexts and leaves out repeated negatives.

#include <algorithm>
#include <bit>
#include <cstdint>
#include <vector>

namespace anyvec::train {

// A small hash table that is emptied by counting up its generation.
class Distinct {
 public:
  // For at most `most` ids between two calls of clear(), at places up to 65535.
  explicit Distinct(uint32_t most) : slots_(std::bit_ceil(size_t{most} * 2 + 16)), shift_(32 - std::countr_zero(slots_.size())) {}

  void clear() {
    if (++generation_ == 0) {
      std::fill(slots_.begin(), slots_.end(), Slot{});
      generation_ = 1;
    }
  }

  // The place under which `id` was added since the last clear(), or `place` when it is new and is added now.
  uint32_t add(uint32_t id, uint32_t place) {
    Slot& slot = find(id);
    if (slot.generation != generation_) slot = Slot{id, generation_, static_cast<uint16_t>(place)};
    return slot.place;
  }

  // Puts `id` at a new place. Answers the one it had since the last clear(), or 0.
  uint32_t exchange(uint32_t id, uint32_t place) {
    Slot& slot = find(id);
    const uint32_t before = slot.generation == generation_ ? slot.place : 0;
    slot = Slot{id, generation_, static_cast<uint16_t>(place)};
    return before;
  }

 private:
  struct Slot {
    uint32_t id = 0;
    uint16_t generation = 0;
    uint16_t place = 0;
  };
  // The slot of `id`, or the free one where it belongs.
  Slot& find(uint32_t id) {
    size_t at = (id * 0x9e3779b1U) >> shift_;
    while (slots_[at].generation == generation_ && slots_[at].id != id) at = (at + 1) & (slots_.size() - 1);
    return slots_[at];
  }
  std::vector<Slot> slots_;
  int shift_;
  uint16_t generation_ = 0;
};

}  // namespace anyvec::train
