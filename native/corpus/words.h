#pragma once
// Raw text into words: the word boundaries of Unicode Standard Annex #29, lower case, and everything else left out.
// docs/sources.md says it in full; lib/engine/portable/words.ts does the same.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace anyvec::corpus {

// How text is cut into keys: at white space alone, or by these rules.
enum class Tokenize { kSpaces, kWords, kSegmented };

struct WordRules {
  bool lowercase = true;
  // Characters of scripts without spaces (Han, kana) are letters, because someone has put spaces between their words; else
  // each Han character and hiragana is a word.
  bool segmented = false;
};

// Words that are left out because they are not sound, and the first of them.
struct WordFaults {
  uint64_t count = 0;
  uint64_t offset = UINT64_MAX;  // of the first one's first byte
  Code code = Code::kEncoding;
  std::string what;
};

// A text is cut in as many calls as one likes; a word that is too long for a call's text is carried over as its state.
class WordCutter {
 public:
  explicit WordCutter(WordRules rules);

  // Appends the words of `text` to `out`, a space behind each, and an LF for every line end. Where `last` is false a word that
  // may go on behind the text is left for the next call. Returns how much of the text is done with.
  size_t cut(std::string_view text, bool last, std::vector<char>& out, WordFaults& faults);

 private:
  WordRules rules_;
  // A word that is too long goes on: what stands before the next byte. 0 outside of such a word.
  uint8_t inside_ = 0;
};

}  // namespace anyvec::corpus
