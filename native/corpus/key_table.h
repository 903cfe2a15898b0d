#pragma once
// Keys to local numbers, with counts: the hash table that reading text spends its time in.

#include <bit>
#include <cstdint>
#include <cstring>
#include <new>
#include <string_view>
#include <utility>
#include <vector>

#include "base/memory.h"

namespace anyvec::corpus {

static_assert(std::endian::native == std::endian::little, "the model file and the signatures of keys are little-endian");

// Sixteen bytes that stand for a key. Keys hold no NUL, so the bytes of one that is short enough, with zeros behind, say all about it.
// A longer one has a hash here, whose first byte is NUL as no key's is; its bytes must be compared too.
struct Signature {
  uint64_t low = 0;
  uint64_t high = 0;

  bool operator==(const Signature& other) const { return low == other.low && high == other.high; }
  bool is_hash() const { return (low & 0xff) == 0; }
};
inline constexpr size_t kShortKeyBytes = 16;

inline Signature long_signature(std::string_view key) {
  constexpr uint64_t kMultiplier = 0x9fb21c651e98df25ULL;
  uint64_t state = key.size();
  for (size_t at = 0; at < key.size(); at += 8) {
    uint64_t block = 0;
    std::memcpy(&block, key.data() + at, key.size() - at < 8 ? key.size() - at : 8);
    state = (state ^ block) * kMultiplier;
    state ^= state >> 32;
  }
  const uint64_t low = state << 8;
  return {low != 0 ? low : 0x100, state};
}

inline Signature signature_of(std::string_view key) {
  if (key.size() > kShortKeyBytes) return long_signature(key);
  Signature signature;
  std::memcpy(&signature.low, key.data(), key.size() < 8 ? key.size() : 8);
  if (key.size() > 8) std::memcpy(&signature.high, key.data() + 8, key.size() - 8);
  return signature;
}

// Its upper bits are the best ones.
inline uint64_t hash_of(const Signature& signature) {
  uint64_t x = signature.low ^ signature.high * 0x9e3779b97f4a7c15ULL;
  x ^= x >> 32;
  return x * 0x9fb21c651e98df25ULL;
}

// Open addressing, linear probing, at most half full. A slot holds all that the occurrence of a short key needs: one cache line is touched.
// Slots stand in the order of their hashes, so that growing and merging walk through memory from front to back.
class KeyTable {
 public:
  struct Slot {
    Signature signature;  // low is 0 where the slot is empty
    uint64_t count;
    uint32_t number;
  };

  static constexpr uint32_t kNone = UINT32_MAX;

  KeyTable() { allocate(kInitialBits); }

  // The key's number, or kNone.
  uint32_t number(std::string_view key) const {
    const Signature signature = signature_of(key);
    const Slot* slot = find(key, signature, hash_of(signature));
    return slot != nullptr ? slot->number : kNone;
  }

  // The slot of a key, which is added where it is missing.
  Slot* claim(std::string_view key) { return claim(key, signature_of(key)); }

  // Where the search for a hash begins.
  Slot* home(uint64_t hash) const { return slots() + (hash >> (64 - bits_)); }

  // The slot of a key of at most kShortKeyBytes, or an empty one where it is missing.
  Slot* probe(const Signature& signature, uint64_t hash) const {
    Slot* slot = home(hash);
    while (!(slot->signature == signature) && slot->signature.low != 0) slot = next(slot);
    return slot;
  }

  // The slot of any key, or null.
  Slot* find(std::string_view key, const Signature& signature, uint64_t hash) const {
    Slot* slot = probe(signature, hash);
    while (slot->signature.low != 0 && !(slot->signature == signature && (!signature.is_hash() || this->key(slot->number) == key))) slot = next(slot);
    return slot->signature.low != 0 ? slot : nullptr;
  }

  // Adds a key that find() did not have, with a count of 0. Numbers rise from 0. Slots may move.
  Slot* insert(std::string_view key, const Signature& signature, uint64_t hash) {
    if ((ends_.size() + 1) * 2 > capacity()) grow(bits_ + 1);
    bytes_.insert(bytes_.end(), key.begin(), key.end());
    ends_.push_back(bytes_.size());
    Slot* slot = vacant(hash);
    *slot = Slot{signature, 0, static_cast<uint32_t>(ends_.size() - 1)};
    return slot;
  }

  // Adds another table's keys and counts, and answers with what its numbers are here.
  std::vector<uint32_t> merge(const KeyTable& other) {
    if (other.bits_ > bits_) grow(other.bits_);
    std::vector<uint32_t> numbers(other.size());
    other.each([&](const Slot& theirs) {
      Slot* ours = claim(other.key(theirs.number), theirs.signature);
      ours->count += theirs.count;
      numbers[theirs.number] = ours->number;
    });
    return numbers;
  }

  template <class Visit>
  void each(Visit visit) const {
    for (const Slot* slot = slots(); slot != slots() + capacity(); ++slot) {
      if (slot->signature.low != 0) visit(*slot);
    }
  }

  uint32_t size() const { return static_cast<uint32_t>(ends_.size()); }
  std::string_view key(uint32_t number) const {
    const uint64_t from = number == 0 ? 0 : ends_[number - 1];
    return {bytes_.data() + from, static_cast<size_t>(ends_[number] - from)};
  }

 private:
  static constexpr int kInitialBits = 11;

  Slot* claim(std::string_view key, const Signature& signature) {
    const uint64_t hash = hash_of(signature);
    Slot* slot = find(key, signature, hash);
    return slot != nullptr ? slot : insert(key, signature, hash);
  }

  Slot* slots() const { return static_cast<Slot*>(memory_.data()); }
  size_t capacity() const { return size_t{1} << bits_; }
  Slot* next(Slot* slot) const { return ++slot != slots() + capacity() ? slot : slots(); }
  Slot* vacant(uint64_t hash) const {
    Slot* slot = home(hash);
    while (slot->signature.low != 0) slot = next(slot);
    return slot;
  }
  void allocate(int bits) {
    memory_ = Memory::allocate((size_t{1} << bits) * sizeof(Slot));
    // As the standard library's containers would.
    if (!memory_) throw std::bad_alloc();
    bits_ = bits;
  }
  void grow(int bits) {
    KeyTable larger(bits);
    each([&](const Slot& slot) { *larger.vacant(hash_of(slot.signature)) = slot; });
    memory_ = std::move(larger.memory_);
    bits_ = bits;
  }
  explicit KeyTable(int bits) { allocate(bits); }

  Memory memory_;  // of zeroed slots
  int bits_ = 0;
  std::vector<char> bytes_;
  std::vector<uint64_t> ends_;
};
static_assert(sizeof(KeyTable::Slot) == 32, "two slots a cache line");

}  // namespace anyvec::corpus
