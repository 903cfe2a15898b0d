// Kernels for AVX-512 (F, BW, DQ, VL): 32 registers of 16 floats. Products 4 contexts x 6 outputs = 24 sums + 5; update 8 rows + 8 sums + 3.

#include "kernels/kernel_table.h"
#include "kernels/racy.h"

#if defined(ANYVEC_SIMDE)
// Test builds for machines without AVX-512: the same source on top of SIMDe's portable spelling of the intrinsics.
#define SIMDE_ENABLE_NATIVE_ALIASES
#include <simde/x86/avx512.h>
#include <simde/x86/fma.h>
#else
#include <immintrin.h>
#endif

namespace anyvec::kernels {
namespace {

using Vector = __m512;
constexpr uint32_t kLanes = 16;
constexpr int kTile = 4;
constexpr uint32_t kBlock = 6;
constexpr int kQueryTile = 4;
constexpr int kRowTile = 6;

static inline Vector zero() { return _mm512_setzero_ps(); }
static inline Vector load(const float* p) { return _mm512_load_ps(p); }
static inline Vector load_any(const float* p) { return _mm512_loadu_ps(p); }
static inline Vector load_first(const float* p, size_t count) { return _mm512_maskz_loadu_ps(static_cast<__mmask16>((1U << count) - 1U), p); }
static inline void store(float* p, Vector x) { _mm512_store_ps(p, x); }
static inline Vector broadcast(float x) { return _mm512_set1_ps(x); }
static inline Vector add(Vector a, Vector b) { return _mm512_add_ps(a, b); }
static inline Vector fma(Vector a, Vector b, Vector c) { return _mm512_fmadd_ps(a, b, c); }

#include "kernels/eight_x64.inl"

template <int M>
static inline Eight reduce(const Vector* v) {
  __m256 halves[M];
  for (int i = 0; i < M; ++i) halves[i] = _mm256_add_ps(_mm512_castps512_ps256(v[i]), _mm512_extractf32x8_ps(v[i], 1));
  return reduce_eights<M>(halves);
}

#include "kernels/window.inl"
#include "kernels/score.inl"

static inline bool classify(const char* text, uint64_t& spaces, uint64_t& line_ends) {
  const __m512i x = _mm512_loadu_si512(text);
  // Tab to CR: unsigned, at most 4 behind tab.
  const __mmask64 control = _mm512_cmple_epu8_mask(_mm512_sub_epi8(x, _mm512_set1_epi8('\t')), _mm512_set1_epi8(4));
  spaces = control | _mm512_cmpeq_epi8_mask(x, _mm512_set1_epi8(' '));
  line_ends = _mm512_cmpeq_epi8_mask(x, _mm512_set1_epi8('\n'));
  return _mm512_cmpeq_epi8_mask(x, _mm512_setzero_si512()) != 0;
}

static inline size_t write_places(uint64_t mask, uint32_t base, uint32_t* out) {
  const __m512i steps = _mm512_set_epi32(15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0);
  size_t written = 0;
  for (uint32_t i = 0; i < 4; ++i) {
    const auto part = static_cast<__mmask16>(mask >> (16 * i));
    const __m512i places = _mm512_add_epi32(_mm512_set1_epi32(static_cast<int>(base + 16 * i)), steps);
    // Compressed in a register: compressing into memory is microcode on some processors.
    _mm512_storeu_si512(out + written, _mm512_maskz_compress_epi32(part, places));
    written += static_cast<size_t>(_mm_popcnt_u32(part));
  }
  return written;
}

#include "kernels/split.inl"

constexpr int kChains = 16;
static float fma_chain(uint64_t rounds) {
  Vector sums[kChains];
  for (int i = 0; i < kChains; ++i) sums[i] = broadcast(static_cast<float>(i));
  const Vector factor = broadcast(0.999f), term = broadcast(0.001f);
  for (uint64_t round = 0; round < rounds; ++round) {
    for (int i = 0; i < kChains; ++i) sums[i] = fma(sums[i], factor, term);
  }
  for (int i = 1; i < kChains; ++i) sums[0] = add(sums[0], sums[i]);
  return _mm_cvtss_f32(_mm512_castps512_ps128(sums[0]));
}

}  // namespace

extern const KernelTable avx512_table;
const KernelTable avx512_table = {"avx512", kBlock, train_window, score, square_norms, fma_chain, kChains * kLanes, split};

}  // namespace anyvec::kernels
