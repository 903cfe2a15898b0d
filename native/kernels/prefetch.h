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

// The same, into the second level only: for what is needed later.
inline void prefetch_far(const void* address) {
#if defined(_MSC_VER) && defined(_M_X64)
  _mm_prefetch(static_cast<const char*>(address), _MM_HINT_T1);
#elif defined(_MSC_VER)
  __prefetch2(address, 2);
#else
  __builtin_prefetch(address, 0, 2);
#endif
}

constexpr size_t kCacheLine = 64;
// Long rows announce themselves: the processor's own prefetcher follows a walk through more lines than these.
constexpr size_t kPrefetchedLines = 24;

template <void (*kPrefetch)(const void*)>
inline void prefetch_lines(const float* row, size_t floats) {
  const auto* bytes = reinterpret_cast<const char*>(row);
  const size_t size = floats * sizeof(float);
  const size_t end = size < kPrefetchedLines * kCacheLine ? size : kPrefetchedLines * kCacheLine;
  for (size_t at = 0; at < end; at += kCacheLine) kPrefetch(bytes + at);
}
inline void prefetch_row(const float* row, size_t floats) { prefetch_lines<prefetch>(row, floats); }
inline void prefetch_row_far(const float* row, size_t floats) { prefetch_lines<prefetch_far>(row, floats); }

}  // namespace anyvec::kernels
