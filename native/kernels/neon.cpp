// Kernels for arm64 (NEON is part of its baseline): 32 registers of 4 floats. Products of 2 contexts with 7 outputs keep 14 sums + 3;
// the update (7 rows + 7 sums) x 2 columns and 5 more, of which a few wait in the first cache.

#include "kernels/bits.h"
#include "kernels/kernel_table.h"
#include "kernels/prefetch.h"
#include "kernels/racy.h"

#include <arm_neon.h>

#define ANYVEC_VECTOR_CONSTRAINT "w"

namespace anyvec::kernels {
namespace {

using Vector = float32x4_t;
constexpr uint32_t kLanes = 4;
constexpr int kColumns = 2;
// Search: 12 queries x 2 vectors of rows = 24 sums + 2 + 1; one query: 8 rows x (product, length) = 16 sums + 2.
constexpr int kQueryTile = 12;
constexpr int kPanelVectors = 2;
constexpr int kRowTile = 8;
constexpr uint32_t kAllLanes = 0xf;

static inline Vector zero() { return vdupq_n_f32(0.0f); }
static inline Vector load(const float* p) { return vld1q_f32(p); }
static inline Vector load_any(const float* p) { return vld1q_f32(p); }
static inline Vector load_first(const float* p, size_t count) {
  float values[4] = {0.0f, 0.0f, 0.0f, 0.0f};
  for (size_t i = 0; i < count; ++i) values[i] = p[i];
  return vld1q_f32(values);
}
static inline void store(float* p, Vector x) { vst1q_f32(p, x); }
static inline Vector broadcast(float x) { return vdupq_n_f32(x); }
static inline Vector add(Vector a, Vector b) { return vaddq_f32(a, b); }
static inline void store_any(float* p, Vector x) { vst1q_f32(p, x); }
static inline Vector sub(Vector a, Vector b) { return vsubq_f32(a, b); }
static inline Vector mul(Vector a, Vector b) { return vmulq_f32(a, b); }
static inline Vector divide(Vector a, Vector b) { return vdivq_f32(a, b); }
static inline Vector larger(Vector a, Vector b) { return vmaxq_f32(a, b); }
static inline Vector root(Vector a) { return vsqrtq_f32(a); }
static inline uint32_t at_least(Vector a, Vector b) {
  alignas(16) static const uint32_t kBits[4] = {1, 2, 4, 8};
  return vaddvq_u32(vandq_u32(vcgeq_f32(a, b), vld1q_u32(kBits)));
}
static inline Vector fma(Vector a, Vector b, Vector c) { return vfmaq_f32(c, a, b); }

struct Eight {
  float32x4_t low, high;
};
static inline void eight_store(float* p, Eight x) {
  vst1q_f32(p, x.low);
  vst1q_f32(p + 4, x.high);
}

template <int M>
static inline Eight reduce(const Vector* v) {
  Vector all[8];
  for (int i = 0; i < 8; ++i) all[i] = i < M ? v[i < M ? i : 0] : zero();
  return {vpaddq_f32(vpaddq_f32(all[0], all[1]), vpaddq_f32(all[2], all[3])),
          vpaddq_f32(vpaddq_f32(all[4], all[5]), vpaddq_f32(all[6], all[7]))};
}

constexpr size_t kPackedRows = 4;
static inline void transpose_rows(const float* const* rows, size_t d, float* out, size_t stride) {
  const float32x4x2_t ab = vtrnq_f32(vld1q_f32(rows[0] + d), vld1q_f32(rows[1] + d));
  const float32x4x2_t cd = vtrnq_f32(vld1q_f32(rows[2] + d), vld1q_f32(rows[3] + d));
  vst1q_f32(out, vcombine_f32(vget_low_f32(ab.val[0]), vget_low_f32(cd.val[0])));
  vst1q_f32(out + stride, vcombine_f32(vget_low_f32(ab.val[1]), vget_low_f32(cd.val[1])));
  vst1q_f32(out + 2 * stride, vcombine_f32(vget_high_f32(ab.val[0]), vget_high_f32(cd.val[0])));
  vst1q_f32(out + 3 * stride, vcombine_f32(vget_high_f32(ab.val[1]), vget_high_f32(cd.val[1])));
}

static inline Vector load_halves(const uint16_t* p) { return vcvt_f32_f16(vreinterpret_f16_u16(vld1_u16(p))); }
static float dot_bytes(const int8_t* a, const int8_t* b, size_t count) {
  int32x4_t sums = vdupq_n_s32(0);
  for (size_t d = 0; d < count; d += 16) {
    const int8x16_t x = vld1q_s8(a + d), y = vld1q_s8(b + d);
    sums = vpadalq_s16(sums, vmull_s8(vget_low_s8(x), vget_low_s8(y)));
    sums = vpadalq_s16(sums, vmull_high_s8(x, y));
  }
  return static_cast<float>(vaddvq_s32(sums));
}

struct Pair {
  float32x4_t v[4];
};
#define ANYVEC_EACH(expression)                   \
  Pair out;                                       \
  for (int i = 0; i < 4; ++i) out.v[i] = (expression); \
  return out
static inline Pair pair_set(float x) { ANYVEC_EACH(vdupq_n_f32(x)); }
static inline Pair pair_of(float first, float second) { ANYVEC_EACH(vdupq_n_f32(i < 2 ? first : second)); }
static inline Pair pair_load(const float* p) { ANYVEC_EACH(vld1q_f32(p + 4 * i)); }
static inline void pair_store(float* p, Pair x) {
  for (int i = 0; i < 4; ++i) vst1q_f32(p + 4 * i, x.v[i]);
}
static inline Pair pair_add(Pair a, Pair b) { ANYVEC_EACH(vaddq_f32(a.v[i], b.v[i])); }
static inline Pair pair_sub(Pair a, Pair b) { ANYVEC_EACH(vsubq_f32(a.v[i], b.v[i])); }
static inline Pair pair_mul(Pair a, Pair b) { ANYVEC_EACH(vmulq_f32(a.v[i], b.v[i])); }
static inline Pair pair_div(Pair a, Pair b) { ANYVEC_EACH(vdivq_f32(a.v[i], b.v[i])); }
static inline Pair pair_fma(Pair a, Pair b, Pair c) { ANYVEC_EACH(vfmaq_f32(c.v[i], a.v[i], b.v[i])); }
static inline Pair pair_max(Pair a, Pair b) { ANYVEC_EACH(vmaxq_f32(a.v[i], b.v[i])); }
static inline Pair pair_abs(Pair a) { ANYVEC_EACH(vabsq_f32(a.v[i])); }
static inline Pair pair_round(Pair a) { ANYVEC_EACH(vrndnq_f32(a.v[i])); }
// a * 2^n for whole n in -126 .. 0.
static inline float32x4_t scale(float32x4_t a, float32x4_t n) {
  const int32x4_t exponent = vshlq_n_s32(vaddq_s32(vcvtq_s32_f32(n), vdupq_n_s32(127)), 23);
  return vmulq_f32(a, vreinterpretq_f32_s32(exponent));
}
static inline Pair pair_scale(Pair a, Pair n) { ANYVEC_EACH(scale(a.v[i], n.v[i])); }
static inline float32x4_t where_negative(float32x4_t test, float32x4_t negative, float32x4_t other) {
  const uint32x4_t mask = vreinterpretq_u32_s32(vshrq_n_s32(vreinterpretq_s32_f32(test), 31));
  return vbslq_f32(mask, negative, other);
}
static inline Pair pair_where_negative(Pair test, Pair negative, Pair other) { ANYVEC_EACH(where_negative(test.v[i], negative.v[i], other.v[i])); }
#undef ANYVEC_EACH
static inline void pair_add_to_doubles(double* sums, Pair x) {
  const float32x4_t low = vaddq_f32(x.v[0], x.v[2]), high = vaddq_f32(x.v[1], x.v[3]);
  vst1q_f64(sums, vaddq_f64(vld1q_f64(sums), vcvt_f64_f32(vget_low_f32(low))));
  vst1q_f64(sums + 2, vaddq_f64(vld1q_f64(sums + 2), vcvt_high_f64_f32(low)));
  vst1q_f64(sums + 4, vaddq_f64(vld1q_f64(sums + 4), vcvt_f64_f32(vget_low_f32(high))));
  vst1q_f64(sums + 6, vaddq_f64(vld1q_f64(sums + 6), vcvt_high_f64_f32(high)));
}
template <int M>
static inline Pair reduce_pair(const Vector* a, const Vector* b) {
  const Eight first = reduce<M>(a), second = reduce<M>(b);
  return {{first.low, first.high, second.low, second.high}};
}

using Words = uint32x4_t;
constexpr uint32_t kWordLanes = 4;
static inline Words word_set(uint32_t x) { return vdupq_n_u32(x); }
static inline Words word_count_up() {
  const uint32_t lanes[4] = {0, 1, 2, 3};
  return vld1q_u32(lanes);
}
static inline Words word_add(Words a, Words b) { return vaddq_u32(a, b); }
static inline Words word_multiply(Words a, Words b) { return vmulq_u32(a, b); }
static inline Words word_xor(Words a, Words b) { return veorq_u32(a, b); }
template <int N>
static inline Words word_shift(Words a) {
  return vshrq_n_u32(a, N);
}
static inline void word_store(uint32_t* p, Words x) { vst1q_u32(p, x); }

#include "kernels/window.inl"
#include "kernels/draw.inl"
#include "kernels/score.inl"

// A bit a byte: each byte keeps the bit of its place among eight, and pairs are added three times.
static inline uint64_t mask_of(const uint8x16_t* v) {
  const uint8x16_t bits = vreinterpretq_u8_u64(vdupq_n_u64(0x8040201008040201ULL));
  const uint8x16_t low = vpaddq_u8(vandq_u8(v[0], bits), vandq_u8(v[1], bits));
  const uint8x16_t high = vpaddq_u8(vandq_u8(v[2], bits), vandq_u8(v[3], bits));
  const uint8x16_t all = vpaddq_u8(low, high);
  return vgetq_lane_u64(vreinterpretq_u64_u8(vpaddq_u8(all, all)), 0);
}

static inline bool classify(const char* text, uint64_t& spaces, uint64_t& line_ends) {
  uint8x16_t space[4], line_end[4], smallest = vdupq_n_u8(0xff);
  for (int i = 0; i < 4; ++i) {
    const uint8x16_t x = vld1q_u8(reinterpret_cast<const uint8_t*>(text) + 16 * i);
    // Tab to CR: unsigned, at most 4 behind tab.
    const uint8x16_t control = vcleq_u8(vsubq_u8(x, vdupq_n_u8('\t')), vdupq_n_u8(4));
    space[i] = vorrq_u8(control, vceqq_u8(x, vdupq_n_u8(' ')));
    line_end[i] = vceqq_u8(x, vdupq_n_u8('\n'));
    smallest = vminq_u8(smallest, x);
  }
  spaces = mask_of(space);
  line_ends = mask_of(line_end);
  return vminvq_u8(smallest) == 0;
}

static inline size_t write_places(uint64_t mask, uint32_t base, uint32_t* out) { return write_bits(mask, base, out); }

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
  return vgetq_lane_f32(sums[0], 0);
}

}  // namespace

extern const KernelTable neon_table;
const KernelTable neon_table = {"neon", train_window, merge, expect, draw, &kSearch, fma_chain, kChains * kLanes, split};

}  // namespace anyvec::kernels
