// Scores of queries against rows, once for all instruction sets; see window.inl for what the including file defines.
// Rows have no padding: the last, partial vector of a row is loaded by load_first(p, n), which reads n values and zeros the rest.

template <int Q, int R>
static inline void score_tile(const float* queries, size_t query_stride, const float* rows, size_t dimensions, float* scores,
                              size_t scores_stride) {
  Vector sums[Q][8];
  for (int q = 0; q < Q; ++q)
    for (int r = 0; r < R; ++r) sums[q][r] = zero();
  size_t d = 0;
  for (; d + kLanes <= dimensions; d += kLanes) {
    Vector x[R];
    for (int r = 0; r < R; ++r) x[r] = load_any(rows + static_cast<size_t>(r) * dimensions + d);
    for (int q = 0; q < Q; ++q) {
      const Vector y = load_any(queries + static_cast<size_t>(q) * query_stride + d);
      for (int r = 0; r < R; ++r) sums[q][r] = fma(x[r], y, sums[q][r]);
    }
  }
  if (d < dimensions) {
    const size_t rest = dimensions - d;
    for (int r = 0; r < R; ++r) {
      const Vector x = load_first(rows + static_cast<size_t>(r) * dimensions + d, rest);
      for (int q = 0; q < Q; ++q) {
        sums[q][r] = fma(x, load_first(queries + static_cast<size_t>(q) * query_stride + d, rest), sums[q][r]);
      }
    }
  }
  for (int q = 0; q < Q; ++q) {
    float out[kBlockLanes];
    eight_store(out, reduce<R>(sums[q]));
    for (int r = 0; r < R; ++r) scores[static_cast<size_t>(q) * scores_stride + r] = out[r];
  }
}

template <int Q, int R>
static inline void score_rows(const ScoreBlock& b, size_t q) {
  const float* queries = b.queries + q * b.query_stride;
  float* scores = b.scores + q * b.row_count;
  size_t r = 0;
  for (; r + R <= b.row_count; r += R) {
    score_tile<Q, R>(queries, b.query_stride, b.rows + r * b.dimensions, b.dimensions, scores + r, b.row_count);
  }
  for (; r < b.row_count; ++r) {
    score_tile<Q, 1>(queries, b.query_stride, b.rows + r * b.dimensions, b.dimensions, scores + r, b.row_count);
  }
}

static void score(const ScoreBlock& b) {
  size_t q = 0;
  for (; q + kQueryTile <= b.query_count; q += kQueryTile) score_rows<kQueryTile, kRowTile>(b, q);
  // One query is bound by memory: many rows in flight.
  for (; q < b.query_count; ++q) score_rows<1, 8>(b, q);
}

static void square_norms(const float* rows, size_t row_count, size_t dimensions, float* squares) {
  for (size_t r = 0; r < row_count; ++r) {
    const float* row = rows + r * dimensions;
    // Two sums in flight hide half of the latency; memory is the limit before more would help.
    Vector sums[2] = {zero(), zero()};
    size_t d = 0;
    for (; d + 2 * kLanes <= dimensions; d += 2 * kLanes) {
      const Vector a = load_any(row + d), b = load_any(row + d + kLanes);
      sums[0] = fma(a, a, sums[0]);
      sums[1] = fma(b, b, sums[1]);
    }
    for (; d + kLanes <= dimensions; d += kLanes) {
      const Vector a = load_any(row + d);
      sums[0] = fma(a, a, sums[0]);
    }
    if (d < dimensions) {
      const Vector a = load_first(row + d, dimensions - d);
      sums[1] = fma(a, a, sums[1]);
    }
    sums[0] = add(sums[0], sums[1]);
    float out[kBlockLanes];
    eight_store(out, reduce<1>(sums));
    squares[r] = out[0];
  }
}
