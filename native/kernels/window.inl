// The training kernels, once for all instruction sets. A file that includes this defines, in its anonymous namespace:
//   Vector, kLanes, load, store, broadcast, zero, add, sub, fma    the widest vectors
//   ANYVEC_VECTOR_CONSTRAINT                                    the letter by which inline assembly names a register for a Vector
//   kColumns                                                    vectors of a row that share a broadcast in the update
//   Pair and its operations (pair_*)                            sixteen floats: the products of two contexts with eight outputs
//   reduce_pair<M>(Vector*, Vector*)                            the horizontal sums of two times M <= 8 vectors as a Pair
// Nothing here may be a symbol that a linker could share between instruction sets: no STL, everything in the anonymous namespace.
//
// Contexts go in pairs, because two rows' products with eight outputs fill the widest register after one tree of horizontal sums:
// from there to the gradients everything is done on full registers, and the number of contexts, which nobody can predict, only
// decides how often a loop runs. An odd number is filled up by a row of zeros with weight 0.

// Compilers would rather load a value from memory at each of its uses, and loads are what these loops run short of.
#if defined(_MSC_VER)
#define ANYVEC_IN_REGISTER(x)
#else
#define ANYVEC_IN_REGISTER(x) __asm__("" : "+" ANYVEC_VECTOR_CONSTRAINT(x))
#endif

// exp(x) for x <= 0: 2^t with t = x / ln 2 = n + f, a minimax polynomial of degree 5 on -1/2 <= f <= 1/2 (relative error 8e-8), evaluated by
// Estrin's scheme, because it stands in the way of all that follows. The rounding of t makes the relative error of the result grow to |x| * 6e-8.
static inline Pair exp_negative(Pair x) {
  const Pair t = pair_max(pair_mul(x, pair_set(1.44269504088896341f)), pair_set(-126.0f));
  const Pair n = pair_round(t);
  const Pair f = pair_sub(t, n);
  const Pair f2 = pair_mul(f, f);
  const Pair low = pair_fma(f, pair_set(0.69314694f), pair_set(1.0000001f));
  const Pair middle = pair_fma(f, pair_set(0.05550713f), pair_set(0.2402212f));
  const Pair high = pair_fma(f, pair_set(0.0013276472f), pair_set(0.009675541f));
  return pair_scale(pair_fma(f2, pair_fma(f2, high, middle), low), n);
}

// log(1 + e) for 0 <= e <= 1: Abramowitz and Stegun 4.1.44, absolute error below 1e-7 in float; it only feeds the loss.
static inline Pair log_one_plus(Pair e) {
  Pair p = pair_set(-0.0064535442f);
  p = pair_fma(p, e, pair_set(0.0360884937f));
  p = pair_fma(p, e, pair_set(-0.0953293897f));
  p = pair_fma(p, e, pair_set(0.1676540711f));
  p = pair_fma(p, e, pair_set(-0.2407338084f));
  p = pair_fma(p, e, pair_set(0.3317990258f));
  p = pair_fma(p, e, pair_set(-0.4998741238f));
  p = pair_fma(p, e, pair_set(0.9999964239f));
  return pair_mul(p, e);
}

// Products of two contexts with M outputs: 2 * M sums stay in registers over the whole row.
template <int M>
static inline Pair dot_pair(const float* first, const float* second, float* const* outputs, uint32_t dimensions) {
  Vector sums[2][M];
  for (int j = 0; j < M; ++j) sums[0][j] = sums[1][j] = zero();
  for (uint32_t d = 0; d < dimensions; d += kLanes) {
    const Vector x = load(first + d), z = load(second + d);
    for (int j = 0; j < M; ++j) {
      Vector y = load(outputs[j] + d);
      ANYVEC_IN_REGISTER(y);
      sums[0][j] = fma(x, y, sums[0][j]);
      sums[1][j] = fma(z, y, sums[1][j]);
    }
  }
  return reduce_pair<M>(sums[0], sums[1]);
}

// From products to gradients, rate * weight * (label - sigmoid), and the loss on the way: with e = exp(-|d|), sigmoid(|d|) = 1 / (1 + e),
// sigmoid(-|d|) = e / (1 + e), and -log of the likelihood = log(1 + e) + max(0, d or -d). Lanes without an output have weight 0.
static inline Pair gradients(Pair d, Pair label, Pair weight, Pair rate, Pair& loss) {
  const Pair e = exp_negative(pair_sub(pair_set(0.0f), pair_abs(d)));
  const Pair s = pair_div(pair_set(1.0f), pair_add(pair_set(1.0f), e));
  const Pair sigmoid = pair_where_negative(d, pair_mul(e, s), s);
  const Pair away = pair_mul(pair_sub(pair_set(1.0f), pair_add(label, label)), d);
  loss = pair_fma(weight, pair_add(log_one_plus(e), pair_max(away, pair_set(0.0f))), loss);
  return pair_mul(pair_mul(weight, rate), pair_sub(label, sigmoid));
}

// What the lanes of a pair of contexts weigh towards a block of outputs. Only the first block holds centres; others see the last lane.
static inline Pair weights_of(const float* weights, uint32_t block, Pair keep) {
  return pair_mul(keep, block == 0 ? pair_load(weights) : pair_of(weights[kBlockLanes - 1], weights[2 * kBlockLanes - 1]));
}

// The gradients of one block of outputs, for all contexts, into `w.gradients`; the loss on top of `loss`.
template <int M>
static inline void gradient_block(const Window& w, uint32_t block, size_t stride, Pair& loss) {
  float* const* outputs = w.outputs + static_cast<size_t>(block) * kBlockLanes;
  float* const at = w.gradients + static_cast<size_t>(block) * 2 * kBlockLanes;
  float* product = at;
  for (uint32_t i = 0; i < w.input_count; i += 2, product += stride) {
    pair_store(product, dot_pair<M>(w.inputs[i], w.inputs[i + 1], outputs, w.dimensions));
  }
  alignas(64) float lanes[2][2 * kBlockLanes];
  for (size_t lane = 0; lane < 2 * kBlockLanes; ++lane) {
    lanes[0][lane] = lane % kBlockLanes < static_cast<size_t>(M) ? 1.0f : 0.0f;
    lanes[1][lane] = block == 0 && lane % kBlockLanes < w.centre_count ? 1.0f : 0.0f;
  }
  const Pair keep = pair_load(lanes[0]), label = pair_load(lanes[1]), rate = pair_set(w.rate);
  // A loop of its own: these chains are long, and only beside each other do they keep the processor busy.
  const float* weights = w.weights;
  product = at;
  for (uint32_t i = 0; i < w.input_count; i += 2, product += stride, weights += 2 * kBlockLanes) {
    pair_store(product, gradients(pair_load(product), label, weights_of(weights, block, keep), rate, loss));
  }
}

// Both updates in one pass over the columns: for U vectors of columns the M output rows and their sums stay in registers while the
// contexts go by. With several blocks the contexts' old values are needed by each of them, so their change gathers in `sums`.
template <int M, int U, bool kFirst, bool kLast>
static inline void update_columns(const Window& w, float* const* outputs, const float* at, size_t stride, uint32_t d) {
  const size_t row = padded(w.dimensions);
  Vector y[U][M], updated[U][M];
  for (int j = 0; j < M; ++j) {
    for (int u = 0; u < U; ++u) updated[u][j] = y[u][j] = load(outputs[j] + d + u * kLanes);
  }
  for (uint32_t i = 0; i < w.input_count; i += 2, at += stride) {
    for (uint32_t k = 0; k < 2; ++k) {
      const float* g = at + k * kBlockLanes;
      float* input = w.inputs[i + k] + d;
      float* change = w.sums + (i + k) * row + d;
      Vector x[U], sum[U];
      for (int u = 0; u < U; ++u) {
        x[u] = load(input + u * kLanes);
        ANYVEC_IN_REGISTER(x[u]);
        sum[u] = (kFirst && kLast) ? x[u] : (kFirst ? zero() : load(change + u * kLanes));
      }
      for (int j = 0; j < M; ++j) {
        const Vector gradient = broadcast(g[j]);
        for (int u = 0; u < U; ++u) {
          sum[u] = fma(gradient, y[u][j], sum[u]);
          updated[u][j] = fma(gradient, x[u], updated[u][j]);
        }
      }
      for (int u = 0; u < U; ++u) {
        if (kFirst && kLast) {
          store(input + u * kLanes, sum[u]);
        } else if (kLast) {
          store(input + u * kLanes, add(x[u], sum[u]));
        } else {
          store(change + u * kLanes, sum[u]);
        }
      }
    }
  }
  for (int j = 0; j < M; ++j) {
    for (int u = 0; u < U; ++u) store(outputs[j] + d + u * kLanes, updated[u][j]);
  }
}

template <int M, bool kFirst, bool kLast>
static inline void update_block(const Window& w, uint32_t block, size_t stride) {
  float* const* outputs = w.outputs + static_cast<size_t>(block) * kBlockLanes;
  const float* at = w.gradients + static_cast<size_t>(block) * 2 * kBlockLanes;
  uint32_t d = 0;
  for (; d + kColumns * kLanes <= padded(w.dimensions); d += kColumns * kLanes) {
    update_columns<M, kColumns, kFirst, kLast>(w, outputs, at, stride, d);
  }
  if constexpr (kColumns > 1) {
    for (; d < w.dimensions; d += kLanes) update_columns<M, 1, kFirst, kLast>(w, outputs, at, stride, d);
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
#define ANYVEC_WITH_WIDTH(width, f) \
  switch (width) {                  \
    case 1: f(1); break;            \
    case 2: f(2); break;            \
    case 3: f(3); break;            \
    case 4: f(4); break;            \
    case 5: f(5); break;            \
    case 6: f(6); break;            \
    case 7: f(7); break;            \
    default: f(8); break;           \
  }

ANYVEC_RACY static void train_window(const Window& w) {
  static_assert(kBlockLanes == 8);
  const uint32_t blocks = block_count(w.output_count);
  const size_t stride = static_cast<size_t>(blocks) * 2 * kBlockLanes;
  const auto width_of = [&](uint32_t block) { return block + 1 < blocks ? kBlockLanes : w.output_count - block * kBlockLanes; };
  Pair loss = pair_set(0.0f);
  for (uint32_t block = 0; block < blocks; ++block) {
#define ANYVEC_GRADIENTS(M) gradient_block<M>(w, block, stride, loss)
    ANYVEC_WITH_WIDTH(width_of(block), ANYVEC_GRADIENTS)
#undef ANYVEC_GRADIENTS
  }
  pair_add_to_doubles(w.loss, loss);
  for (uint32_t block = 0; block < blocks; ++block) {
#define ANYVEC_UPDATE(M) update_dispatch<M>(w, block, blocks, stride)
    ANYVEC_WITH_WIDTH(width_of(block), ANYVEC_UPDATE)
#undef ANYVEC_UPDATE
  }
}

// One worker's copy of a row meets the shared row: both become shared + (own - base), and so does base.
ANYVEC_RACY static void merge(float* shared, float* own, float* base, size_t floats) {
  for (size_t d = 0; d < floats; d += kLanes) {
    const Vector sum = add(load(shared + d), sub(load(own + d), load(base + d)));
    store(shared + d, sum);
    store(own + d, sum);
    store(base + d, sum);
  }
}

// Rows that will be written soon. On x64 by PREFETCHW: a line fetched for reading would have to be asked for a second time, from
// whichever core still holds it, when it is written (a fifth of a thread's rate, a quarter of two threads'). Processors before Broadwell
// ignore the instruction. Of long rows only the first lines are asked for; the processor's own prefetcher follows.
static void expect(const float* row, size_t floats) {
  constexpr size_t kLine = 64 / sizeof(float), kMost = 24 * kLine;
  const size_t end = floats < kMost ? floats : kMost;
  for (size_t d = 0; d < end; d += kLine) prefetch_write(row + d);
}
