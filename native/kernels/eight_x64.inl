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
