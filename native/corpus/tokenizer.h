#pragma once
// What a key in a text is.

#include <cstddef>

namespace anyvec::corpus {

// Keys are parted by ASCII white space; LF also ends a sequence. The split kernel knows the same.
inline bool is_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

// The longest key in bytes; engine.ts has the same number.
inline constexpr size_t kMaxKeyBytes = 16384;

}  // namespace anyvec::corpus
