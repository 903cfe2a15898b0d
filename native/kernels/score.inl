// Exact search, once for all instruction sets. Besides what window.inl needs, the including file defines
//   load_any, load_first(p, n), store_any, sub, mul, root, divide, larger, at_least(a, b) (one bit a lane, set where a >= b),
//   kQueryTile, kPanelVectors (the register tile of many queries), kRowTile (rows in flight for one query), kAllLanes,
//   kPackedRows and transpose_rows (a square of values, turned), load_halves (kLanes binary16 values, finite), dot_bytes.
// Rows have no padding: the last, partial vector of a row is loaded by load_first, which reads n values and zeros the rest.
//
// Many queries: a panel holds the rows side by side, so that a register holds one value of kLanes rows and no sum is ever taken across lanes.
// Per value: kPanelVectors loads, kQueryTile broadcasts, and kQueryTile * kPanelVectors fused multiply-adds in independent sums.
// One query: rows are read where they lie, once, for the product and for the row's length.
// Accumulation is in float32, in rising order of values within a lane; expected error against double: dimensions * 2^-24 of the absolute sum.

constexpr uint32_t kPanelRows = kPanelVectors * kLanes;

static inline const float* row_of(const RowSet& rows, size_t index) {
  return rows.values + (rows.ids == nullptr ? index : rows.ids[index]) * rows.dimensions;
}

static void pack(const RowSet& rows, float* panel, float* squares) {
  const size_t dimensions = rows.dimensions;
  for (size_t first = 0; first < kPanelRows; first += kPackedRows) {
    const float* row[kPackedRows];
    // Places without a row repeat the last one, and are set to zero below.
    for (size_t i = 0; i < kPackedRows; ++i) row[i] = row_of(rows, first + i < rows.count ? first + i : rows.count - 1);
    size_t d = 0;
    for (; d + kPackedRows <= dimensions; d += kPackedRows) transpose_rows(row, d, panel + d * kPanelRows + first, kPanelRows);
    for (; d < dimensions; ++d) {
      for (size_t i = 0; i < kPackedRows; ++i) panel[d * kPanelRows + first + i] = row[i][d];
    }
  }
  for (size_t r = rows.count; r < kPanelRows; ++r) {
    for (size_t d = 0; d < dimensions; ++d) panel[d * kPanelRows + r] = 0.0f;
  }
  Vector sums[kPanelVectors];
  for (int v = 0; v < kPanelVectors; ++v) sums[v] = zero();
  for (size_t d = 0; d < dimensions; ++d) {
    for (int v = 0; v < kPanelVectors; ++v) {
      const Vector x = load_any(panel + d * kPanelRows + v * kLanes);
      sums[v] = fma(x, x, sums[v]);
    }
  }
  for (int v = 0; v < kPanelVectors; ++v) store_any(squares + v * kLanes, sums[v]);
}

static void scale(float* panel, size_t dimensions, const float* factors) {
  Vector by[kPanelVectors];
  for (int v = 0; v < kPanelVectors; ++v) by[v] = load_any(factors + v * kLanes);
  for (size_t d = 0; d < dimensions; ++d) {
    for (int v = 0; v < kPanelVectors; ++v) {
      float* at = panel + d * kPanelRows + v * kLanes;
      store_any(at, mul(load_any(at), by[v]));
    }
  }
}

// The scores of one analogy from the cosines with its three queries.
template <Measure M>
static inline Vector combine(const Vector (*cosines)[kPanelVectors], int v, float offset) {
  const Vector one = broadcast(1.0f), a = cosines[0][v], b = cosines[1][v], c = cosines[2][v];
  if constexpr (M == Measure::kMultiply) {
    const Vector both = mul(mul(add(b, one), broadcast(0.25f)), add(c, one));
    return divide(both, fma(a, broadcast(0.5f), broadcast(0.501f)));
  } else {
    // A row that is c itself has no direction from it: rounding must not make one.
    const Vector square = fma(c, broadcast(-2.0f), broadcast(2.0f));
    return divide(sub(sub(b, a), broadcast(offset)), root(larger(square, broadcast(1e-6f))));
  }
}

template <Measure M>
static inline Hit* score_tile(const PanelBlock& b, size_t first, uint32_t live, Hit* hits) {
  constexpr int kQuestion = is_analogy(M) ? 3 : 1;
  static_assert(kQueryTile % 3 == 0, "an analogy must not be cut");
  const float* x = b.panel;
  const float* y = b.queries + first * b.dimensions;
  Vector sums[kQueryTile][kPanelVectors];
  for (int q = 0; q < kQueryTile; ++q)
    for (int v = 0; v < kPanelVectors; ++v) sums[q][v] = zero();
  for (size_t d = 0; d < b.dimensions; ++d) {
    Vector rows[kPanelVectors];
    for (int v = 0; v < kPanelVectors; ++v) rows[v] = load_any(x + v * kLanes);
    for (int q = 0; q < kQueryTile; ++q) {
      const Vector query = broadcast(y[q]);
      for (int v = 0; v < kPanelVectors; ++v) {
        if constexpr (M == Measure::kDistance) {
          const Vector apart = sub(rows[v], query);
          sums[q][v] = fma(apart, apart, sums[q][v]);
        } else {
          sums[q][v] = fma(rows[v], query, sums[q][v]);
        }
      }
    }
    x += kPanelRows;
    y += kQueryTile;
  }
  uint32_t reached[kQueryTile], any = 0;
  for (int q = 0; q < kQueryTile; q += kQuestion) {
    const Vector bar = broadcast(b.bars[first + static_cast<size_t>(q)]);
    uint32_t bits = 0;
    for (int v = 0; v < kPanelVectors; ++v) {
      if constexpr (M == Measure::kDistance) sums[q][v] = sub(zero(), sums[q][v]);
      if constexpr (is_analogy(M)) sums[q][v] = combine<M>(sums + q, v, M == Measure::kDirection ? b.offsets[first + static_cast<size_t>(q)] : 0.0f);
      bits |= at_least(sums[q][v], bar) << (static_cast<uint32_t>(v) * kLanes);
    }
    reached[q] = bits & live;
    any |= reached[q];
  }
  if (any == 0) return hits;
  float scores[kQueryTile * kPanelRows];
  for (int q = 0; q < kQueryTile; q += kQuestion)
    for (int v = 0; v < kPanelVectors; ++v) store_any(scores + q * static_cast<int>(kPanelRows) + v * static_cast<int>(kLanes), sums[q][v]);
  for (int q = 0; q < kQueryTile; q += kQuestion) {
    for (uint32_t bits = reached[q]; bits != 0; bits &= bits - 1) {
      const uint32_t row = lowest_bit(bits);
      *hits++ = {static_cast<uint32_t>(first) + static_cast<uint32_t>(q), row, scores[static_cast<uint32_t>(q) * kPanelRows + row]};
    }
  }
  return hits;
}

template <Measure M>
static inline size_t score_tiles(const PanelBlock& b, Hit* hits) {
  const uint32_t live = b.rows >= 32 ? UINT32_MAX : (1U << b.rows) - 1U;
  Hit* end = hits;
  for (size_t q = 0; q < b.query_count; q += kQueryTile) end = score_tile<M>(b, q, live, end);
  return static_cast<size_t>(end - hits);
}

static size_t score_panel(const PanelBlock& b, Hit* hits) {
  switch (b.measure) {
    case Measure::kProduct:
    case Measure::kCosine:
      return score_tiles<Measure::kProduct>(b, hits);
    case Measure::kDistance:
      return score_tiles<Measure::kDistance>(b, hits);
    case Measure::kMultiply:
      return score_tiles<Measure::kMultiply>(b, hits);
    case Measure::kDirection:
      break;
  }
  return score_tiles<Measure::kDirection>(b, hits);
}

// Products and, where wanted, squares of R rows; or squares of differences.
template <int R, Measure M>
static inline void score_few(const float* const* rows, const float* query, size_t dimensions, float* scores, float* squares) {
  Vector sums[8], lengths[8];
  for (int r = 0; r < R; ++r) sums[r] = lengths[r] = zero();
  auto step = [&](int r, Vector x, Vector y) {
    if constexpr (M == Measure::kDistance) {
      const Vector apart = sub(x, y);
      sums[r] = fma(apart, apart, sums[r]);
    } else {
      sums[r] = fma(x, y, sums[r]);
      if constexpr (M == Measure::kCosine) lengths[r] = fma(x, x, lengths[r]);
    }
  };
  // Rows mostly follow each other: what comes two tiles later is asked for in the order of addresses, a step's worth of lines a step.
  constexpr size_t kLines = R * kLanes * sizeof(float) / kCacheLineBytes;
  const char* ahead = reinterpret_cast<const char*>(rows[0]) + 2 * R * dimensions * sizeof(float);
  size_t d = 0;
  for (; d + kLanes <= dimensions; d += kLanes) {
    for (size_t line = 0; line < kLines; ++line, ahead += kCacheLineBytes) prefetch_read(ahead);
    const Vector y = load_any(query + d);
    for (int r = 0; r < R; ++r) step(r, load_any(rows[r] + d), y);
  }
  if (d < dimensions) {
    const size_t rest = dimensions - d;
    const Vector y = load_first(query + d, rest);
    for (int r = 0; r < R; ++r) step(r, load_first(rows[r] + d, rest), y);
  }
  float out[kBlockLanes];
  eight_store(out, reduce<R>(sums));
  for (int r = 0; r < R; ++r) scores[r] = M == Measure::kDistance ? -out[r] : out[r];
  if constexpr (M == Measure::kCosine) {
    eight_store(out, reduce<R>(lengths));
    for (int r = 0; r < R; ++r) squares[r] = out[r];
  }
}

template <Measure M>
static inline size_t score_all(const RowBlock& b, Hit* hits) {
  const size_t count = b.rows.count;
  // A vector more than there are rows: the last step below reads and ignores it.
  float scores[kMostBlockRows + kLanes], squares[kMostBlockRows + kLanes];
  size_t r = 0;
  for (; r + kRowTile <= count; r += kRowTile) {
    const float* rows[kRowTile];
    for (int i = 0; i < kRowTile; ++i) rows[i] = row_of(b.rows, r + static_cast<size_t>(i));
    score_few<kRowTile, M>(rows, b.query, b.rows.dimensions, scores + r, squares + r);
  }
  for (; r < count; ++r) {
    const float* row = row_of(b.rows, r);
    score_few<1, M>(&row, b.query, b.rows.dimensions, scores + r, squares + r);
  }
  for (size_t i = count; i < count + kLanes; ++i) scores[i] = squares[i] = 1.0f;

  Hit* end = hits;
  const Vector bar = broadcast(b.bar), least = broadcast(kLeastSquare), most = broadcast(kMostSquare);
  for (size_t at = 0; at < count; at += kLanes) {
    const uint32_t live = count - at >= kLanes ? kAllLanes : (1U << (count - at)) - 1U;
    uint32_t sound = kAllLanes;
    Vector score = load_any(scores + at);
    if constexpr (M == Measure::kCosine) {
      const Vector square = load_any(squares + at);
      sound = at_least(square, least) & at_least(most, square);
      score = divide(score, root(square));
      store_any(scores + at, score);
    }
    for (uint32_t bits = (at_least(score, bar) | (sound ^ kAllLanes)) & live; bits != 0; bits &= bits - 1) {
      const uint32_t i = lowest_bit(bits);
      *end++ = {(sound >> i & 1U) != 0 ? 0 : kScoreInDouble, static_cast<uint32_t>(at) + i, scores[at + i]};
    }
  }
  return static_cast<size_t>(end - hits);
}

static size_t score_rows(const RowBlock& b, Hit* hits) {
  switch (b.measure) {
    case Measure::kProduct:
      return score_all<Measure::kProduct>(b, hits);
    case Measure::kCosine:
      return score_all<Measure::kCosine>(b, hits);
    default:
      return score_all<Measure::kDistance>(b, hits);
  }
}

static float dot(const float* a, const float* b, size_t count) {
  Vector sums[4];
  for (int i = 0; i < 4; ++i) sums[i] = zero();
  size_t d = 0;
  for (; d + 4 * kLanes <= count; d += 4 * kLanes) {
    for (size_t i = 0; i < 4; ++i) sums[i] = fma(load_any(a + d + i * kLanes), load_any(b + d + i * kLanes), sums[i]);
  }
  for (; d + kLanes <= count; d += kLanes) sums[0] = fma(load_any(a + d), load_any(b + d), sums[0]);
  if (d < count) sums[1] = fma(load_first(a + d, count - d), load_first(b + d, count - d), sums[1]);
  sums[0] = add(add(sums[0], sums[1]), add(sums[2], sums[3]));
  float out[kBlockLanes];
  eight_store(out, reduce<1>(sums));
  return out[0];
}

static float dot_halves(const uint16_t* a, const uint16_t* b, size_t count) {
  Vector sums[2] = {zero(), zero()};
  for (size_t d = 0; d < count; d += 2 * kLanes) {
    sums[0] = fma(load_halves(a + d), load_halves(b + d), sums[0]);
    sums[1] = fma(load_halves(a + d + kLanes), load_halves(b + d + kLanes), sums[1]);
  }
  sums[0] = add(sums[0], sums[1]);
  float out[kBlockLanes];
  eight_store(out, reduce<1>(sums));
  return out[0];
}

static float sum(const float* values, size_t count) {
  Vector sums[8];
  for (int i = 0; i < 8; ++i) sums[i] = zero();
  size_t at = 0;
  for (; at + 8 * kLanes <= count; at += 8 * kLanes) {
    for (int i = 0; i < 8; ++i) sums[i] = add(sums[i], load_any(values + at + static_cast<size_t>(i) * kLanes));
  }
  for (; at < count; ++at) sums[0] = add(sums[0], load_first(values + at, 1));
  float out[kBlockLanes], total = 0;
  eight_store(out, reduce<8>(sums));
  for (size_t i = 0; i < kBlockLanes; ++i) total += out[i];
  return total;
}

static const SearchKernels kSearch = {kQueryTile, kPanelRows, pack, scale, score_panel, score_rows, dot, dot_halves, dot_bytes, sum};
