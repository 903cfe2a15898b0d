#include "corpus/corpus.h"

#include <algorithm>
#include <cstring>
#include <mutex>
#include <numeric>

#include "corpus/tokenizer.h"
#include "corpus/utf8.h"

namespace anyvec::corpus {

namespace {

constexpr char kByteOrderMark[] = "\xef\xbb\xbf";

constexpr size_t kMarkBytes = sizeof kByteOrderMark - 1;

size_t byte_order_mark(const char* text, size_t size) { return size >= kMarkBytes && std::memcmp(text, kByteOrderMark, kMarkBytes) == 0 ? kMarkBytes : 0; }

// What rewriting leaves out.
constexpr uint32_t kDropped = UINT32_MAX - 1;

// A type on its way to its id.
struct Ranked {
  uint64_t count;
  uint64_t first_bytes;
  uint32_t type;
};

// In an order that is the keys': the first byte weighs most.
uint64_t first_bytes(std::string_view key) {
  uint64_t bytes = 0;
  for (size_t i = 0; i < 8; ++i) bytes = bytes << 8 | (i < key.size() ? static_cast<unsigned char>(key[i]) : 0U);
  return bytes;
}

}  // namespace

Corpus::Corpus(CorpusOptions options)
    : options_(std::move(options)),
      ids_(options_.memory_limit, options_.spill_folder),
      readers_(static_cast<size_t>(options_.threads)),
      cutter_({options_.lowercase, options_.tokenize == Tokenize::kSegmented}) {}

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

Status Corpus::read_text(const Text& text, uint64_t base, const std::string& source, const Cancel& cancel, std::atomic<uint64_t>* progress) {
  const size_t count = static_cast<size_t>((text.size + kStretchBytes - 1) / kStretchBytes);
  const size_t first = parts_.size();
  parts_.resize(first + count);
  // Whatever happens on the way, memory running out included, half a text is none.
  state_ = State::kFailed;
  std::vector<Stretch> stretches(count);
  std::atomic<size_t> next{0};
  std::atomic<bool> failed{false};
  std::mutex mutex;
  Fault fault;
  Status failure = success();

  run_on_threads(static_cast<int>(std::min(readers_.size(), count)), [&](int worker) {
    auto& reader = readers_[static_cast<size_t>(worker)];
    if (!reader) reader = std::make_unique<Reader>(*options_.kernel, options_.skip_malformed);
    for (;;) {
      const size_t index = next.fetch_add(1);
      if (index >= count || cancel.requested() || failed.load()) return;
      Fault found;
      auto status = reader->read(text, index, stretches[index], found);
      const bool malformed = found.offset != UINT64_MAX && !options_.skip_malformed;
      if (status.ok() && !malformed) {
        Part& part = parts_[first + index];
        part.worker = worker;
        status = ids_.keep(part.segment, reader->entries(), reader->size());
      }
      if (malformed || !status.ok()) {
        std::lock_guard<std::mutex> lock(mutex);
        // Stretches before this one may hold an earlier fault, and are already taken: they finish, later ones need not begin.
        if (malformed && found.offset < fault.offset) fault = found;
        if (!status.ok()) failure = status;
        failed.store(true);
        return;
      }
      if (progress != nullptr) progress->fetch_add(std::min<uint64_t>(kStretchBytes, text.size - index * kStretchBytes));
    }
  });
  if (cancel.requested()) return aborted();
  if (fault.offset != UINT64_MAX) return fault_error(fault, source, base);
  if (!failure.ok()) return failure;
  state_ = State::kReading;
  for (size_t i = 0; i < count; ++i) {
    const Stretch& stretch = stretches[i];
    if (stretch.leading_mark) {
      parts_[first + i].mark_before = open_;
      summary_.sequences += open_ ? 1 : 0;
      open_ = false;
    }
    if (stretch.tokens > 0) open_ = stretch.open_end;
    summary_.tokens += stretch.tokens;
    summary_.malformed_tokens += stretch.malformed;
    summary_.sequences += stretch.marks;
  }
  summary_.bytes += text.size;
  return success();
}

void Corpus::end_source() {
  if (open_ && !parts_.empty()) {
    parts_.back().mark_after = true;
    ++summary_.sequences;
  }
  open_ = false;
}

Status Corpus::add_file(const std::string& path, const Cancel& cancel, ReadProgress& progress) {
  if (auto status = check_reading(); !status.ok()) return status;
  if (in_stream_) return Error{Code::kUsage, "a stream is being read; end it before a file is added", {}};
  if (raw()) return add_raw_file(path, cancel, progress);
  auto opened = InputFile::open(path);
  if (!opened.ok()) return opened.error();
  const auto& file = opened.value();
  progress.total.store(file->size());
  char start[kMarkBytes];
  const auto size = static_cast<size_t>(std::min<uint64_t>(sizeof start, file->size()));
  if (auto status = file->read(0, start, size); !status.ok()) return status;
  const size_t skip = byte_order_mark(start, size);
  progress.bytes.fetch_add(skip);
  const Text text{file->size() - skip, [&](uint64_t from, size_t count, char* out) { return file->read(skip + from, out, count); }};
  auto status = read_text(text, skip, path, cancel, &progress.bytes);
  summary_.bytes += skip;
  if (status.ok()) end_source();
  return status;
}

Status Corpus::read_carry_and(std::string_view block, bool last, const Cancel& cancel) {
  // The two as one text, without joining them: readers copy what they read.
  auto copy = [this, block](uint64_t from, size_t count, char* out) -> Status {
    if (from < carry_.size()) {
      const size_t head = carry_.copy(out, count, from);
      out += head;
      from += head;
      count -= head;
    }
    if (count > 0) std::memcpy(out, block.data() + (from - carry_.size()), count);
    return success();
  };
  // Everything up to the last white space is whole words. Only the first bytes of a stream wait with white space among them.
  size_t block_rest = 0, carry_rest = 0;
  if (!last) {
    while (block_rest < block.size() && !is_space(block[block.size() - 1 - block_rest])) ++block_rest;
    if (block_rest == block.size()) {
      while (carry_rest < carry_.size() && !is_space(carry_[carry_.size() - 1 - carry_rest])) ++carry_rest;
    }
  }
  const uint64_t whole = carry_.size() - carry_rest + block.size() - block_rest;
  if (whole > 0) {
    auto status = read_text(Text{whole, copy}, stream_offset_, stream_source_, cancel, nullptr);
    if (!status.ok()) return status;
  }
  stream_offset_ += whole;
  carry_.erase(0, carry_.size() - carry_rest);
  carry_.append(block.substr(block.size() - block_rest));
  return success();
}

Status Corpus::add_block(const char* text, size_t size, const std::string& source, const Cancel& cancel) {
  if (auto status = check_reading(); !status.ok()) return status;
  if (raw()) return add_raw_block({text, size}, source, cancel);
  if (!in_stream_) {
    in_stream_ = true;
    stream_source_ = source;
    stream_offset_ = 0;
    carry_.clear();
    starting_ = true;
  }
  std::string_view block(text, size);
  if (starting_) {
    // The first bytes are looked at together, however they come.
    const size_t wanted = std::min(block.size(), kMarkBytes - carry_.size());
    carry_.append(block.substr(0, wanted));
    block.remove_prefix(wanted);
    if (carry_.size() < kMarkBytes) return success();
    skip_byte_order_mark();
  }
  if (auto status = read_carry_and(block, false, cancel); !status.ok()) return status;
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

void Corpus::skip_byte_order_mark() {
  const size_t skip = byte_order_mark(carry_.data(), carry_.size());
  carry_.erase(0, skip);
  stream_offset_ += skip;
  summary_.bytes += skip;
  starting_ = false;
}

Status Corpus::end_stream(const Cancel& cancel) {
  if (auto status = check_reading(); !status.ok()) return status;
  if (!in_stream_) return success();
  if (raw()) return end_raw_stream(cancel);
  in_stream_ = false;
  if (starting_) skip_byte_order_mark();
  auto status = read_carry_and({}, true, cancel);
  carry_ = std::string();
  if (status.ok()) end_source();
  return status;
}

void Corpus::merge() {
  if (state_ != State::kReading) return;
  state_ = State::kMerged;
  types_.claim("\n");
  to_type_.resize(readers_.size());
  for (size_t worker = 0; worker < readers_.size(); ++worker) {
    if (!readers_[worker]) continue;
    KeyTable& table = readers_[worker]->table();
    if (types_.size() == kFirstWord) {
      // The first one is taken over as it is.
      types_ = std::move(table);
      to_type_[worker].resize(types_.size());
      std::iota(to_type_[worker].begin(), to_type_[worker].end(), 0U);
    } else {
      to_type_[worker] = types_.merge(table);
    }
    readers_[worker].reset();
  }
  readers_.clear();
}

Result<KeyBytes> Corpus::types() {
  if (state_ != State::kReading && state_ != State::kMerged) return Error{Code::kUsage, "the vocabulary is settled already", {}};
  if (in_stream_) return Error{Code::kUsage, "a stream is being read; end it first", {}};
  merge();
  KeyBytes out;
  for (uint32_t type = kFirstWord; type < types_.size(); ++type) out.add(types_.key(type));
  return out;
}

Status Corpus::rename(const KeyBytes& keys) {
  if (state_ != State::kMerged || keys.size() + kFirstWord != types_.size()) {
    return Error{Code::kUsage, "rename() takes one new key for each of types(), between types() and finish()", {}};
  }
  std::vector<uint64_t> counts(types_.size());
  types_.each([&](const KeyTable::Slot& slot) { counts[slot.number] = slot.count; });
  KeyTable renamed;
  renamed.claim("\n");
  std::vector<uint32_t> to_renamed(types_.size(), kLineEnd);
  for (uint32_t type = kFirstWord; type < types_.size(); ++type) {
    const std::string_view key = keys.at(type - kFirstWord);
    if (key.empty() || key.size() > kMaxKeyBytes || std::memchr(key.data(), 0, key.size()) != nullptr || !valid_utf8(key.data(), key.size())) {
      return Error{Code::kUsage, "rename() got a key that is empty, too long or not valid UTF-8", {}};
    }
    KeyTable::Slot* slot = renamed.claim(key);
    slot->count += counts[type];
    to_renamed[type] = slot->number;
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
  state_ = State::kFailed;  // until all is done
  if (summary_.tokens == 0) {
    return Error{Code::kEmptyCorpus,
                 "the corpus holds no word" + (summary_.malformed_tokens > 0 ? " but " + std::to_string(summary_.malformed_tokens) + " malformed ones" : std::string()),
                 {{"bytes", static_cast<double>(summary_.bytes)}, {"malformedTokens", static_cast<double>(summary_.malformed_tokens)}}};
  }
  const uint32_t types = types_.size() - kFirstWord;
  std::vector<Ranked> order;
  uint64_t most_frequent = 0;
  types_.each([&](const KeyTable::Slot& slot) {
    if (slot.number == kLineEnd) return;
    most_frequent = std::max(most_frequent, slot.count);
    if (slot.count >= min_count) order.push_back({slot.count, first_bytes(types_.key(slot.number)), slot.number});
  });
  if (order.size() < 2 || max_vocabulary == 1) {
    const std::string found = "of " + std::to_string(types) + " distinct words " + std::to_string(order.size()) + " occur at least " +
                              std::to_string(min_count) + " times (the most frequent one " + std::to_string(most_frequent) + " times)";
    return Error{Code::kVocabulary,
                 "training needs two words or more, and " + (max_vocabulary == 1 ? "maxVocabulary (--max-vocabulary) keeps 1" : found) +
                     "; lower minCount (--min-count) or bring more text",
                 {{"minCount", static_cast<double>(min_count)}, {"types", static_cast<double>(types)}, {"mostFrequent", static_cast<double>(most_frequent)}}};
  }
  // Most frequent first, ties by bytes: ids depend on the text alone.
  std::sort(order.begin(), order.end(), [&](const Ranked& a, const Ranked& b) {
    if (a.count != b.count) return a.count > b.count;
    if (a.first_bytes != b.first_bytes) return a.first_bytes < b.first_bytes;
    return types_.key(a.type) < types_.key(b.type);
  });
  if (max_vocabulary > 0 && order.size() > max_vocabulary) order.resize(max_vocabulary);

  std::vector<uint32_t> to_id(types_.size(), kDropped);
  to_id[kLineEnd] = kEndMark;
  for (uint32_t id = 0; id < order.size(); ++id) {
    to_id[order[id].type] = id;
    keys_.add(types_.key(order[id].type));
    counts_.push_back(order[id].count);
    summary_.kept_tokens += order[id].count;
  }
  summary_.types = types;
  summary_.vocabulary = order.size();
  for (auto& map : to_type_) {
    for (uint32_t& type : map) type = to_id[type];
  }
  types_ = KeyTable();
  if (auto status = rewrite_ids(cancel); !status.ok()) return status.error();
  std::vector<Segment> segments;
  segments.reserve(parts_.size());
  for (const Part& part : parts_) segments.push_back(part.segment);
  ids_.seal(std::move(segments));
  parts_ = {};
  to_type_ = {};
  summary_.spilled_bytes = ids_.spilled_bytes();
  state_ = State::kFinished;
  return summary_;
}

Status Corpus::rewrite_ids(const Cancel& cancel) {
  std::atomic<size_t> next{0};
  std::mutex mutex;
  Status failure = success();
  run_on_threads(options_.threads, [&](int) {
    std::vector<uint32_t> scratch;
    for (;;) {
      const size_t index = next.fetch_add(1);
      if (index >= parts_.size() || cancel.requested()) return;
      Part& part = parts_[index];
      const uint32_t* to_id = to_type_[static_cast<size_t>(part.worker)].data();
      auto status = ids_.rewrite(part.segment, scratch, [&](const uint32_t* from, uint64_t count, uint32_t* to) {
        uint64_t kept = 0;
        if (part.mark_before) to[kept++] = kEndMark;
        for (uint64_t i = 0; i < count; ++i) {
          const uint32_t id = to_id[from[i]];
          to[kept] = id;
          kept += static_cast<uint64_t>(id != kDropped);
        }
        if (part.mark_after) to[kept++] = kEndMark;
        return kept;
      });
      if (!status.ok()) {
        std::lock_guard<std::mutex> lock(mutex);
        failure = status;
        return;
      }
    }
  });
  if (cancel.requested()) return aborted();
  return failure;
}

}  // namespace anyvec::corpus
