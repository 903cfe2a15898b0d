#pragma once
// From text to ids: counts keys on all threads, keeps the text as ids, builds the vocabulary.

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/threads.h"
#include "corpus/id_store.h"
#include "corpus/key_table.h"
#include "corpus/reader.h"
#include "kernels/kernel_table.h"
#include "corpus/words.h"

namespace anyvec::corpus {

struct CorpusOptions {
  int threads = 1;
  uint64_t memory_limit = 0;  // bytes of ids kept in memory
  std::string spill_folder;
  bool skip_malformed = false;
  const kernels::KernelTable* kernel = kernels::active();
  Tokenize tokenize = Tokenize::kSpaces;
  bool lowercase = false;  // of words that are cut; keys between spaces stay as they are
};

// Keys one after the other, as in the model file.
struct KeyBytes {
  std::vector<char> bytes;
  std::vector<uint64_t> offsets{0};
  uint64_t size() const { return offsets.size() - 1; }
  void add(std::string_view key) {
    bytes.insert(bytes.end(), key.begin(), key.end());
    offsets.push_back(bytes.size());
  }
  std::string_view at(uint64_t i) const {
    return {bytes.data() + offsets[i], static_cast<size_t>(offsets[i + 1] - offsets[i])};
  }
};

struct Summary {
  uint64_t tokens = 0;
  uint64_t kept_tokens = 0;
  uint64_t types = 0;
  uint64_t vocabulary = 0;
  uint64_t sequences = 0;
  uint64_t bytes = 0;
  uint64_t malformed_tokens = 0;
  uint64_t spilled_bytes = 0;
};

struct ReadProgress {
  std::atomic<uint64_t> bytes{0};
  std::atomic<uint64_t> total{0};
};

// Life: add... -> types/rename -> finish -> ids(). Each call is made from one thread at a time.
class Corpus {
 public:
  explicit Corpus(CorpusOptions options);

  Status add_file(const std::string& path, const Cancel& cancel, ReadProgress& progress);
  Status add_block(const char* text, size_t size, const std::string& source, const Cancel& cancel);
  Status end_stream(const Cancel& cancel);
  // Sequences that are made rather than read: `make` fills each of `parts` with numbers of `keys`, an end mark behind every sequence.
  // Parts are made on all threads and stand in their order.
  Status add_made(const KeyBytes& keys, uint64_t parts, const std::function<void(uint64_t part, std::vector<uint32_t>& entries)>& make,
                  const Cancel& cancel);
  // The same from memory; keys and entries may come from anywhere and are checked.
  Status add_numbered(const KeyBytes& keys, const std::vector<uint32_t>& entries, const Cancel& cancel);

  // The distinct keys read, each once. No text can be added after this.
  Result<KeyBytes> types();
  // New spellings for types(), in the same order; keys spelled alike become one.
  Status rename(const KeyBytes& keys);

  Result<Summary> finish(uint64_t min_count, uint64_t max_vocabulary, const Cancel& cancel);

  bool finished() const { return state_ == State::kFinished; }
  const KeyBytes& keys() const { return keys_; }
  const std::vector<uint64_t>& counts() const { return counts_; }
  const IdStore& ids() const { return ids_; }
  const Summary& summary() const { return summary_; }

 private:
  enum class State { kReading, kMerged, kFinished, kFailed };

  // A stretch of text as one worker's numbers. Which worker's is settled by chance, what becomes of its borders by its neighbours.
  struct Part {
    Segment segment;
    int worker = 0;
    bool mark_before = false;
    bool mark_after = false;
  };

  Status read_text(const Text& text, uint64_t base, const std::string& source, const Cancel& cancel, std::atomic<uint64_t>* progress);
  Status read_carry_and(std::string_view block, bool last, const Cancel& cancel);
  void skip_byte_order_mark();
  void end_source();
  void merge();
  Status rewrite_ids(const Cancel& cancel);
  Status check_reading() const;
  Error fault_error(const Fault& fault, const std::string& source, uint64_t base) const;

  // Raw text: cut into words first (raw_text.cpp).
  bool raw() const { return options_.tokenize != Tokenize::kSpaces; }
  Status add_raw_file(const std::string& path, const Cancel& cancel, ReadProgress& progress);
  Status add_raw_block(std::string_view block, const std::string& source, const Cancel& cancel);
  Status end_raw_stream(const Cancel& cancel);
  Result<size_t> read_raw(std::string_view text, bool last, uint64_t base, const std::string& source, const Cancel& cancel);

  CorpusOptions options_;
  State state_ = State::kReading;
  IdStore ids_;
  std::vector<std::unique_ptr<Reader>> readers_;  // one a worker, made when it is needed
  std::vector<Part> parts_;
  bool open_ = false;  // the last token read has not seen its line's end

  // An unfinished stream.
  std::string carry_;
  std::string stream_source_;
  uint64_t stream_offset_ = 0;  // of carry_'s first byte
  bool in_stream_ = false;
  bool starting_ = false;       // a byte-order mark may come
  WordCutter cutter_;

  // After merging: all types, and each worker's numbers in terms of them.
  KeyTable types_;
  std::vector<std::vector<uint32_t>> to_type_;

  KeyBytes keys_;
  std::vector<uint64_t> counts_;
  Summary summary_;
};

}  // namespace anyvec::corpus
