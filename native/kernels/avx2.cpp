// Kernels for AVX2 with FMA: 16 registers of 8 floats. Two fused multiply-adds and two loads start each cycle on every such processor (latency
// 4-5), so tiles are chosen to need at most one load a multiply-add and at least ten sums in flight:
// products of 2 contexts with 7 outputs keep 14 sums + 2. The update's 7 sums stay in registers, its 7 rows in the first cache.

#include "kernels/bits.h"
#include "kernels/kernel_table.h"
#include "kernels/prefetch.h"
#include "kernels/racy.h"

#include <immintrin.h>

#define ANYVEC_VECTOR_CONSTRAINT "x"

namespace anyvec::kernels {
namespace {

using Vector = __m256;
constexpr uint32_t kLanes = 8;
constexpr int kColumns = 1;
// Search: 6 queries x 2 vectors of rows = 12 sums + 2 + 1; one query: 4 rows x (product, length) = 8 sums + 2.
constexpr int kQueryTile = 6;
constexpr int kPanelVectors = 2;
constexpr int kRowTile = 4;
constexpr uint32_t kAllLanes = 0xff;

static inline Vector zero() { return _mm256_setzero_ps(); }
static inline Vector load(const float* p) { return _mm256_load_ps(p); }
static inline Vector load_any(const float* p) { return _mm256_loadu_ps(p); }
static inline Vector load_first(const float* p, size_t count) {
  alignas(32) static const int32_t kMask[16] = {-1, -1, -1, -1, -1, -1, -1, -1, 0, 0, 0, 0, 0, 0, 0, 0};
  return _mm256_maskload_ps(p, _mm256_loadu_si256(reinterpret_cast<const __m256i*>(kMask + 8 - count)));
}
static inline void store(float* p, Vector x) { _mm256_store_ps(p, x); }
static inline Vector broadcast(float x) { return _mm256_set1_ps(x); }
static inline Vector add(Vector a, Vector b) { return _mm256_add_ps(a, b); }
static inline void store_any(float* p, Vector x) { _mm256_storeu_ps(p, x); }
static inline Vector sub(Vector a, Vector b) { return _mm256_sub_ps(a, b); }
static inline Vector mul(Vector a, Vector b) { return _mm256_mul_ps(a, b); }
static inline Vector divide(Vector a, Vector b) { return _mm256_div_ps(a, b); }
static inline Vector larger(Vector a, Vector b) { return _mm256_max_ps(a, b); }
static inline Vector root(Vector a) { return _mm256_sqrt_ps(a); }
static inline uint32_t at_least(Vector a, Vector b) { return static_cast<uint32_t>(_mm256_movemask_ps(_mm256_cmp_ps(a, b, _CMP_GE_OQ))); }
static inline Vector fma(Vector a, Vector b, Vector c) { return _mm256_fmadd_ps(a, b, c); }

#include "kernels/eight_x64.inl"

template <int M>
static inline Eight reduce(const Vector* v) {
  return reduce_eights<M>(v);
}

static inline Vector load_halves(const uint16_t* p) { return eight_from_halves(p); }
static float dot_bytes(const int8_t* a, const int8_t* b, size_t count) { return dot_bytes_by_eights(a, b, count); }

struct Pair {
  __m256 first, second;
};
#define ANYVEC_EACH(operation) {operation(a.first, b.first), operation(a.second, b.second)}
static inline Pair pair_set(float x) { return {_mm256_set1_ps(x), _mm256_set1_ps(x)}; }
static inline Pair pair_of(float first, float second) { return {_mm256_set1_ps(first), _mm256_set1_ps(second)}; }
static inline Pair pair_load(const float* p) { return {_mm256_load_ps(p), _mm256_load_ps(p + 8)}; }
static inline void pair_store(float* p, Pair x) {
  _mm256_store_ps(p, x.first);
  _mm256_store_ps(p + 8, x.second);
}
static inline Pair pair_add(Pair a, Pair b) { return ANYVEC_EACH(_mm256_add_ps); }
static inline Pair pair_sub(Pair a, Pair b) { return ANYVEC_EACH(_mm256_sub_ps); }
static inline Pair pair_mul(Pair a, Pair b) { return ANYVEC_EACH(_mm256_mul_ps); }
static inline Pair pair_div(Pair a, Pair b) { return ANYVEC_EACH(_mm256_div_ps); }
static inline Pair pair_fma(Pair a, Pair b, Pair c) {
  return {_mm256_fmadd_ps(a.first, b.first, c.first), _mm256_fmadd_ps(a.second, b.second, c.second)};
}
// The second operand comes back where one is NaN, so a NaN in `b` would be lost: callers put constants there.
static inline Pair pair_max(Pair b, Pair a) { return ANYVEC_EACH(_mm256_max_ps); }
static inline Pair pair_abs(Pair b) {
  const Pair a = pair_set(-0.0f);
  return ANYVEC_EACH(_mm256_andnot_ps);
}
static inline __m256 round(__m256 a) { return _mm256_round_ps(a, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC); }
static inline Pair pair_round(Pair a) { return {round(a.first), round(a.second)}; }
// a * 2^n for whole n in -126 .. 0.
static inline __m256 scale(__m256 a, __m256 n) {
  const __m256i exponent = _mm256_slli_epi32(_mm256_add_epi32(_mm256_cvtps_epi32(n), _mm256_set1_epi32(127)), 23);
  return _mm256_mul_ps(a, _mm256_castsi256_ps(exponent));
}
static inline Pair pair_scale(Pair a, Pair b) { return ANYVEC_EACH(scale); }
#undef ANYVEC_EACH
static inline Pair pair_where_negative(Pair test, Pair negative, Pair other) {
  return {_mm256_blendv_ps(other.first, negative.first, test.first), _mm256_blendv_ps(other.second, negative.second, test.second)};
}
static inline void pair_add_to_doubles(double* sums, Pair x) {
  const __m256 both = _mm256_add_ps(x.first, x.second);
  _mm256_storeu_pd(sums, _mm256_add_pd(_mm256_loadu_pd(sums), _mm256_cvtps_pd(_mm256_castps256_ps128(both))));
  _mm256_storeu_pd(sums + 4, _mm256_add_pd(_mm256_loadu_pd(sums + 4), _mm256_cvtps_pd(_mm256_extractf128_ps(both, 1))));
}
template <int M>
static inline Pair reduce_pair(const Vector* a, const Vector* b) {
  return {reduce_eights<M>(a), reduce_eights<M>(b)};
}

using Words = __m256i;
constexpr uint32_t kWordLanes = 8;
static inline Words word_set(uint32_t x) { return _mm256_set1_epi32(static_cast<int>(x)); }
static inline Words word_count_up() { return _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7); }
static inline Words word_add(Words a, Words b) { return _mm256_add_epi32(a, b); }
static inline Words word_multiply(Words a, Words b) { return _mm256_mullo_epi32(a, b); }
static inline Words word_xor(Words a, Words b) { return _mm256_xor_si256(a, b); }
template <int N>
static inline Words word_shift(Words a) {
  return _mm256_srli_epi32(a, N);
}
static inline void word_store(uint32_t* p, Words x) { _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), x); }

#include "kernels/window.inl"
#include "kernels/draw.inl"
#include "kernels/score.inl"

static inline uint64_t mask_of(__m256i low, __m256i high) {
  return static_cast<uint32_t>(_mm256_movemask_epi8(low)) | static_cast<uint64_t>(static_cast<uint32_t>(_mm256_movemask_epi8(high))) << 32;
}

static inline bool classify(const char* text, uint64_t& spaces, uint64_t& line_ends) {
  __m256i space[2], line_end[2], nul[2];
  for (int i = 0; i < 2; ++i) {
    const __m256i x = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(text) + i);
    const __m256i from_tab = _mm256_sub_epi8(x, _mm256_set1_epi8('\t'));
    // Tab to CR: unsigned, at most 4 behind tab.
    const __m256i control = _mm256_cmpeq_epi8(_mm256_min_epu8(from_tab, _mm256_set1_epi8(4)), from_tab);
    space[i] = _mm256_or_si256(control, _mm256_cmpeq_epi8(x, _mm256_set1_epi8(' ')));
    line_end[i] = _mm256_cmpeq_epi8(x, _mm256_set1_epi8('\n'));
    nul[i] = _mm256_cmpeq_epi8(x, _mm256_setzero_si256());
  }
  spaces = mask_of(space[0], space[1]);
  line_ends = mask_of(line_end[0], line_end[1]);
  return _mm256_movemask_epi8(_mm256_or_si256(nul[0], nul[1])) != 0;
}

static inline size_t write_places(uint64_t mask, uint32_t base, uint32_t* out) { return write_bits(mask, base, out); }

#include "kernels/split.inl"

constexpr int kChains = 12;
static float fma_chain(uint64_t rounds) {
  Vector sums[kChains];
  for (int i = 0; i < kChains; ++i) sums[i] = broadcast(static_cast<float>(i));
  const Vector factor = broadcast(0.999f), term = broadcast(0.001f);
  for (uint64_t round = 0; round < rounds; ++round) {
    for (int i = 0; i < kChains; ++i) sums[i] = fma(sums[i], factor, term);
  }
  for (int i = 1; i < kChains; ++i) sums[0] = add(sums[0], sums[i]);
  return _mm256_cvtss_f32(sums[0]);
}

}  // namespace

extern const KernelTable avx2_table;
const KernelTable avx2_table = {"avx2", train_window, merge, expect, draw, &kSearch, fma_chain, kChains * kLanes, split};

}  // namespace anyvec::kernels
