#include "corpus/words.h"

#include <algorithm>
#include <cstring>
#include <memory>

#include "corpus/tokenizer.h"

namespace anyvec::corpus {

namespace {

// What a character is to a word's boundaries: the names are UAX #29's, in short. scripts/word-table.ts has the same numbers.
enum WordClass : uint8_t {
  kOther = 0,
  kBroken = 1,  // a byte that is no UTF-8, or NUL
  kLetter = 2,
  kHebrew = 3,
  kNumeric = 4,
  kKatakana = 5,
  kIdeograph = 6,
  kConnector = 7,  // ExtendNumLet: joins words, is none
  kExtend = 8,
  kMidLetter = 9,
  kMidNumber = 10,
  kMidBoth = 11,
  kApostrophe = 12,
  kQuote = 13,
  kFormat = 14,
};
constexpr uint8_t kClassBits = 15;
constexpr uint8_t kHasLower = 0x80;

struct ClassRange {
  uint32_t from, to;
  uint8_t kind;
};
struct LowerRange {
  uint32_t from, to;
  uint32_t step;
  int32_t distance;
};
#include "corpus/word_ranges.inc"

constexpr uint32_t kCodePoints = 0x110000;
constexpr uint32_t kCapitalSigma = 0x3a3, kFinalSigma = 0x3c2, kCapitalDottedI = 0x130, kDot = 0x307;

// One byte a code point: text stays in a few scripts, so few pages of it are touched.
class WordTable {
 public:
  WordTable() : classes_(new uint8_t[kCodePoints]()) {
    for (const ClassRange& range : kClassRanges) std::memset(&classes_[range.from], range.kind, range.to - range.from + 1);
    classes_[0] = kBroken;
    for (const LowerRange& range : kLowerRanges) {
      for (uint32_t code = range.from; code <= range.to; code += range.step) classes_[code] |= kHasLower;
    }
    classes_[kCapitalDottedI] |= kHasLower;
  }
  uint8_t operator[](uint32_t code) const { return classes_[code]; }

 private:
  std::unique_ptr<uint8_t[]> classes_;
};

const WordTable& table() {
  static const WordTable made;
  return made;
}

uint32_t lower(uint32_t code) {
  const auto* range = std::upper_bound(std::begin(kLowerRanges), std::end(kLowerRanges), code,
                                       [](uint32_t wanted, const LowerRange& each) { return wanted < each.from; });
  return static_cast<uint32_t>(static_cast<int32_t>(code) + (range - 1)->distance);
}

char* encode(uint32_t code, char* out) {
  if (code < 0x80) {
    *out++ = static_cast<char>(code);
  } else if (code < 0x800) {
    *out++ = static_cast<char>(0xc0 | code >> 6);
    *out++ = static_cast<char>(0x80 | (code & 0x3f));
  } else if (code < 0x10000) {
    *out++ = static_cast<char>(0xe0 | code >> 12);
    *out++ = static_cast<char>(0x80 | (code >> 6 & 0x3f));
    *out++ = static_cast<char>(0x80 | (code & 0x3f));
  } else {
    *out++ = static_cast<char>(0xf0 | code >> 18);
    *out++ = static_cast<char>(0x80 | (code >> 12 & 0x3f));
    *out++ = static_cast<char>(0x80 | (code >> 6 & 0x3f));
    *out++ = static_cast<char>(0x80 | (code & 0x3f));
  }
  return out;
}

struct Character {
  uint32_t code;
  uint8_t size;  // 0: cut off by the end of the text
  uint8_t kind;  // with kHasLower
};

// The character at p, strictly decoded (utf8.h has the rules); a byte that begins none is kBroken and one byte long.
Character decode(const char* at, const char* end, const WordTable& kinds) {
  const auto* p = reinterpret_cast<const unsigned char*>(at);
  const uint32_t lead = p[0];
  if (lead < 0x80) return {lead, 1, kinds[lead]};
  constexpr Character broken{0, 1, kBroken};
  uint32_t more, code;
  unsigned char low = 0x80, high = 0xbf;
  if (lead >= 0xc2 && lead <= 0xdf) {
    more = 1;
    code = lead & 0x1f;
  } else if (lead >= 0xe0 && lead <= 0xef) {
    more = 2;
    code = lead & 0x0f;
    if (lead == 0xe0) low = 0xa0;
    if (lead == 0xed) high = 0x9f;
  } else if (lead >= 0xf0 && lead <= 0xf4) {
    more = 3;
    code = lead & 0x07;
    if (lead == 0xf0) low = 0x90;
    if (lead == 0xf4) high = 0x8f;
  } else {
    return broken;
  }
  for (uint32_t i = 1; i <= more; ++i) {
    if (at + i == end) return {0, 0, kBroken};
    if (p[i] < low || p[i] > high) return broken;
    low = 0x80;
    high = 0xbf;
    code = code << 6 | (p[i] & 0x3f);
  }
  return {code, static_cast<uint8_t>(more + 1), kinds[code]};
}

constexpr uint16_t bit(uint8_t kind) { return static_cast<uint16_t>(1U << kind); }
constexpr uint16_t kLetters = bit(kLetter) | bit(kHebrew);
constexpr uint16_t kBegins = kLetters | bit(kNumeric) | bit(kKatakana) | bit(kIdeograph) | bit(kConnector) | bit(kBroken);
// Rules 5, 8-10, 13, 13a and 13b: what may follow a class within a word. A broken byte belongs to the word that it touches.
constexpr uint16_t kJoins[16] = {
    0,
    kBegins,                                                                       // broken
    kLetters | bit(kNumeric) | bit(kConnector) | bit(kBroken),                     // letter
    kLetters | bit(kNumeric) | bit(kConnector) | bit(kBroken),                     // Hebrew letter
    kLetters | bit(kNumeric) | bit(kConnector) | bit(kBroken),                     // numeric
    bit(kKatakana) | bit(kConnector) | bit(kBroken),                               // katakana
    bit(kBroken),                                                                  // ideograph
    kLetters | bit(kNumeric) | bit(kKatakana) | bit(kConnector) | bit(kBroken),    // connector
    0, 0, 0, 0, 0, 0, 0, 0,
};
bool in(uint8_t kind, uint16_t set) { return (set >> kind & 1) != 0; }

// Whether `middle` between `before` and `after` is part of a word (rules 6, 7, 7b, 7c, 11 and 12).
bool bridges(uint8_t before, uint8_t middle, uint8_t after) {
  if (before == kNumeric) return after == kNumeric && in(middle, bit(kMidNumber) | bit(kMidBoth) | bit(kApostrophe));
  if (!in(before, kLetters)) return false;
  if (middle == kQuote) return before == kHebrew && after == kHebrew;
  return in(after, kLetters) && in(middle, bit(kMidLetter) | bit(kMidBoth) | bit(kApostrophe));
}

constexpr uint16_t kMiddles = bit(kMidLetter) | bit(kMidNumber) | bit(kMidBoth) | bit(kApostrophe) | bit(kQuote);

// Plain letters and digits go together whatever stands before them, and need no decoding.
struct PlainTable {
  char lower[2][256] = {};
  constexpr PlainTable() {
    for (int c = '0'; c <= '9'; ++c) lower[0][c] = lower[1][c] = static_cast<char>(c);
    for (int c = 'a'; c <= 'z'; ++c) {
      lower[0][c] = lower[1][c] = static_cast<char>(c);
      lower[0][c - 32] = static_cast<char>(c - 32);
      lower[1][c - 32] = static_cast<char>(c);
    }
  }
};
constexpr PlainTable kPlain;

}  // namespace

WordCutter::WordCutter(WordRules rules) : rules_(rules) {}

size_t WordCutter::cut(std::string_view text, bool last, std::vector<char>& out, WordFaults& faults) {
  const WordTable& kinds = table();
  const char(&plain)[256] = kPlain.lower[rules_.lowercase ? 1 : 0];
  const char* const begin = text.data();
  const char* const end = begin + text.size();
  // A byte makes at most a space and, where lower case is longer (U+0130, U+023A), one and a half bytes.
  const size_t before = out.size();
  out.resize(before + text.size() * 5 / 2 + 8);
  char* to = out.data() + before;
  const char* at = begin;

  auto kind_of = [&](const Character& character) -> uint8_t {
    const uint8_t kind = character.kind & kClassBits;
    return rules_.segmented && (kind == kIdeograph || kind == kKatakana) ? static_cast<uint8_t>(kLetter) : kind;
  };
  auto fault = [&](const char* where, Code code, std::string what) {
    ++faults.count;
    const auto offset = static_cast<uint64_t>(where - begin);
    if (offset < faults.offset) faults = {faults.count, offset, code, std::move(what)};
  };

  for (;;) {
    uint8_t before_kind = inside_;
    if (inside_ == 0) {
      // between words
      if (at == end) break;
      const auto c = static_cast<unsigned char>(*at);
      if (plain[c] == 0) {
        if (c == '\n') *to++ = '\n';
        const Character character = decode(at, end, kinds);
        if (character.size == 0 && !last) break;
        if (!in(kind_of(character), kBegins)) {
          at += character.size;
          continue;
        }
      }
    }

    // a word, or the rest of one that is too long
    const char* const start = at;
    char* const word = to;
    const bool passed_over = inside_ != 0;
    bool sound = true, is_word = false, whole = true;
    char* sigma = nullptr;  // a capital sigma that ends the word so far
    for (;;) {
      const char* const run = at;
      if (before_kind == 0 || in(before_kind, kLetters | bit(kNumeric) | bit(kConnector))) {
        while (at < end && plain[static_cast<unsigned char>(*at)] != 0) *to++ = plain[static_cast<unsigned char>(*at++)];
      }
      if (at > run) {
        before_kind = at[-1] <= '9' ? kNumeric : kLetter;
        is_word = true;
        sigma = nullptr;
      }
      if (at == end) {
        whole = last;
        break;
      }
      Character character = decode(at, end, kinds);
      if (character.size == 0) {
        if (!last) {
          whole = false;
          break;
        }
        character.size = 1;
      }
      const uint8_t kind = kind_of(character);
      if (kind == kFormat) {
        at += character.size;
        continue;
      }
      if (kind == kExtend || before_kind == 0 || in(kind, kJoins[before_kind])) {
        if (kind != kExtend) sigma = nullptr;
        if (rules_.lowercase && (character.kind & kHasLower) != 0) {
          if (character.code == kCapitalDottedI) {
            *to++ = 'i';
            to = encode(kDot, to);
          } else {
            if (character.code == kCapitalSigma && is_word) sigma = to;
            to = encode(lower(character.code), to);
          }
        } else {
          std::memcpy(to, at, character.size);
          to += character.size;
        }
        at += character.size;
        if (kind == kBroken) sound = false;
        if (kind != kExtend) {
          before_kind = kind;
          is_word = is_word || (kind != kConnector && kind != kBroken);
        }
        continue;
      }
      if (!in(kind, kMiddles)) break;
      // rules 6, 7, 11, 12: what stands behind it decides
      const char* behind = at + character.size;
      uint8_t after = kOther;
      for (;;) {
        if (behind == end) {
          whole = last;
          break;
        }
        const Character next = decode(behind, end, kinds);
        if (next.size == 0) {
          whole = last;
          break;
        }
        after = kind_of(next);
        if (after != kExtend && after != kFormat) break;
        behind += next.size;
      }
      if (!whole) break;
      const bool joined = bridges(before_kind, kind, after);
      // rule 7a: a Hebrew letter keeps an apostrophe behind it
      if (!joined && !(before_kind == kHebrew && kind == kApostrophe)) break;
      // what extends the sign is part of the word as well
      do {
        const Character each = decode(at, end, kinds);
        if (kind_of(each) != kFormat) {
          std::memcpy(to, at, each.size);
          to += each.size;
        }
        at += each.size;
      } while (at < behind);
      if (!joined) break;
    }

    const auto length = static_cast<size_t>(to - word);
    if (!whole) {
      to = word;
      if (!passed_over && std::max(static_cast<size_t>(at - start), length) <= kMaxKeyBytes) {
        at = start;
        break;
      }
      // It is too long whatever follows: it need not be kept.
      if (!passed_over) fault(start, Code::kKeyLength, "a word of more than " + std::to_string(kMaxKeyBytes) + " bytes");
      inside_ = before_kind;
      break;
    }
    inside_ = 0;
    if (passed_over || (sound && !is_word)) {
      to = word;
    } else if (std::max(static_cast<size_t>(at - start), length) > kMaxKeyBytes) {
      fault(start, Code::kKeyLength, "a word of more than " + std::to_string(kMaxKeyBytes) + " bytes");
      to = word;
    } else if (!sound) {
      const bool nul = std::memchr(start, 0, static_cast<size_t>(at - start)) != nullptr;
      fault(start, Code::kEncoding, nul ? "a word holds a NUL byte" : "a word is not valid UTF-8");
      to = word;
    } else {
      if (sigma != nullptr) encode(kFinalSigma, sigma);
      *to++ = ' ';
    }
  }
  out.resize(static_cast<size_t>(to - out.data()));
  return static_cast<size_t>(at - begin);
}

}  // namespace anyvec::corpus
