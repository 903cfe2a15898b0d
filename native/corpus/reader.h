#pragma once
// Cuts a stretch of text into keys and writes them down as numbers: what one worker does while a corpus is read.

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "corpus/key_table.h"
#include "kernels/kernel_table.h"

namespace anyvec::corpus {

// While text is read the end of a line is a key like the others, and the first one of every table.
inline constexpr uint32_t kLineEnd = 0;
inline constexpr uint32_t kFirstWord = 1;

// Text a worker takes at a time. Small enough to stay in its core's cache beside the table's busy slots and that no worker idles for
// long at the end, large enough that a stretch is worth its header.
inline constexpr size_t kStretchBytes = size_t{1} << 18;

// A text of known size, wherever it lies.
struct Text {
  uint64_t size;
  // Copies bytes from .. from + count. Safe from many threads.
  std::function<Status(uint64_t from, size_t count, char* out)> copy;
};

// What a stretch holds besides its entries. Line ends at its borders are settled later, when the stretches stand in order.
struct Stretch {
  uint64_t tokens = 0;
  uint64_t malformed = 0;
  uint64_t marks = 0;
  bool leading_mark = false;  // a line end stands before its first token
  bool open_end = false;      // its last token's line has not ended
};

// The first malformed word, by its place in the text.
struct Fault {
  uint64_t offset = UINT64_MAX;
  Code code = Code::kEncoding;
  std::string what;
};

class Reader {
 public:
  Reader(const kernels::KernelTable& kernel, bool skip_malformed);

  // Reads stretch `index`: the words that begin in it and the line ends that stand in it. Where malformed words are errors it ends at
  // the first one.
  Status read(const Text& text, uint64_t index, Stretch& stretch, Fault& fault);

  // Of the last stretch, as numbers of the table.
  const uint32_t* entries() const { return entries_.get() + leading_; }
  size_t size() const { return size_ - leading_; }

  KeyTable& table() { return table_; }

 private:
  // Text whose words are found at a time, before they are looked up.
  static constexpr size_t kSplitBytes = size_t{1} << 12;
  // Words in a row whose slots are asked for before the first one is looked at.
  static constexpr size_t kGroup = 64;
  struct Word {
    Signature signature;
    uint64_t hash;
  };

  void end_last_word(size_t end);
  bool enter_words(Stretch& stretch, Fault& fault);
  template <bool kCareful>
  bool enter_group(const Word* words, size_t first, size_t count, Stretch& stretch, Fault& fault);
  bool malformed(size_t start, size_t length, Stretch& stretch, Fault& fault);

  const kernels::KernelTable& kernel_;
  const bool skip_malformed_;
  KeyTable table_;

  // The stretch that is being read.
  uint64_t offset_ = 0;  // of its first byte in the text
  const char* text_;     // its first byte, with the byte before and padding behind
  bool nul_ = false;     // a NUL stands in it
  bool open_ = true;     // the last entry is no end mark, or there is none
  size_t size_ = 0;
  size_t leading_ = 0;   // entries before its first token
  std::unique_ptr<char[]> held_;
  std::unique_ptr<uint32_t[]> entries_;
  // Where words and line ends begin and end; the last one of `started_` may have no end yet.
  std::unique_ptr<uint32_t[]> starts_, ends_;
  size_t started_ = 0;
  size_t ended_ = 0;
};

}  // namespace anyvec::corpus
