// The kernels on plain floats: for processors without the wider instruction sets, and what the others are tested beside.

#include "kernels/bits.h"
#include "kernels/kernel_table.h"
#include "kernels/prefetch.h"
#include "kernels/racy.h"

#include <math.h>

// A plain float lives in an SSE register on x64 and in a vector register on arm64.
#if defined(__aarch64__)
#define ANYVEC_VECTOR_CONSTRAINT "w"
#elif defined(__x86_64__)
#define ANYVEC_VECTOR_CONSTRAINT "x"
#else
#define ANYVEC_VECTOR_CONSTRAINT "m"
#endif

namespace anyvec::kernels {
namespace {

using Vector = float;
constexpr uint32_t kLanes = 1;
constexpr int kColumns = 1;
constexpr int kQueryTile = 3;
constexpr int kPanelVectors = 4;
constexpr int kRowTile = 4;
constexpr uint32_t kAllLanes = 1;

static inline Vector zero() { return 0.0f; }
static inline Vector load(const float* p) { return *p; }
static inline Vector load_any(const float* p) { return *p; }
static inline Vector load_first(const float* p, size_t) { return *p; }
static inline void store(float* p, Vector x) { *p = x; }
static inline Vector broadcast(float x) { return x; }
static inline Vector add(Vector a, Vector b) { return a + b; }
static inline void store_any(float* p, Vector x) { *p = x; }
static inline Vector sub(Vector a, Vector b) { return a - b; }
static inline Vector mul(Vector a, Vector b) { return a * b; }
static inline Vector divide(Vector a, Vector b) { return a / b; }
static inline Vector larger(Vector a, Vector b) { return a > b ? a : b; }
static inline Vector root(Vector a) { return sqrtf(a); }
static inline uint32_t at_least(Vector a, Vector b) { return a >= b ? 1 : 0; }
static inline Vector fma(Vector a, Vector b, Vector c) { return a * b + c; }

struct Eight {
  float v[kBlockLanes];
};
static inline void eight_store(float* p, Eight x) {
  for (size_t i = 0; i < kBlockLanes; ++i) p[i] = x.v[i];
}

template <int M>
static inline Eight reduce(const Vector* v) {
  Eight out = {};
  for (int i = 0; i < M; ++i) out.v[i] = v[i];
  return out;
}

constexpr size_t kPackedRows = 4;
static inline void transpose_rows(const float* const* rows, size_t d, float* out, size_t stride) {
  for (size_t i = 0; i < kPackedRows; ++i)
    for (size_t r = 0; r < kPackedRows; ++r) out[i * stride + r] = rows[r][d + i];
}

// A half's bits as a float's are the value times 2^-112, also for the small ones.
static inline Vector load_halves(const uint16_t* p) {
  union {
    uint32_t bits;
    float value;
  } half;
  half.bits = (*p & 0x7fffU) << 13;
  const float magnitude = half.value * 0x1p112f;
  return (*p & 0x8000U) != 0 ? -magnitude : magnitude;
}
static float dot_bytes(const int8_t* a, const int8_t* b, size_t count) {
  int32_t total = 0;
  for (size_t d = 0; d < count; ++d) total += a[d] * b[d];
  return static_cast<float>(total);
}

constexpr size_t kPairLanes = 2 * kBlockLanes;
struct Pair {
  float v[kPairLanes];
};
#define ANYVEC_EACH(expression)                                    \
  Pair out;                                                        \
  for (size_t i = 0; i < kPairLanes; ++i) out.v[i] = (expression); \
  return out
static inline Pair pair_set(float x) { ANYVEC_EACH(x); }
static inline Pair pair_of(float first, float second) { ANYVEC_EACH(i < kBlockLanes ? first : second); }
static inline Pair pair_load(const float* p) { ANYVEC_EACH(p[i]); }
static inline void pair_store(float* p, Pair x) {
  for (size_t i = 0; i < kPairLanes; ++i) p[i] = x.v[i];
}
static inline Pair pair_add(Pair a, Pair b) { ANYVEC_EACH(a.v[i] + b.v[i]); }
static inline Pair pair_sub(Pair a, Pair b) { ANYVEC_EACH(a.v[i] - b.v[i]); }
static inline Pair pair_mul(Pair a, Pair b) { ANYVEC_EACH(a.v[i] * b.v[i]); }
static inline Pair pair_div(Pair a, Pair b) { ANYVEC_EACH(a.v[i] / b.v[i]); }
static inline Pair pair_fma(Pair a, Pair b, Pair c) { ANYVEC_EACH(a.v[i] * b.v[i] + c.v[i]); }
static inline Pair pair_max(Pair a, Pair b) { ANYVEC_EACH(a.v[i] < b.v[i] ? b.v[i] : a.v[i]); }
static inline Pair pair_abs(Pair a) { ANYVEC_EACH(fabsf(a.v[i])); }
static inline Pair pair_round(Pair a) { ANYVEC_EACH(nearbyintf(a.v[i])); }
static inline Pair pair_scale(Pair a, Pair n) { ANYVEC_EACH(ldexpf(a.v[i], n.v[i] >= -126.0f && n.v[i] <= 126.0f ? static_cast<int>(n.v[i]) : -126)); }
static inline Pair pair_where_negative(Pair test, Pair negative, Pair other) { ANYVEC_EACH(signbit(test.v[i]) ? negative.v[i] : other.v[i]); }
#undef ANYVEC_EACH
static inline void pair_add_to_doubles(double* sums, Pair x) {
  for (size_t i = 0; i < kPairLanes; ++i) sums[i % kBlockLanes] += static_cast<double>(x.v[i]);
}
template <int M>
static inline Pair reduce_pair(const Vector* a, const Vector* b) {
  Pair out = {};
  for (int i = 0; i < M; ++i) {
    out.v[i] = a[i];
    out.v[kBlockLanes + static_cast<size_t>(i)] = b[i];
  }
  return out;
}

using Words = uint32_t;
constexpr uint32_t kWordLanes = 1;
static inline Words word_set(uint32_t x) { return x; }
static inline Words word_count_up() { return 0; }
static inline Words word_add(Words a, Words b) { return a + b; }
static inline Words word_multiply(Words a, Words b) { return a * b; }
static inline Words word_xor(Words a, Words b) { return a ^ b; }
template <int N>
static inline Words word_shift(Words a) {
  return a >> N;
}
static inline void word_store(uint32_t* p, Words x) { *p = x; }

#include "kernels/window.inl"
#include "kernels/draw.inl"
#include "kernels/score.inl"

// A mark in the highest bit of each byte that is zero; exact, as no carry leaves a byte.
static inline uint64_t zero_bytes(uint64_t x) {
  constexpr uint64_t kLow = 0x7f7f7f7f7f7f7f7fULL;
  return ~(((x & kLow) + kLow) | x | kLow);
}
static inline uint64_t bytes_equal(uint64_t x, uint64_t byte) { return zero_bytes(x ^ (byte * 0x0101010101010101ULL)); }
// The marks of eight bytes as eight bits.
static inline uint64_t gather_marks(uint64_t marks) { return ((marks >> 7) * 0x0102040810204080ULL) >> 56; }

static inline bool classify(const char* text, uint64_t& spaces, uint64_t& line_ends) {
  uint64_t all_spaces = 0, all_line_ends = 0, nul = 0;
  for (int i = 0; i < 8; ++i) {
    uint64_t x = 0;
    for (int b = 0; b < 8; ++b) x |= static_cast<uint64_t>(static_cast<unsigned char>(text[8 * i + b])) << (8 * b);
    const uint64_t line_end = bytes_equal(x, '\n');
    const uint64_t space = bytes_equal(x, ' ') | bytes_equal(x, '\t') | bytes_equal(x, '\v') | bytes_equal(x, '\f') | bytes_equal(x, '\r') | line_end;
    all_spaces |= gather_marks(space) << (8 * i);
    all_line_ends |= gather_marks(line_end) << (8 * i);
    nul |= zero_bytes(x);
  }
  spaces = all_spaces;
  line_ends = all_line_ends;
  return nul != 0;
}

static inline size_t write_places(uint64_t mask, uint32_t base, uint32_t* out) { return write_bits(mask, base, out); }

#include "kernels/split.inl"

constexpr int kChains = 8;
static float fma_chain(uint64_t rounds) {
  float sums[kChains] = {1, 2, 3, 4, 5, 6, 7, 8};
  for (uint64_t round = 0; round < rounds; ++round) {
    for (int i = 0; i < kChains; ++i) sums[i] = sums[i] * 0.999f + 0.001f;
  }
  float total = 0;
  for (int i = 0; i < kChains; ++i) total += sums[i];
  return total;
}

}  // namespace

extern const KernelTable scalar_table;
const KernelTable scalar_table = {"scalar", train_window, merge, expect, draw, &kSearch, fma_chain, kChains, split};

}  // namespace anyvec::kernels
