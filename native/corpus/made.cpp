// Sequences that are made rather than read: numbers go into the id store as they are, without a text in between.

#include <atomic>
#include <cstring>
#include <mutex>

#include "corpus/corpus.h"
#include "corpus/tokenizer.h"
#include "corpus/utf8.h"

namespace anyvec::corpus {

namespace {

// Entries of a part, about, as long as sequences are not longer.
constexpr size_t kPartEntries = size_t{1} << 18;

bool sound(std::string_view key) {
  return !key.empty() && key.size() <= kMaxKeyBytes && std::memchr(key.data(), 0, key.size()) == nullptr && valid_utf8(key.data(), key.size());
}

}  // namespace

Status Corpus::add_made(const KeyBytes& keys, uint64_t parts, const std::function<void(uint64_t part, std::vector<uint32_t>& entries)>& make,
                        const Cancel& cancel) {
  if (auto status = check_reading(); !status.ok()) return status;
  if (in_stream_) return Error{Code::kUsage, "a stream is being read; end it before sequences are added", {}};
  // All keys in one worker's table: what is made needs no look-up, so there is nothing to share out.
  if (!readers_[0]) readers_[0] = std::make_unique<Reader>(*options_.kernel, options_.skip_malformed);
  KeyTable& table = readers_[0]->table();
  std::vector<uint32_t> numbers(keys.size());
  for (uint64_t i = 0; i < keys.size(); ++i) numbers[i] = table.claim(keys.at(i))->number;
  const size_t first = parts_.size();
  parts_.resize(first + parts);
  state_ = State::kFailed;  // until all is done
  std::vector<uint64_t> counts(keys.size(), 0);
  std::atomic<uint64_t> next{0};
  std::mutex mutex;
  Status failure = success();
  std::atomic<bool> failed{false};
  run_on_threads(options_.threads, [&](int) {
    std::vector<uint32_t> entries;
    std::vector<uint64_t> own(keys.size(), 0);
    uint64_t tokens = 0, sequences = 0;
    for (;;) {
      const uint64_t part = next.fetch_add(1);
      if (part >= parts || cancel.requested() || failed.load()) break;
      entries.clear();
      make(part, entries);
      for (uint32_t& entry : entries) {
        if (entry == kEndMark) {
          entry = kLineEnd;
          ++sequences;
        } else {
          ++own[entry];
          entry = numbers[entry];
        }
      }
      tokens += entries.size();
      if (auto status = ids_.keep(parts_[first + part].segment, entries.data(), entries.size()); !status.ok()) {
        std::lock_guard<std::mutex> lock(mutex);
        failure = status;
        failed.store(true);
      }
    }
    std::lock_guard<std::mutex> lock(mutex);
    for (uint64_t i = 0; i < own.size(); ++i) counts[i] += own[i];
    summary_.tokens += tokens - sequences;
    summary_.sequences += sequences;
  });
  if (cancel.requested()) return aborted();
  if (!failure.ok()) return failure;
  for (uint64_t i = 0; i < counts.size(); ++i) table.claim(keys.at(i))->count += counts[i];
  state_ = State::kReading;
  return success();
}

Status Corpus::add_numbered(const KeyBytes& keys, const std::vector<uint32_t>& entries, const Cancel& cancel) {
  for (uint64_t i = 0; i < keys.size(); ++i) {
    if (!sound(keys.at(i))) return Error{Code::kUsage, "addNumbered() got a key that is empty, too long or not valid UTF-8", {}};
  }
  for (uint32_t entry : entries) {
    if (entry >= keys.size() && entry != kEndMark) return Error{Code::kUsage, "addNumbered() got a number that is no key's", {}};
  }
  if (!entries.empty() && entries.back() != kEndMark) return Error{Code::kUsage, "addNumbered() got a sequence without an end", {}};
  std::vector<size_t> ends{0};
  for (size_t i = 0; i < entries.size(); ++i) {
    if (entries[i] == kEndMark && (i + 1 - ends.back() >= kPartEntries || i + 1 == entries.size())) ends.push_back(i + 1);
  }
  auto make = [&](uint64_t part, std::vector<uint32_t>& out) {
    for (size_t i = ends[part]; i < ends[part + 1]; ++i) {
      // an empty sequence leaves no mark
      if (entries[i] != kEndMark || (i > 0 && entries[i - 1] != kEndMark)) out.push_back(entries[i]);
    }
  };
  return add_made(keys, ends.size() - 1, make, cancel);
}

}  // namespace anyvec::corpus
