// Where words stand in a text, once for all instruction sets; see Split in kernel_table.h. The including file defines
//   classify(text, spaces, line_ends)     the classes of 64 bytes as masks; answers whether one of them is NUL
//   write_places(mask, base, out)         writes base + i for each bit i of a mask, and at most kSplitSlack places more for nothing: how many
//                                         bits there are is not to be guessed; answers how many

static bool split(Split& s) {
  uint64_t spaced = s.spaced ? 1 : 0, lined = s.lined ? 1 : 0;
  uint32_t* starts = s.starts;
  uint32_t* ends = s.ends;
  bool nul = false;
  for (size_t at = 0; at < s.size; at += 64) {
    uint64_t space, line_end;
    nul |= classify(s.text + at, space, line_end);
    const uint64_t behind_space = space << 1 | spaced, behind_line = line_end << 1 | lined;
    spaced = space >> 63;
    lined = line_end >> 63;
    const uint64_t inside = s.size - at >= 64 ? ~0ULL : (1ULL << (s.size - at)) - 1;
    const uint32_t base = s.base + static_cast<uint32_t>(at);
    // The word before a line end ends where that begins, and the line end one byte later: no two ends meet.
    starts += write_places(((~space & behind_space) | line_end) & inside, base, starts);
    ends += write_places(((space & ~behind_space) | behind_line) & inside, base, ends);
  }
  s.spaced = spaced != 0;
  s.lined = lined != 0;
  s.started = static_cast<size_t>(starts - s.starts);
  s.ended = static_cast<size_t>(ends - s.ends);
  return nul;
}
