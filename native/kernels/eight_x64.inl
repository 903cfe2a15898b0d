// Eight floats in one AVX register, shared by the AVX2 and the AVX-512 kernels.
using Eight = __m256;
static inline void eight_store(float* p, Eight x) { _mm256_storeu_ps(p, x); }

// Sums of eight registers at once by a tree of horizontal adds: 3 levels for all, not 3 for each.
template <int M>
static inline Eight reduce_eights(const __m256* v) {
  const __m256 z = _mm256_setzero_ps();
  const __m256 a = _mm256_hadd_ps(v[0], M > 1 ? v[M > 1 ? 1 : 0] : z);
  const __m256 b = M > 2 ? _mm256_hadd_ps(v[M > 2 ? 2 : 0], M > 3 ? v[M > 3 ? 3 : 0] : z) : z;
  const __m256 low = _mm256_hadd_ps(a, b);
  __m256 high = z;
  if (M > 4) {
    const __m256 c = _mm256_hadd_ps(v[M > 4 ? 4 : 0], M > 5 ? v[M > 5 ? 5 : 0] : z);
    const __m256 d = M > 6 ? _mm256_hadd_ps(v[M > 6 ? 6 : 0], M > 7 ? v[M > 7 ? 7 : 0] : z) : z;
    high = _mm256_hadd_ps(c, d);
  }
  return _mm256_add_ps(_mm256_permute2f128_ps(low, high, 0x20), _mm256_permute2f128_ps(low, high, 0x31));
}

// out[i * stride + r] = rows[r][d + i] for eight rows and eight values.
constexpr size_t kPackedRows = 8;
static inline void transpose_rows(const float* const* rows, size_t d, float* out, size_t stride) {
  __m256 pairs[8], fours[8];
  for (int i = 0; i < 4; ++i) {
    const __m256 a = _mm256_loadu_ps(rows[2 * i] + d), b = _mm256_loadu_ps(rows[2 * i + 1] + d);
    pairs[2 * i] = _mm256_unpacklo_ps(a, b);
    pairs[2 * i + 1] = _mm256_unpackhi_ps(a, b);
  }
  for (int half = 0; half < 2; ++half) {
    const __m256* p = pairs + 4 * half;
    fours[4 * half] = _mm256_shuffle_ps(p[0], p[2], 0x44);
    fours[4 * half + 1] = _mm256_shuffle_ps(p[0], p[2], 0xee);
    fours[4 * half + 2] = _mm256_shuffle_ps(p[1], p[3], 0x44);
    fours[4 * half + 3] = _mm256_shuffle_ps(p[1], p[3], 0xee);
  }
  for (size_t i = 0; i < 4; ++i) {
    _mm256_storeu_ps(out + i * stride, _mm256_permute2f128_ps(fours[i], fours[4 + i], 0x20));
    _mm256_storeu_ps(out + (4 + i) * stride, _mm256_permute2f128_ps(fours[i], fours[4 + i], 0x31));
  }
}

// Without F16C: a half's bits as a float's are the value times 2^-112, also for the small ones.
static inline Eight eight_from_halves(const uint16_t* p) {
  const __m256i x = _mm256_cvtepu16_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)));
  const __m256i magnitude = _mm256_slli_epi32(_mm256_and_si256(x, _mm256_set1_epi32(0x7fff)), 13);
  const __m256i sign = _mm256_slli_epi32(_mm256_and_si256(x, _mm256_set1_epi32(0x8000)), 16);
  const __m256 value = _mm256_mul_ps(_mm256_castsi256_ps(magnitude), _mm256_set1_ps(0x1p112f));
  return _mm256_or_ps(value, _mm256_castsi256_ps(sign));
}
static inline float dot_bytes_by_eights(const int8_t* a, const int8_t* b, size_t count) {
  __m256i sums = _mm256_setzero_si256();
  for (size_t d = 0; d < count; d += 16) {
    const __m256i x = _mm256_cvtepi8_epi16(_mm_loadu_si128(reinterpret_cast<const __m128i*>(a + d)));
    const __m256i y = _mm256_cvtepi8_epi16(_mm_loadu_si128(reinterpret_cast<const __m128i*>(b + d)));
    sums = _mm256_add_epi32(sums, _mm256_madd_epi16(x, y));
  }
  alignas(32) int32_t out[8];
  _mm256_store_si256(reinterpret_cast<__m256i*>(out), sums);
  int32_t total = 0;
  for (int32_t part : out) total += part;
  return static_cast<float>(total);
}
