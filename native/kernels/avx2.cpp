// Kernels for AVX2 with FMA: 16 registers of 8 floats. Two fused multiply-adds and two loads start each cycle on every such processor (latency
// 4-5), so tiles are chosen to need at most one load a multiply-add and at least ten sums in flight:
// products 2 contexts x 6 outputs = 12 sums + 3; update 6 rows + 6 sums + 3.

#include "kernels/bits.h"
#include "kernels/kernel_table.h"
#include "kernels/racy.h"

#include <immintrin.h>

namespace anyvec::kernels {
namespace {

using Vector = __m256;
constexpr uint32_t kLanes = 8;
constexpr int kTile = 2;
constexpr uint32_t kBlock = 6;
constexpr int kQueryTile = 4;
constexpr int kRowTile = 3;

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
static inline Vector fma(Vector a, Vector b, Vector c) { return _mm256_fmadd_ps(a, b, c); }

#include "kernels/eight_x64.inl"

template <int M>
static inline Eight reduce(const Vector* v) {
  return reduce_eights<M>(v);
}

#include "kernels/window.inl"
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
const KernelTable avx2_table = {"avx2", kBlock, train_window, score, square_norms, fma_chain, kChains * kLanes, split};

}  // namespace anyvec::kernels
