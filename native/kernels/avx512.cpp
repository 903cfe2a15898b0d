// Kernels for AVX-512 (F, BW, DQ, VL): 32 registers of 16 floats. Products of 2 contexts with 7 outputs (two centres, five
// negatives) keep 14 sums + 3, enough for two multiply-adds a cycle of latency 4; the update 7 rows + 7 sums + 3.

#include "kernels/kernel_table.h"
#include "kernels/prefetch.h"
#include "kernels/racy.h"

#if defined(ANYVEC_SIMDE)
// Test builds for machines without AVX-512: the same source on top of SIMDe's portable spelling of the intrinsics.
#define SIMDE_ENABLE_NATIVE_ALIASES
#include <simde/x86/avx512.h>
#include <simde/x86/fma.h>
#else
#include <immintrin.h>
#endif

#define ANYVEC_VECTOR_CONSTRAINT "v"

namespace anyvec::kernels {
namespace {

using Vector = __m512;
constexpr uint32_t kLanes = 16;
constexpr int kColumns = 1;
// Search: 12 queries x 2 vectors of rows = 24 sums + 2 + 1; one query: 8 rows x (product, length) = 16 sums + 2.
constexpr int kQueryTile = 12;
constexpr int kPanelVectors = 2;
constexpr int kRowTile = 8;
constexpr uint32_t kAllLanes = 0xffff;

static inline Vector zero() { return _mm512_setzero_ps(); }
static inline Vector load(const float* p) { return _mm512_load_ps(p); }
static inline Vector load_any(const float* p) { return _mm512_loadu_ps(p); }
static inline Vector load_first(const float* p, size_t count) { return _mm512_maskz_loadu_ps(static_cast<__mmask16>((1U << count) - 1U), p); }
static inline void store(float* p, Vector x) { _mm512_store_ps(p, x); }
static inline Vector broadcast(float x) { return _mm512_set1_ps(x); }
static inline Vector add(Vector a, Vector b) { return _mm512_add_ps(a, b); }
static inline void store_any(float* p, Vector x) { _mm512_storeu_ps(p, x); }
static inline Vector sub(Vector a, Vector b) { return _mm512_sub_ps(a, b); }
static inline Vector mul(Vector a, Vector b) { return _mm512_mul_ps(a, b); }
static inline Vector divide(Vector a, Vector b) { return _mm512_div_ps(a, b); }
static inline Vector larger(Vector a, Vector b) { return _mm512_max_ps(a, b); }
static inline Vector root(Vector a) { return _mm512_sqrt_ps(a); }
static inline uint32_t at_least(Vector a, Vector b) { return _mm512_cmp_ps_mask(a, b, _CMP_GE_OQ); }
static inline Vector fma(Vector a, Vector b, Vector c) { return _mm512_fmadd_ps(a, b, c); }

#include "kernels/eight_x64.inl"

template <int M>
static inline Eight reduce(const Vector* v) {
  __m256 halves[M];
  for (int i = 0; i < M; ++i) halves[i] = _mm256_add_ps(_mm512_castps512_ps256(v[i]), _mm512_extractf32x8_ps(v[i], 1));
  return reduce_eights<M>(halves);
}

#if defined(ANYVEC_SIMDE)
// SIMDe (0.7.4) lacks some of the conversions below.
static inline Vector load_halves(const uint16_t* p) { return _mm512_insertf32x8(_mm512_castps256_ps512(eight_from_halves(p)), eight_from_halves(p + 8), 1); }
static float dot_bytes(const int8_t* a, const int8_t* b, size_t count) { return dot_bytes_by_eights(a, b, count); }
#else
static inline Vector load_halves(const uint16_t* p) { return _mm512_cvtph_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p))); }
static float dot_bytes(const int8_t* a, const int8_t* b, size_t count) {
  __m512i sums = _mm512_setzero_si512();
  for (size_t d = 0; d < count; d += 32) {
    const __m512i x = _mm512_cvtepi8_epi16(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(a + d)));
    const __m512i y = _mm512_cvtepi8_epi16(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(b + d)));
    sums = _mm512_add_epi32(sums, _mm512_madd_epi16(x, y));
  }
  alignas(64) int32_t out[16];
  _mm512_store_si512(out, sums);
  int32_t total = 0;
  for (int32_t part : out) total += part;
  return static_cast<float>(total);
}
#endif

using Pair = __m512;
static inline Pair pair_set(float x) { return _mm512_set1_ps(x); }
static inline Pair pair_of(float first, float second) { return _mm512_mask_blend_ps(0xff00, _mm512_set1_ps(first), _mm512_set1_ps(second)); }
static inline Pair pair_load(const float* p) { return _mm512_load_ps(p); }
static inline void pair_store(float* p, Pair x) { _mm512_store_ps(p, x); }
static inline Pair pair_add(Pair a, Pair b) { return _mm512_add_ps(a, b); }
static inline Pair pair_sub(Pair a, Pair b) { return _mm512_sub_ps(a, b); }
static inline Pair pair_mul(Pair a, Pair b) { return _mm512_mul_ps(a, b); }
static inline Pair pair_div(Pair a, Pair b) { return _mm512_div_ps(a, b); }
static inline Pair pair_fma(Pair a, Pair b, Pair c) { return _mm512_fmadd_ps(a, b, c); }
// The second operand comes back where one is NaN, so a NaN in `b` would be lost: callers put constants there.
static inline Pair pair_max(Pair a, Pair b) { return _mm512_max_ps(b, a); }
static inline Pair pair_abs(Pair a) { return _mm512_abs_ps(a); }
static inline Pair pair_round(Pair a) { return _mm512_roundscale_ps(a, 0x08); }
// a * 2^n for whole n in -126 .. 0.
static inline Pair pair_scale(Pair a, Pair n) { return _mm512_scalef_ps(a, n); }
static inline Pair pair_where_negative(Pair test, Pair negative, Pair other) {
  return _mm512_mask_blend_ps(_mm512_movepi32_mask(_mm512_castps_si512(test)), other, negative);
}
static inline void pair_add_to_doubles(double* sums, Pair x) {
  const __m256 half = _mm256_add_ps(_mm512_castps512_ps256(x), _mm512_extractf32x8_ps(x, 1));
  _mm256_storeu_pd(sums, _mm256_add_pd(_mm256_loadu_pd(sums), _mm256_cvtps_pd(_mm256_castps256_ps128(half))));
  _mm256_storeu_pd(sums + 4, _mm256_add_pd(_mm256_loadu_pd(sums + 4), _mm256_cvtps_pd(_mm256_extractf128_ps(half, 1))));
}

// The sums of a[j] in lane j, of b[j] in lane 8 + j: first both halves of a[j] and b[j] meet in one register, then a tree within its halves.
template <int M>
static inline Pair reduce_pair(const Vector* a, const Vector* b) {
  const Vector z = _mm512_setzero_ps();
  Vector both[8];
  for (int j = 0; j < 8; ++j) {
    both[j] = j < M ? _mm512_add_ps(_mm512_shuffle_f32x4(a[j < M ? j : 0], b[j < M ? j : 0], 0x44),
                                    _mm512_shuffle_f32x4(a[j < M ? j : 0], b[j < M ? j : 0], 0xee))
                    : z;
  }
  Vector two[4], four[2];
  for (int j = 0; j < 4; ++j) {
    two[j] = 2 * j < M ? _mm512_add_ps(_mm512_unpacklo_ps(both[2 * j], both[2 * j + 1]), _mm512_unpackhi_ps(both[2 * j], both[2 * j + 1])) : z;
  }
  for (int j = 0; j < 2; ++j) {
    four[j] = 4 * j < M ? _mm512_add_ps(_mm512_shuffle_ps(two[2 * j], two[2 * j + 1], 0x44), _mm512_shuffle_ps(two[2 * j], two[2 * j + 1], 0xee)) : z;
  }
  // four[0] holds sums 0..3 in two parts each, lanes 0-3 and 4-7 (8-11 and 12-15 of the second context); four[1] sums 4..7.
  const __m512i low = _mm512_setr_epi64(0, 1, 8, 9, 4, 5, 12, 13), high = _mm512_setr_epi64(2, 3, 10, 11, 6, 7, 14, 15);
  const __m512d p = _mm512_castps_pd(four[0]), q = _mm512_castps_pd(four[1]);
  return _mm512_add_ps(_mm512_castpd_ps(_mm512_permutex2var_pd(p, low, q)), _mm512_castpd_ps(_mm512_permutex2var_pd(p, high, q)));
}

using Words = __m512i;
constexpr uint32_t kWordLanes = 16;
static inline Words word_set(uint32_t x) { return _mm512_set1_epi32(static_cast<int>(x)); }
static inline Words word_count_up() { return _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15); }
static inline Words word_add(Words a, Words b) { return _mm512_add_epi32(a, b); }
static inline Words word_multiply(Words a, Words b) { return _mm512_mullo_epi32(a, b); }
static inline Words word_xor(Words a, Words b) { return _mm512_xor_si512(a, b); }
template <int N>
static inline Words word_shift(Words a) {
  return _mm512_srli_epi32(a, N);
}
static inline void word_store(uint32_t* p, Words x) { _mm512_storeu_si512(p, x); }

#include "kernels/window.inl"
#include "kernels/draw.inl"
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
const KernelTable avx512_table = {"avx512", train_window, merge, expect, draw, &kSearch, fma_chain, kChains * kLanes, split};

}  // namespace anyvec::kernels
