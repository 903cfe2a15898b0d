// Byte classes of text, once for all instruction sets; see kernel_table.h. The including file defines
//   classify_64(text, spaces, line_ends)     the classes of 64 bytes as masks; answers whether one of them is NUL

static bool classify(const ByteClasses& c) {
  bool nul = false;
  for (size_t i = 0; i < c.words; ++i) nul |= classify_64(c.text + 64 * i, c.spaces[i], c.line_ends[i]);
  return nul;
}
