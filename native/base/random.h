#pragma once
// The random streams of docs/training-law.md: draw i of a stream is a pure function of the stream's key and i, so draws
// can be made in any order and by any vector width, and both engines make the same ones.

#include <cstdint>
#include <initializer_list>

namespace anyvec::random {

// triple32 (C. Wellons, hash-prospector): a bijection of 32 bits with near-ideal avalanche.
inline uint32_t scramble(uint32_t x) {
  x ^= x >> 17;
  x *= 0xed5ad4bbU;
  x ^= x >> 11;
  x *= 0xac4c1b51U;
  x ^= x >> 15;
  x *= 0x31848babU;
  x ^= x >> 14;
  return x;
}

struct Key {
  uint32_t a = 0x243f6a88U;
  uint32_t b = 0x85a308d3U;
};

inline Key key(std::initializer_list<uint32_t> words) {
  Key key;
  for (uint32_t word : words) {
    key.a = scramble(key.a ^ word);
    key.b = scramble(key.b + key.a);
  }
  return key;
}

enum class Purpose : uint32_t { kInitial = 0, kSubsample = 1, kWidth = 2, kNegative = 3, kPool = 4, kWalk = 5, kWalkOrder = 6 };

inline Key stream(uint64_t seed, Purpose purpose, uint32_t x, uint32_t y) {
  return key({static_cast<uint32_t>(seed), static_cast<uint32_t>(seed >> 32), static_cast<uint32_t>(purpose), x, y});
}

inline uint32_t draw(Key key, uint32_t index) {
  uint32_t x = index * 0x9e3779b9U + key.a;
  x ^= x >> 17;
  x *= 0xed5ad4bbU;
  x ^= key.b;
  x ^= x >> 11;
  x *= 0xac4c1b51U;
  x ^= x >> 15;
  x *= 0x31848babU;
  x ^= x >> 14;
  return x;
}

// A whole number from 0 to bound - 1 (Lemire's multiply-shift, without its rejection step: a bias below bound / 2^32).
inline uint32_t bounded(uint32_t drawn, uint32_t bound) {
  return static_cast<uint32_t>((static_cast<uint64_t>(drawn) * bound) >> 32);
}

}  // namespace anyvec::random
