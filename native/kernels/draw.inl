// Random draws (base/random.h, docs/training-law.md), once for all instruction sets. The including file defines Words, kWordLanes and
// word_set, word_count_up (0, 1, 2 ...), word_add, word_multiply, word_xor, word_shift<N> (to the right), word_store.

template <int N>
static inline Words word_fold(Words x) {
  return word_xor(x, word_shift<N>(x));
}

static void draw(const Draws& d) {
  const Words a = word_set(d.a), b = word_set(d.b), golden = word_set(0x9e3779b9U);
  for (uint32_t i = 0; i < d.count; i += kWordLanes) {
    Words x = word_add(word_multiply(word_add(word_count_up(), word_set(d.first + i)), golden), a);
    x = word_multiply(word_fold<17>(x), word_set(0xed5ad4bbU));
    x = word_multiply(word_fold<11>(word_xor(x, b)), word_set(0xac4c1b51U));
    x = word_multiply(word_fold<15>(x), word_set(0x31848babU));
    word_store(d.out + i, word_fold<14>(x));
  }
}
