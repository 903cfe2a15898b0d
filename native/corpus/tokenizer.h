#pragma once
// Cuts text into keys at ASCII white space, eight bytes at a time, hashing on the way.

#include <bit>
#include <cstdint>
#include <cstring>

#include "corpus/key_table.h"

namespace anyvec::corpus {

static_assert(std::endian::native == std::endian::little, "the model file and the tokenizer are little-endian");

inline bool is_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

// The longest key in bytes; engine.ts has the same number.
inline constexpr size_t kMaxKeyBytes = 16384;

enum class Lexeme { kToken, kLineEnd, kMalformed, kEnd };

// Walks over [begin, stop): a token that begins before `stop` is handed over whole, even when it ends after it; nothing is read at or
// past `limit`. A line end counts when its byte stands before `stop`.
class Tokenizer {
 public:
  Tokenizer(const char* begin, const char* stop, const char* limit) : at_(begin), stop_(stop), limit_(limit) {}

  // The next piece. For kToken and kMalformed (a NUL inside, or too long) token() is set; a malformed token has no hash.
  Lexeme next() {
    while (at_ < stop_ && is_space(*at_)) {
      if (*at_++ == '\n') return Lexeme::kLineEnd;
    }
    if (at_ >= stop_) return Lexeme::kEnd;
    const char* start = at_;
    uint64_t state = 0, prefix = 0;
    while (static_cast<size_t>(limit_ - at_) >= 8) {
      uint64_t block;
      std::memcpy(&block, at_, 8);
      // Marks bytes below 0x21; the lowest mark is exact. A mark is nearly always the space behind the key.
      const uint64_t marks = (block - 0x2121212121212121ULL) & ~block & 0x8080808080808080ULL;
      if (marks != 0) {
        const int bytes = std::countr_zero(marks) / 8;
        if (!is_space(at_[bytes])) return slow(start);
        const uint64_t kept = bytes == 0 ? 0 : block & (~uint64_t{0} >> (64 - 8 * bytes));
        if (at_ == start) prefix = kept;
        if (bytes > 0) state = hashing::step(state, kept);
        at_ += bytes;
        return finish(start, state, prefix);
      }
      if (at_ == start) prefix = block;
      state = hashing::step(state, block);
      at_ += 8;
    }
    return slow(start);
  }

  const Token& token() const { return token_; }
  const char* position() const { return at_; }

 private:
  Lexeme finish(const char* start, uint64_t state, uint64_t prefix) {
    const size_t length = static_cast<size_t>(at_ - start);
    if (length > kMaxKeyBytes) {
      token_ = Token{start, static_cast<uint32_t>(length > UINT32_MAX ? UINT32_MAX : length), 0, 0};
      return Lexeme::kMalformed;
    }
    token_ = Token{start, static_cast<uint32_t>(length), hashing::finish(state, length), prefix};
    return Lexeme::kToken;
  }

  // Near the end of the memory, or with a control character inside.
  Lexeme slow(const char* start) {
    const char* end = start;
    bool nul = false;
    while (end < limit_ && !is_space(*end)) nul |= *end++ == '\0';
    at_ = end;
    const size_t length = static_cast<size_t>(end - start);
    if (nul || length > kMaxKeyBytes) {
      token_ = Token{start, static_cast<uint32_t>(length > UINT32_MAX ? UINT32_MAX : length), 0, 0};
      return Lexeme::kMalformed;
    }
    token_ = make_token(start, length);
    return Lexeme::kToken;
  }

  const char* at_;
  const char* stop_;
  const char* limit_;
  Token token_{};
};

}  // namespace anyvec::corpus
