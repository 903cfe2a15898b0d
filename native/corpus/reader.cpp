#include "corpus/reader.h"

#include <algorithm>
#include <cstring>

#include "corpus/tokenizer.h"
#include "corpus/utf8.h"
#include "kernels/prefetch.h"

namespace anyvec::corpus {

namespace {

// A word that begins in a stretch and ends behind it is read to where it is certainly too long.
constexpr size_t kReachBytes = kMaxKeyBytes + 1;
// The last bytes of a text are looked at together with what lies behind it.
constexpr size_t kPaddingBytes = 64;

// Leaves of sixteen bytes the first `length`.
struct Masks {
  Signature of[kShortKeyBytes + 1];
  constexpr Masks() : of() {
    for (size_t length = 0; length <= kShortKeyBytes; ++length) {
      of[length].low = length >= 8 ? ~uint64_t{0} : (uint64_t{1} << (8 * length)) - 1;
      of[length].high = length == 16 ? ~uint64_t{0} : length < 8 ? 0 : (uint64_t{1} << (8 * (length - 8))) - 1;
    }
  }
};
constexpr Masks kMasksByLength;

}  // namespace

Reader::Reader(const kernels::KernelTable& kernel, bool skip_malformed)
    : kernel_(kernel),
      skip_malformed_(skip_malformed),
      held_(std::make_unique_for_overwrite<char[]>(1 + kStretchBytes + kReachBytes + kPaddingBytes)),
      entries_(std::make_unique_for_overwrite<uint32_t[]>(kStretchBytes + 1)),
      starts_(std::make_unique_for_overwrite<uint32_t[]>(1 + kSplitBytes + kernels::kSplitSlack)),
      ends_(std::make_unique_for_overwrite<uint32_t[]>(1 + kSplitBytes + kernels::kSplitSlack)) {
  text_ = held_.get() + 1;
  table_.claim("\n");
}

Status Reader::read(const Text& text, uint64_t index, Stretch& stretch, Fault& fault) {
  offset_ = index * kStretchBytes;
  const auto size = static_cast<size_t>(std::min<uint64_t>(kStretchBytes, text.size - offset_));
  const auto held = static_cast<size_t>(std::min<uint64_t>(size + kReachBytes, text.size - offset_));
  held_[0] = ' ';
  const size_t before = offset_ > 0 ? 1 : 0;
  if (auto status = text.copy(offset_ - before, before + held, &held_[1 - before]); !status.ok()) return status;
  std::memset(&held_[1 + held], ' ', kPaddingBytes);

  nul_ = false;
  open_ = true;
  size_ = leading_ = started_ = ended_ = 0;
  // A word that began in the stretch before belongs to it.
  size_t at = 0;
  if (!is_space(held_[0])) {
    while (at < size && !is_space(text_[at])) ++at;
  }
  for (bool spaced = true, lined = false; at < size; at += kSplitBytes) {
    kernels::Split part{text_ + at, std::min(kSplitBytes, size - at), static_cast<uint32_t>(at), spaced, lined, &starts_[started_], &ends_[ended_], 0, 0};
    nul_ |= kernel_.split(part);
    spaced = part.spaced;
    lined = part.lined;
    started_ += part.started;
    ended_ += part.ended;
    if (!enter_words(stretch, fault)) return success();
  }
  end_last_word(size);
  if (!enter_words(stretch, fault)) return success();

  stretch.tokens = size_ - stretch.marks;
  stretch.open_end = open_ && size_ > 0;
  if (size_ > 0 && entries_[0] == kLineEnd) {
    stretch.leading_mark = true;
    --stretch.marks;
    leading_ = 1;
  }
  return success();
}

void Reader::end_last_word(size_t end) {
  if (ended_ == started_) return;
  size_t at = starts_[ended_];
  if (text_[at] == '\n') {
    ++at;
  } else {
    // What lies behind the stretch was not looked at for NUL.
    nul_ = true;
    at = std::max(at, end);
    while (!is_space(text_[at])) ++at;
  }
  ends_[ended_++] = static_cast<uint32_t>(at);
}

// Enters the words that have ended; false when a malformed one is an error.
bool Reader::enter_words(Stretch& stretch, Fault& fault) {
  Word words[kGroup];
  for (size_t first = 0; first < ended_; first += kGroup) {
    const size_t count = std::min(kGroup, ended_ - first);
    bool careful = nul_;
    for (size_t i = 0; i < count; ++i) {
      const char* start = text_ + starts_[first + i];
      const size_t length = ends_[first + i] - starts_[first + i];
      Signature signature;
      if (length <= kShortKeyBytes) {
        const Signature& mask = kMasksByLength.of[length];
        std::memcpy(&signature, start, sizeof signature);
        signature.low &= mask.low;
        signature.high &= mask.high;
      } else {
        signature = long_signature({start, length});
        careful = true;
      }
      words[i] = {signature, hash_of(signature)};
      kernels::prefetch(table_.home(words[i].hash));
    }
    const bool goes_on = careful ? enter_group<true>(words, first, count, stretch, fault) : enter_group<false>(words, first, count, stretch, fault);
    if (!goes_on) return false;
  }
  if (started_ > ended_) starts_[0] = starts_[ended_];
  started_ -= ended_;
  ended_ = 0;
  return true;
}

template <bool kCareful>
bool Reader::enter_group(const Word* words, size_t first, size_t count, Stretch& stretch, Fault& fault) {
  uint32_t* const out = entries_.get();
  size_t size = size_, marks = 0;
  bool open = open_;
  for (size_t i = 0; i < count; ++i) {
    const auto& [signature, hash] = words[i];
    KeyTable::Slot* slot = nullptr;
    if constexpr (!kCareful) slot = table_.probe(signature, hash);
    if (kCareful || slot->signature.low == 0) [[unlikely]] {
      const size_t start = starts_[first + i], length = ends_[first + i] - start;
      const std::string_view key(text_ + start, length);
      const bool sound = !kCareful || (length <= kMaxKeyBytes && std::memchr(key.data(), 0, length) == nullptr);
      slot = sound && kCareful ? table_.find(key, signature, hash) : nullptr;
      if (slot == nullptr) {
        // Only a key's first occurrence is looked at as UTF-8; one that fails never enters the table.
        if (!sound || !valid_utf8(key.data(), length)) {
          if (malformed(start, length, stretch, fault)) continue;
          return false;
        }
        slot = table_.insert(key, signature, hash);
      }
    }
    ++slot->count;
    const uint32_t number = slot->number;
    const bool mark = number == kLineEnd;
    out[size] = number;
    // A line without words has no mark. At the beginning it is not known yet whether there is one.
    size += static_cast<size_t>(!mark | open);
    marks += static_cast<size_t>(mark & open);
    open = !mark;
  }
  size_ = size;
  stretch.marks += marks;
  open_ = open;
  return true;
}

// Counts a malformed word, and says whether reading goes on.
bool Reader::malformed(size_t start, size_t length, Stretch& stretch, Fault& fault) {
  ++stretch.malformed;
  if (offset_ + start < fault.offset) {
    const char* what = std::memchr(text_ + start, 0, length) != nullptr ? "a word holds a NUL byte" : "a word is not valid UTF-8";
    fault = length > kMaxKeyBytes ? Fault{offset_ + start, Code::kKeyLength, "a word of more than " + std::to_string(kMaxKeyBytes) + " bytes"}
                                  : Fault{offset_ + start, Code::kEncoding, what};
  }
  return skip_malformed_;
}

}  // namespace anyvec::corpus
