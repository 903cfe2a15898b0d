// Eight floats in one AVX register, shared by the AVX2 and the AVX-512 kernels (both have fused multiply-add).
using Eight = __m256;
static inline Eight eight_set(float x) { return _mm256_set1_ps(x); }
static inline Eight eight_load(const float* p) { return _mm256_loadu_ps(p); }
static inline void eight_store(float* p, Eight x) { _mm256_storeu_ps(p, x); }
static inline Eight eight_add(Eight a, Eight b) { return _mm256_add_ps(a, b); }
static inline Eight eight_sub(Eight a, Eight b) { return _mm256_sub_ps(a, b); }
static inline Eight eight_mul(Eight a, Eight b) { return _mm256_mul_ps(a, b); }
static inline Eight eight_div(Eight a, Eight b) { return _mm256_div_ps(a, b); }
static inline Eight eight_fma(Eight a, Eight b, Eight c) { return _mm256_fmadd_ps(a, b, c); }
// The second operand comes back where one is NaN, so a NaN in `a` would be lost: callers put constants first.
static inline Eight eight_max(Eight a, Eight b) { return _mm256_max_ps(b, a); }
static inline Eight eight_abs(Eight a) { return _mm256_andnot_ps(_mm256_set1_ps(-0.0f), a); }
static inline Eight eight_round(Eight a) { return _mm256_round_ps(a, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC); }
// a * 2^n for whole n in -126 .. 0.
static inline Eight eight_scale(Eight a, Eight n) {
  const __m256i exponent = _mm256_slli_epi32(_mm256_add_epi32(_mm256_cvtps_epi32(n), _mm256_set1_epi32(127)), 23);
  return _mm256_mul_ps(a, _mm256_castsi256_ps(exponent));
}
static inline Eight eight_where_negative(Eight test, Eight negative, Eight other) { return _mm256_blendv_ps(other, negative, test); }
static inline void eight_add_to_doubles(double* sums, Eight x) {
  _mm256_storeu_pd(sums, _mm256_add_pd(_mm256_loadu_pd(sums), _mm256_cvtps_pd(_mm256_castps256_ps128(x))));
  _mm256_storeu_pd(sums + 4, _mm256_add_pd(_mm256_loadu_pd(sums + 4), _mm256_cvtps_pd(_mm256_extractf128_ps(x, 1))));
}

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
