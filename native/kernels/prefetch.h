#pragma once
// Asks the processor for memory that will be needed soon.

#include <cstddef>
#include <cstdint>

#if defined(_MSC_VER)
#include <intrin.h>
#endif

namespace anyvec::kernels {

inline void prefetch(const void* address) {
#if defined(_MSC_VER) && defined(_M_X64)
  _mm_prefetch(static_cast<const char*>(address), _MM_HINT_T0);
#elif defined(_MSC_VER)
  __prefetch(address);
#else
  __builtin_prefetch(address, 1, 3);
#endif
}

constexpr size_t kCacheLine = 64;
// Long rows announce themselves: the processor's own prefetcher follows a walk through more lines than these.
constexpr size_t kPrefetchedLines = 24;

inline void prefetch_row(const float* row, size_t floats) {
  const auto* bytes = reinterpret_cast<const char*>(row);
  const size_t size = floats * sizeof(float);
  const size_t end = size < kPrefetchedLines * kCacheLine ? size : kPrefetchedLines * kCacheLine;
  for (size_t at = 0; at < end; at += kCacheLine) prefetch(bytes + at);
}

}  // namespace anyvec::kernels
