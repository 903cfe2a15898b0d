#pragma once
// Keys to local numbers, with counts: the hash table that reading text spends its time in.

#include <cstdint>
#include <cstring>
#include <string_view>
#include <vector>

namespace anyvec::corpus {

// A key as the tokenizer hands it over: hashed once, its first eight bytes in a register.
struct Token {
  const char* text;
  uint32_t length;
  uint32_t hash;    // of all bytes and the length; never 0
  uint64_t prefix;  // the first 8 bytes, zeros behind a shorter key
};

namespace hashing {
inline constexpr uint64_t kMultiplier = 0x9fb21c651e98df25ULL;
inline uint64_t step(uint64_t state, uint64_t block) {
  state = (state ^ block) * kMultiplier;
  return state ^ (state >> 32);
}
inline uint32_t finish(uint64_t state, uint64_t length) {
  state = step(state, length);
  return static_cast<uint32_t>(state >> 16) | 1U;
}
}  // namespace hashing

inline uint64_t load_partial(const char* p, size_t count) {
  uint64_t block = 0;
  std::memcpy(&block, p, count);
  return block;
}

inline Token make_token(const char* text, size_t length) {
  uint64_t state = 0;
  size_t i = 0;
  for (; i + 8 <= length; i += 8) state = hashing::step(state, load_partial(text + i, 8));
  if (i < length) state = hashing::step(state, load_partial(text + i, length - i));
  return Token{text, static_cast<uint32_t>(length), hashing::finish(state, length), load_partial(text, length < 8 ? length : 8)};
}

// Open addressing, linear probing, at most half full. Keys hold no NUL, so eight zero-padded bytes are a whole short key and most look-ups
// compare two registers and touch one cache line.
class KeyTable {
 public:
  static constexpr uint32_t kNone = UINT32_MAX;

  KeyTable() : slots_(kInitialSlots) {}

  // The key's number, or kNone.
  uint32_t find(const Token& token) const {
    const size_t mask = slots_.size() - 1;
    for (size_t at = home(token.hash);; at = (at + 1) & mask) {
      const Slot& slot = slots_[at];
      if (slot.hash == 0) return kNone;
      if (slot.hash == token.hash && slot.prefix == token.prefix && same(slot.number, token)) return slot.number;
    }
  }

  // Adds a key that find() did not have. Numbers rise from 0.
  uint32_t insert(const Token& token) {
    if ((ends_.size() + 1) * 2 > slots_.size()) grow();
    const auto number = static_cast<uint32_t>(ends_.size());
    bytes_.insert(bytes_.end(), token.text, token.text + token.length);
    ends_.push_back(bytes_.size());
    counts_.push_back(0);
    place(Slot{token.prefix, token.hash, number});
    return number;
  }

  void count(uint32_t number, uint64_t times = 1) { counts_[number] += times; }

  uint32_t size() const { return static_cast<uint32_t>(ends_.size()); }
  uint64_t counted(uint32_t number) const { return counts_[number]; }
  std::string_view key(uint32_t number) const {
    const uint64_t from = number == 0 ? 0 : ends_[number - 1];
    return {bytes_.data() + from, static_cast<size_t>(ends_[number] - from)};
  }
  uint64_t key_bytes() const { return bytes_.size(); }

 private:
  struct Slot {
    uint64_t prefix = 0;
    uint32_t hash = 0;  // 0: empty
    uint32_t number = 0;
  };
  static constexpr size_t kInitialSlots = size_t{1} << 12;

  // The lowest bit only says that a slot is taken.
  size_t home(uint32_t hash) const { return (hash >> 1) & (slots_.size() - 1); }
  bool same(uint32_t number, const Token& token) const {
    const std::string_view stored = key(number);
    if (token.length <= 8) return stored.size() == token.length;
    return stored.size() == token.length && std::memcmp(stored.data() + 8, token.text + 8, token.length - 8) == 0;
  }
  void place(const Slot& slot) {
    const size_t mask = slots_.size() - 1;
    size_t at = home(slot.hash);
    while (slots_[at].hash != 0) at = (at + 1) & mask;
    slots_[at] = slot;
  }
  void grow() {
    std::vector<Slot> old(slots_.size() * 4);
    old.swap(slots_);
    for (const Slot& slot : old) {
      if (slot.hash != 0) place(slot);
    }
  }

  std::vector<Slot> slots_;
  std::vector<char> bytes_;
  std::vector<uint64_t> ends_;
  std::vector<uint64_t> counts_;
};

}  // namespace anyvec::corpus
