#pragma once
// Put in front of every source of the builds with -DANYVEC_SIMDE=ON, so that the AVX-512 kernels can be tested on any x64 processor:
// SIMDe computes their intrinsics with older ones, and the dispatch finds AVX-512 present.

#if !defined(SIMDE_ENABLE_NATIVE_ALIASES)
#define SIMDE_ENABLE_NATIVE_ALIASES
#endif
#include <simde/x86/avx512.h>
#include <simde/x86/fma.h>

// What SIMDe 0.7 lacks (Debian 12); 0.8 has both.
#if !defined(_mm512_maskz_loadu_ps)
static inline simde__m512 anyvec_maskz_loadu_ps(simde__mmask16 mask, const void* from) {
  simde__m512_private loaded;
  for (int i = 0; i < 16; ++i) loaded.f32[i] = (mask >> i & 1) ? static_cast<const float*>(from)[i] : 0.0f;
  return simde__m512_from_private(loaded);
}
#define _mm512_maskz_loadu_ps(mask, from) anyvec_maskz_loadu_ps(mask, from)
#endif
#if !defined(_mm512_extractf32x8_ps)
#define _mm512_extractf32x8_ps(from, half) (simde__m512_to_private(from).m256[half])
#endif

// A macro is not expanded within itself: the inner call is the compiler's own.
#define __builtin_cpu_supports(feature) (__builtin_strncmp(feature, "avx512", 6) == 0 || __builtin_cpu_supports(feature))
