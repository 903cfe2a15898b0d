#pragma once
// Bits of a mask, one by one, for instruction sets that cannot take many at once.

#include <cstddef>
#include <cstdint>

#if defined(_MSC_VER)
#include <intrin.h>
#endif

namespace anyvec::kernels {

// Of a mask that is not 0.
static inline uint32_t lowest_bit(uint64_t mask) {
#if defined(_MSC_VER)
  unsigned long place;
  _BitScanForward64(&place, mask);
  return static_cast<uint32_t>(place);
#else
  return static_cast<uint32_t>(__builtin_ctzll(mask));
#endif
}

static inline uint32_t bit_count(uint64_t mask) {
#if defined(__POPCNT__) || (defined(__aarch64__) && !defined(_MSC_VER))
  return static_cast<uint32_t>(__builtin_popcountll(mask));
#else
  mask -= mask >> 1 & 0x5555555555555555ULL;
  mask = (mask & 0x3333333333333333ULL) + (mask >> 2 & 0x3333333333333333ULL);
  return static_cast<uint32_t>(((mask + (mask >> 4)) & 0x0f0f0f0f0f0f0f0fULL) * 0x0101010101010101ULL >> 56);
#endif
}

// write_places() of split.inl, eight at a time.
static inline size_t write_bits(uint64_t mask, uint32_t base, uint32_t* out) {
  const size_t count = bit_count(mask);
  for (size_t written = 0; written < count; written += 8) {
    for (size_t i = 0; i < 8; ++i) {
      // The highest bit stands in for those that are not there.
      out[written + i] = base + lowest_bit(mask | 1ULL << 63);
      mask &= mask - 1;
    }
  }
  return count;
}

}  // namespace anyvec::kernels
