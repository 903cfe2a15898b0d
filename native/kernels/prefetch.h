#pragma once
// Asks the processor for memory that will be needed soon.

#if defined(_MSC_VER)
#include <intrin.h>
#endif

namespace anyvec::kernels {

// `static`: kernel files include this (see CONTRIBUTING.md).
static inline void prefetch(const void* address) {
#if defined(_MSC_VER) && defined(_M_X64)
  _mm_prefetch(static_cast<const char*>(address), _MM_HINT_T0);
#elif defined(_MSC_VER)
  __prefetch(address);
#else
  __builtin_prefetch(address, 0, 3);
#endif
}

static inline void prefetch_write(const void* address) {
#if defined(_MSC_VER) && defined(_M_X64)
  _m_prefetchw(const_cast<void*>(address));
#elif defined(_MSC_VER)
  __prefetch(address);
#elif defined(__x86_64__)
  // The builtin falls back to a read prefetch where the compiler is not told that the processor has the instruction.
  __asm__ volatile("prefetchw %0" : : "m"(*static_cast<const char*>(address)));
#else
  __builtin_prefetch(address, 1, 3);
#endif
}

}  // namespace anyvec::kernels
