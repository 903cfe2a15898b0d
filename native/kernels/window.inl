// The kernels, once for all instruction sets. A file that includes this defines, in its anonymous namespace:
//   Vector, kLanes, load, load_first, store, zero, broadcast, fma     the widest vectors
//   Eight and its operations (eight_*)                    eight floats, for what stands between the two products
//   reduce<M>(Vector*)                                    the horizontal sums of M <= 8 vectors as an Eight
//   kTile                                                 contexts that share a pass over the outputs' rows
//   kBlock                                                outputs a block, <= 8
// Nothing here may be a symbol that a linker could share between instruction sets: no STL, everything in the anonymous namespace.

// exp(x) for x <= 0, after Cephes' expf: n = round(x / ln 2), a degree-6 polynomial on the rest; within 2 ulp.
static inline Eight exp_negative(Eight x) {
  x = eight_max(x, eight_set(-87.0f));
  const Eight n = eight_round(eight_mul(x, eight_set(1.44269504088896341f)));
  Eight r = eight_fma(n, eight_set(-0.693359375f), x);
  r = eight_fma(n, eight_set(2.12194440e-4f), r);
  Eight p = eight_set(1.9875691500e-4f);
  p = eight_fma(p, r, eight_set(1.3981999507e-3f));
  p = eight_fma(p, r, eight_set(8.3334519073e-3f));
  p = eight_fma(p, r, eight_set(4.1665795894e-2f));
  p = eight_fma(p, r, eight_set(1.6666665459e-1f));
  p = eight_fma(p, r, eight_set(5.0000001201e-1f));
  p = eight_fma(p, eight_mul(r, r), eight_add(r, eight_set(1.0f)));
  return eight_scale(p, n);
}

// log(1 + e) for 0 <= e <= 1: Abramowitz and Stegun 4.1.44, absolute error below 1e-7 in float; it only feeds the loss.
static inline Eight log_one_plus(Eight e) {
  Eight p = eight_set(-0.0064535442f);
  p = eight_fma(p, e, eight_set(0.0360884937f));
  p = eight_fma(p, e, eight_set(-0.0953293897f));
  p = eight_fma(p, e, eight_set(0.1676540711f));
  p = eight_fma(p, e, eight_set(-0.2407338084f));
  p = eight_fma(p, e, eight_set(0.3317990258f));
  p = eight_fma(p, e, eight_set(-0.4998741238f));
  p = eight_fma(p, e, eight_set(0.9999964239f));
  return eight_mul(p, e);
}

// Products of R contexts with M outputs: R * M accumulators stay in registers over the whole row.
template <int R, int M>
static inline void dot_tile(float* const* inputs, float* const* outputs, uint32_t dimensions, float* products,
                            size_t products_stride) {
  Vector sums[R][M];
  for (int r = 0; r < R; ++r)
    for (int j = 0; j < M; ++j) sums[r][j] = zero();
  for (uint32_t d = 0; d < dimensions; d += kLanes) {
    Vector x[R];
    for (int r = 0; r < R; ++r) x[r] = load(inputs[r] + d);
    for (int j = 0; j < M; ++j) {
      const Vector y = load(outputs[j] + d);
      for (int r = 0; r < R; ++r) sums[r][j] = fma(x[r], y, sums[r][j]);
    }
  }
  for (int r = 0; r < R; ++r) eight_store(products + static_cast<size_t>(r) * products_stride, reduce<M>(sums[r]));
}

template <int R, int M>
static inline void dot_rest(float* const* inputs, uint32_t count, float* const* outputs, uint32_t dimensions, float* products,
                            size_t stride) {
  if constexpr (R > 0) {
    if (count == R) {
      dot_tile<R, M>(inputs, outputs, dimensions, products, stride);
    } else {
      dot_rest<R - 1, M>(inputs, count, outputs, dimensions, products, stride);
    }
  }
}

template <int M>
static inline void dot_block(const Window& w, uint32_t block, size_t stride) {
  float* const* outputs = w.outputs + static_cast<size_t>(block) * kBlock;
  float* products = w.products + static_cast<size_t>(block) * kBlockLanes;
  uint32_t i = 0;
  for (; i + kTile <= w.input_count; i += kTile) {
    dot_tile<kTile, M>(w.inputs + i, outputs, w.dimensions, products + i * stride, stride);
  }
  dot_rest<kTile - 1, M>(w.inputs + i, w.input_count - i, outputs, w.dimensions, products + i * stride, stride);
}

// Both updates in one pass over the columns: for each vector of columns the M output rows and their sums stay in registers while the
// contexts go by. With several blocks the contexts' old values are needed by each of them, so their change gathers in `sums`.
template <int M, bool kFirst, bool kLast>
static inline void update_block(const Window& w, uint32_t block, size_t stride) {
  float* const* outputs = w.outputs + static_cast<size_t>(block) * kBlock;
  const float* gradients = w.products + static_cast<size_t>(block) * kBlockLanes;
  const size_t row = padded(w.dimensions);
  for (uint32_t d = 0; d < w.dimensions; d += kLanes) {
    Vector y[M], updated[M];
    for (int j = 0; j < M; ++j) {
      y[j] = load(outputs[j] + d);
      updated[j] = y[j];
    }
    for (uint32_t i = 0; i < w.input_count; ++i) {
      const float* g = gradients + i * stride;
      float* input = w.inputs[i] + d;
      const Vector x = load(input);
      Vector sum = (kFirst && kLast) ? x : (kFirst ? zero() : load(w.sums + i * row + d));
      for (int j = 0; j < M; ++j) {
        const Vector gradient = broadcast(g[j]);
        sum = fma(gradient, y[j], sum);
        updated[j] = fma(gradient, x, updated[j]);
      }
      if (kFirst && kLast) {
        store(input, sum);
      } else if (kLast) {
        store(input, add(x, sum));
      } else {
        store(w.sums + i * row + d, sum);
      }
    }
    for (int j = 0; j < M; ++j) store(outputs[j] + d, updated[j]);
  }
}

template <int M>
static inline void update_dispatch(const Window& w, uint32_t block, uint32_t blocks, size_t stride) {
  if (blocks == 1) {
    update_block<M, true, true>(w, block, stride);
  } else if (block == 0) {
    update_block<M, true, false>(w, block, stride);
  } else if (block + 1 == blocks) {
    update_block<M, false, true>(w, block, stride);
  } else {
    update_block<M, false, false>(w, block, stride);
  }
}

// Calls f with the block's width as a constant.
#define ANYVEC_WITH_WIDTH(width, f)                        \
  switch (width) {                                         \
    case 1: f(1); break;                                   \
    case 2: f(2); break;                                   \
    case 3: f(3); break;                                   \
    case 4: f(4); break;                                   \
    case 5: f(5); break;                                   \
    case 6: f(6); break;                                   \
    case 7: if constexpr (kBlock >= 7) { f((kBlock >= 7 ? 7 : 1)); } break; \
    default: if constexpr (kBlock >= 8) { f((kBlock >= 8 ? 8 : 1)); } break; \
  }

ANYVEC_RACY static void train_window(const Window& w) {
  const uint32_t blocks = (w.output_count + kBlock - 1) / kBlock;
  const size_t stride = static_cast<size_t>(blocks) * kBlockLanes;
  for (uint32_t block = 0; block < blocks; ++block) {
    const uint32_t width = block + 1 < blocks ? kBlock : w.output_count - block * kBlock;
#define ANYVEC_DOT(M) dot_block<M>(w, block, stride)
    ANYVEC_WITH_WIDTH(width, ANYVEC_DOT)
#undef ANYVEC_DOT
  }

  // From products to gradients, eight at a time, and the loss on the way: with e = exp(-|d|),
  // sigmoid(|d|) = 1 / (1 + e), sigmoid(-|d|) = e / (1 + e), and -log of the likelihood = log(1 + e) + max(0, d or -d).
  Eight loss = eight_set(0.0f);
  for (uint32_t block = 0; block < blocks; ++block) {
    const Eight label = eight_load(w.labels + static_cast<size_t>(block) * kBlockLanes);
    const Eight keep = eight_load(w.keeps + static_cast<size_t>(block) * kBlockLanes);
    const Eight sign = eight_sub(eight_set(1.0f), eight_add(label, label));
    const Eight scaled = eight_mul(keep, eight_set(w.rate));
    float* products = w.products + static_cast<size_t>(block) * kBlockLanes;
    for (uint32_t i = 0; i < w.input_count; ++i) {
      const Eight d = eight_load(products + i * stride);
      const Eight weight = eight_set(w.weights[i]);
      const Eight e = exp_negative(eight_sub(eight_set(0.0f), eight_abs(d)));
      const Eight s = eight_div(eight_set(1.0f), eight_add(eight_set(1.0f), e));
      const Eight sigmoid = eight_where_negative(d, eight_mul(e, s), s);
      eight_store(products + i * stride, eight_mul(eight_mul(scaled, weight), eight_sub(label, sigmoid)));
      const Eight term = eight_add(log_one_plus(e), eight_max(eight_mul(sign, d), eight_set(0.0f)));
      loss = eight_fma(eight_mul(keep, weight), term, loss);
    }
  }
  eight_add_to_doubles(w.loss, loss);

  for (uint32_t block = 0; block < blocks; ++block) {
    const uint32_t width = block + 1 < blocks ? kBlock : w.output_count - block * kBlock;
#define ANYVEC_UPDATE(M) update_dispatch<M>(w, block, blocks, stride)
    ANYVEC_WITH_WIDTH(width, ANYVEC_UPDATE)
#undef ANYVEC_UPDATE
  }
}
