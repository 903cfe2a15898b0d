#include "corpus/corpus.h"

#include <algorithm>
#include <cstring>
#include <mutex>
#include <numeric>

#include "corpus/tokenizer.h"
#include "corpus/utf8.h"

namespace anyvec::corpus {

namespace {

// Text a worker takes at a time. Small enough that no worker idles for long at the end, large enough that a segment is worth its header.
constexpr size_t kStretchBytes = size_t{1} << 20;
constexpr char kByteOrderMark[] = "\xef\xbb\xbf";

size_t byte_order_mark(const char* text, size_t size) { return size >= 3 && std::memcmp(text, kByteOrderMark, 3) == 0 ? 3 : 0; }

}  // namespace

Corpus::Corpus(CorpusOptions options)
    : options_(std::move(options)), ids_(options_.memory_limit, options_.spill_folder), tables_(static_cast<size_t>(options_.threads)) {}

Status Corpus::check_reading() const {
  if (state_ == State::kReading) return success();
  return Error{Code::kUsage, "no text can be added to a corpus whose vocabulary is settled", {}};
}

Error Corpus::fault_error(const Fault& fault, const std::string& source, uint64_t base) const {
  const auto offset = static_cast<double>(base + fault.offset);
  return Error{fault.code,
               source + ": " + fault.what + " at byte " + std::to_string(base + fault.offset) +
                   "; mend the text, or pass such words over with malformed: 'skip' (--malformed skip)",
               {{"source", source}, {"offset", offset}}};
}

void Corpus::read_stretch(const char* text, size_t from, size_t to, size_t size, int worker, Stretch& stretch,
                          std::vector<uint32_t>& entries, Fault& fault) {
  KeyTable& table = tables_[static_cast<size_t>(worker)];
  stretch.worker = worker;
  entries.clear();
  Tokenizer tokenizer(text + from, text + to, text + size);
  bool open = false;
  for (;;) {
    switch (tokenizer.next()) {
      case Lexeme::kToken: {
        const Token& token = tokenizer.token();
        uint32_t number = table.find(token);
        if (number == KeyTable::kNone) {
          // Only a key's first occurrence is checked; one that fails never enters the table.
          if (!valid_utf8(token.text, token.length)) {
            const auto offset = static_cast<uint64_t>(token.text - text);
            if (offset < fault.offset) fault = Fault{offset, Code::kEncoding, "a word is not valid UTF-8"};
            ++stretch.malformed;
            if (!options_.skip_malformed) return;
            continue;
          }
          number = table.insert(token);
        }
        table.count(number);
        entries.push_back(number);
        ++stretch.tokens;
        stretch.has_token = true;
        open = true;
        break;
      }
      case Lexeme::kLineEnd:
        if (open) {
          entries.push_back(kEndMark);
          ++stretch.marks;
          open = false;
        } else if (!stretch.has_token) {
          stretch.leading_mark = true;
        }
        break;
      case Lexeme::kMalformed: {
        const Token& token = tokenizer.token();
        const auto offset = static_cast<uint64_t>(token.text - text);
        if (offset < fault.offset) {
          fault = token.length > kMaxKeyBytes
                      ? Fault{offset, Code::kKeyLength, "a word of " + std::to_string(token.length) + " bytes (at most " + std::to_string(kMaxKeyBytes) + ")"}
                      : Fault{offset, Code::kEncoding, "a word holds a NUL byte"};
        }
        ++stretch.malformed;
        if (!options_.skip_malformed) return;
        break;
      }
      case Lexeme::kEnd:
        stretch.open_end = open;
        return;
    }
  }
}

Status Corpus::read_text(const char* text, size_t size, uint64_t base, const std::string& source, const Cancel& cancel,
                         std::atomic<uint64_t>* progress, const std::function<void(size_t, size_t)>& done_with) {
  const size_t count = (size + kStretchBytes - 1) / kStretchBytes;
  const size_t first = stretches_.size();
  stretches_.resize(first + count);
  std::atomic<size_t> next{0};
  std::mutex mutex;
  Fault fault;
  size_t fault_at = SIZE_MAX;
  Status failure = success();
  std::atomic<bool> failed{false};

  const int threads = static_cast<int>(std::min<size_t>(static_cast<size_t>(options_.threads), std::max<size_t>(count, 1)));
  run_on_threads(threads, [&](int worker) {
    std::vector<uint32_t> entries;
    for (;;) {
      const size_t index = next.fetch_add(1);
      if (index >= count || cancel.requested() || failed.load()) return;
      size_t from = index * kStretchBytes;
      const size_t to = std::min(size, from + kStretchBytes);
      // A word that begins in the stretch before belongs to it: begin behind the first white space at or after from - 1.
      if (from > 0) {
        --from;
        while (from < size && !is_space(text[from])) ++from;
        // The line end itself is counted by the stretch that its byte stands in.
        if (from < index * kStretchBytes) ++from;
      }
      Stretch& stretch = stretches_[first + index];
      Fault found;
      if (from < to) {
        read_stretch(text, from, to, size, worker, stretch, entries, found);
      } else {
        entries.clear();
        stretch.worker = worker;
      }
      {
        std::lock_guard<std::mutex> lock(mutex);
        if (found.offset != UINT64_MAX && !options_.skip_malformed) {
          // Stretches before this one may hold an earlier fault, and are already taken: they finish, later ones need not begin.
          if (index < fault_at) {
            fault_at = index;
            fault = found;
          }
          failed.store(true);
          return;
        }
        auto status = ids_.keep(stretch.segment, entries);
        if (!status.ok()) {
          failure = status;
          failed.store(true);
          return;
        }
      }
      if (progress != nullptr) progress->fetch_add(to - index * kStretchBytes);
      if (done_with) done_with(index * kStretchBytes, to);
    }
  });
  if (cancel.requested()) {
    state_ = State::kFailed;
    return aborted();
  }
  if (fault.offset != UINT64_MAX) {
    state_ = State::kFailed;
    return fault_error(fault, source, base);
  }
  if (!failure.ok()) {
    state_ = State::kFailed;
    return failure;
  }
  for (size_t i = first; i < stretches_.size(); ++i) {
    Stretch& stretch = stretches_[i];
    if (stretch.leading_mark) {
      stretch.mark_before = open_;
      open_ = false;
    }
    if (stretch.has_token) open_ = stretch.open_end;
    summary_.tokens += stretch.tokens;
    summary_.malformed_tokens += stretch.malformed;
    summary_.sequences += stretch.marks + (stretch.mark_before ? 1 : 0);
  }
  summary_.bytes += size;
  return success();
}

void Corpus::end_source() {
  if (open_ && !stretches_.empty()) {
    stretches_.back().mark_after = true;
    ++summary_.sequences;
  }
  open_ = false;
}

Status Corpus::add_file(const std::string& path, const Cancel& cancel, ReadProgress& progress) {
  if (auto status = check_reading(); !status.ok()) return status;
  if (in_stream_) return Error{Code::kUsage, "a stream is being read; end it before a file is added", {}};
  auto opened = MappedFile::open(path);
  if (!opened.ok()) return opened.error();
  const auto& file = opened.value();
  progress.total.store(file->size());
  const size_t skip = byte_order_mark(file->data(), file->size());
  auto status = read_text(file->data() + skip, file->size() - skip, skip, path, cancel, &progress.bytes,
                          [&](size_t from, size_t to) { file->forget(skip + from, skip + to); });
  summary_.bytes += skip;
  if (status.ok()) end_source();
  return status;
}

Status Corpus::add_block(const char* text, size_t size, const std::string& source, const Cancel& cancel) {
  if (auto status = check_reading(); !status.ok()) return status;
  if (!in_stream_) {
    in_stream_ = true;
    stream_source_ = source;
    stream_offset_ = 0;
    carry_.clear();
  }
  const bool at_start = stream_offset_ == 0 && carry_.size() < 3;
  carry_.append(text, size);
  if (at_start) {
    if (carry_.size() < 3) return success();
    const size_t skip = byte_order_mark(carry_.data(), carry_.size());
    carry_.erase(0, skip);
    stream_offset_ += skip;
    summary_.bytes += skip;
  }
  // Everything up to the last white space is whole words.
  size_t whole = carry_.size();
  while (whole > 0 && !is_space(carry_[whole - 1])) --whole;
  if (whole > 0) {
    auto status = read_text(carry_.data(), whole, stream_offset_, source, cancel, nullptr, nullptr);
    if (!status.ok()) return status;
    carry_.erase(0, whole);
    stream_offset_ += whole;
  }
  if (carry_.size() > 2 * kMaxKeyBytes) {
    if (!options_.skip_malformed) {
      state_ = State::kFailed;
      return fault_error(Fault{0, Code::kKeyLength, "a word of more than " + std::to_string(kMaxKeyBytes) + " bytes"}, source, stream_offset_);
    }
    // It will be passed over whatever follows; its tail need not be kept.
    const size_t dropped = carry_.size() - (kMaxKeyBytes + 1);
    carry_.resize(kMaxKeyBytes + 1);
    stream_offset_ += dropped;
    summary_.bytes += dropped;
  }
  return success();
}

Status Corpus::end_stream(const Cancel& cancel) {
  if (auto status = check_reading(); !status.ok()) return status;
  if (!in_stream_) return success();
  in_stream_ = false;
  if (stream_offset_ == 0) carry_.erase(0, byte_order_mark(carry_.data(), carry_.size()));
  auto status = read_text(carry_.data(), carry_.size(), stream_offset_, stream_source_, cancel, nullptr, nullptr);
  carry_ = std::string();
  if (status.ok()) end_source();
  return status;
}

void Corpus::merge() {
  if (state_ != State::kReading) return;
  state_ = State::kMerged;
  to_type_.resize(tables_.size());
  types_ = std::move(tables_[0]);
  to_type_[0].resize(types_.size());
  std::iota(to_type_[0].begin(), to_type_[0].end(), 0U);
  for (size_t worker = 1; worker < tables_.size(); ++worker) {
    const KeyTable& table = tables_[worker];
    to_type_[worker].resize(table.size());
    for (uint32_t number = 0; number < table.size(); ++number) {
      const std::string_view key = table.key(number);
      const Token token = make_token(key.data(), key.size());
      uint32_t type = types_.find(token);
      if (type == KeyTable::kNone) type = types_.insert(token);
      types_.count(type, table.counted(number));
      to_type_[worker][number] = type;
    }
    tables_[worker] = KeyTable();
  }
  tables_.clear();
}

Result<KeyBytes> Corpus::types() {
  if (state_ != State::kReading && state_ != State::kMerged) return Error{Code::kUsage, "the vocabulary is settled already", {}};
  if (in_stream_) return Error{Code::kUsage, "a stream is being read; end it first", {}};
  merge();
  KeyBytes out;
  for (uint32_t type = 0; type < types_.size(); ++type) out.add(types_.key(type));
  return out;
}

Status Corpus::rename(const KeyBytes& keys) {
  if (state_ != State::kMerged || keys.size() != types_.size()) {
    return Error{Code::kUsage, "rename() takes one new key for each of types(), between types() and finish()", {}};
  }
  KeyTable renamed;
  std::vector<uint32_t> to_renamed(types_.size());
  for (uint32_t type = 0; type < types_.size(); ++type) {
    const std::string_view key = keys.at(type);
    if (key.empty() || key.size() > kMaxKeyBytes || std::memchr(key.data(), 0, key.size()) != nullptr || !valid_utf8(key.data(), key.size())) {
      return Error{Code::kUsage, "rename() got a key that is empty, too long or not valid UTF-8", {}};
    }
    const Token token = make_token(key.data(), key.size());
    uint32_t number = renamed.find(token);
    if (number == KeyTable::kNone) number = renamed.insert(token);
    renamed.count(number, types_.counted(type));
    to_renamed[type] = number;
  }
  for (auto& map : to_type_) {
    for (uint32_t& type : map) type = to_renamed[type];
  }
  types_ = std::move(renamed);
  return success();
}

Result<Summary> Corpus::finish(uint64_t min_count, uint64_t max_vocabulary, const Cancel& cancel) {
  if (state_ != State::kReading && state_ != State::kMerged) return Error{Code::kUsage, "the vocabulary is settled already", {}};
  if (in_stream_) return Error{Code::kUsage, "a stream is being read; end it first", {}};
  merge();
  if (summary_.tokens == 0) {
    state_ = State::kFailed;
    return Error{Code::kEmptyCorpus,
                 "the corpus holds no word" + (summary_.malformed_tokens > 0 ? " but " + std::to_string(summary_.malformed_tokens) + " malformed ones" : std::string()),
                 {{"bytes", static_cast<double>(summary_.bytes)}, {"malformedTokens", static_cast<double>(summary_.malformed_tokens)}}};
  }
  std::vector<uint32_t> order;
  uint64_t most_frequent = 0;
  for (uint32_t type = 0; type < types_.size(); ++type) {
    most_frequent = std::max(most_frequent, types_.counted(type));
    if (types_.counted(type) >= min_count) order.push_back(type);
  }
  if (order.size() < 2 || max_vocabulary == 1) {
    state_ = State::kFailed;
    const std::string found = "of " + std::to_string(types_.size()) + " distinct words " + std::to_string(order.size()) + " occur at least " +
                              std::to_string(min_count) + " times (the most frequent one " + std::to_string(most_frequent) + " times)";
    return Error{Code::kVocabulary,
                 "training needs two words or more, and " + (max_vocabulary == 1 ? "maxVocabulary (--max-vocabulary) keeps 1" : found) +
                     "; lower minCount (--min-count) or bring more text",
                 {{"minCount", static_cast<double>(min_count)}, {"types", static_cast<double>(types_.size())}, {"mostFrequent", static_cast<double>(most_frequent)}}};
  }
  // Most frequent first, ties by bytes: ids depend on the text alone.
  std::sort(order.begin(), order.end(), [&](uint32_t a, uint32_t b) {
    if (types_.counted(a) != types_.counted(b)) return types_.counted(a) > types_.counted(b);
    return types_.key(a) < types_.key(b);
  });
  if (max_vocabulary > 0 && order.size() > max_vocabulary) order.resize(max_vocabulary);

  constexpr uint32_t kDropped = UINT32_MAX - 1;
  std::vector<uint32_t> to_id(types_.size(), kDropped);
  for (uint32_t id = 0; id < order.size(); ++id) {
    to_id[order[id]] = id;
    keys_.add(types_.key(order[id]));
    counts_.push_back(types_.counted(order[id]));
    summary_.kept_tokens += counts_.back();
  }
  summary_.types = types_.size();
  summary_.vocabulary = order.size();
  for (auto& map : to_type_) {
    for (uint32_t& type : map) type = to_id[type];
  }
  types_ = KeyTable();

  std::atomic<size_t> next{0};
  std::mutex mutex;
  Status failure = success();
  run_on_threads(options_.threads, [&](int) {
    std::vector<uint32_t> entries, kept;
    for (;;) {
      const size_t index = next.fetch_add(1);
      if (index >= stretches_.size() || cancel.requested()) return;
      Stretch& stretch = stretches_[index];
      auto status = ids_.load(stretch.segment, entries);
      if (status.ok()) {
        const auto& map = to_type_[static_cast<size_t>(stretch.worker)];
        kept.resize(entries.size() + 2);
        size_t count = 0;
        if (stretch.mark_before) kept[count++] = kEndMark;
        for (uint32_t entry : entries) {
          const uint32_t id = entry == kEndMark ? kEndMark : map[entry];
          kept[count] = id;
          count += id != kDropped ? 1 : 0;
        }
        if (stretch.mark_after) kept[count++] = kEndMark;
        status = ids_.replace(stretch.segment, std::vector<uint32_t>(kept.begin(), kept.begin() + static_cast<ptrdiff_t>(count)));
      }
      if (!status.ok()) {
        std::lock_guard<std::mutex> lock(mutex);
        failure = status;
        return;
      }
    }
  });
  if (cancel.requested() || !failure.ok()) {
    state_ = State::kFailed;
    return cancel.requested() ? aborted() : failure.error();
  }
  std::vector<Segment> segments;
  segments.reserve(stretches_.size());
  for (Stretch& stretch : stretches_) segments.push_back(std::move(stretch.segment));
  ids_.seal(std::move(segments));
  stretches_ = {};
  to_type_ = {};
  summary_.spilled_bytes = ids_.spilled_bytes();
  state_ = State::kFinished;
  return summary_;
}

}  // namespace anyvec::corpus
