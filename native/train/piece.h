#pragma once
// One piece of the corpus as a worker sees it: the entries that subsampling keeps, where their sequences begin and end, and what each
// centre draws (docs/training-law.md). Knows ids and random streams, and nothing of vectors.

#include <cstdint>
#include <vector>

#include "base/random.h"
#include "base/result.h"
#include "corpus/id_store.h"
#include "sampling/alias.h"
#include "train/parameters.h"

namespace anyvec::train {

constexpr uint32_t kPieceEntries = 4096;

// What all workers share and none changes.
struct Plan {
  Parameters parameters;
  const corpus::IdStore* ids = nullptr;
  uint64_t entries = 0;       // of one epoch
  uint64_t pieces = 0;        // of one epoch
  uint64_t tokens = 0;        // of one epoch
  std::vector<uint32_t> keep; // subsampling thresholds
  sampling::AliasTable negatives;

  Plan(const Parameters& parameters, const corpus::IdStore& ids, const std::vector<uint64_t>& counts);

  // The learning rate at a position of the whole run.
  double rate(uint64_t epoch, uint64_t entry) const {
    const double done = static_cast<double>(epoch * entries + entry) / static_cast<double>(parameters.epochs * entries);
    return parameters.learning_rate * (1.0 - done > 1e-4 ? 1.0 - done : 1e-4);
  }
};

class Piece {
 public:
  explicit Piece(const Plan& plan);

  // Reads piece `number` of `epoch`.
  Status read(uint64_t epoch, uint64_t number);

  uint32_t size() const { return size_; }      // entries kept, end marks included
  uint64_t tokens() const { return tokens_; }  // before subsampling
  uint64_t kept_tokens() const { return kept_tokens_; }

  uint32_t id(uint32_t entry) const { return ids_[entry]; }
  bool is_mark(uint32_t entry) const { return ids_[entry] == corpus::kEndMark; }

  // The contexts of the centre at `entry` are the entries first .. past - 1 without itself.
  struct Span {
    uint32_t first;
    uint32_t past;
  };
  Span span(uint32_t entry) const {
    const uint32_t width = 1 + random::bounded(random::draw(width_key_, entry), plan_.parameters.window);
    const uint32_t start = starts_[entry], stop = stops_[entry];
    return {entry - start > width ? entry - width : start, stop - entry > width ? entry + width + 1 : stop};
  }

  float rate(uint32_t entry) const { return static_cast<float>(plan_.rate(epoch_, first_entry_ + places_[entry])); }

  // Negative `j` of the centre at `entry` comes from two draws; the first names a column of the alias table.
  struct Pick {
    uint32_t column;
    uint32_t coin;
  };
  Pick pick(uint32_t entry, uint32_t j) const {
    const uint32_t n = 2 * (entry * plan_.parameters.negative + j);
    return {plan_.negatives.column(random::draw(negative_key_, n)), random::draw(negative_key_, n + 1)};
  }

 private:
  const Plan& plan_;
  uint64_t epoch_ = 0;
  uint64_t first_entry_ = 0;
  uint32_t size_ = 0;
  uint64_t tokens_ = 0;
  uint64_t kept_tokens_ = 0;
  random::Key width_key_;
  random::Key negative_key_;
  std::vector<uint32_t> ids_;
  std::vector<uint16_t> places_;  // where each kept entry stood in the piece
  std::vector<uint16_t> starts_;  // first entry of its sequence
  std::vector<uint16_t> stops_;   // the end mark behind its sequence, or size()
};

}  // namespace anyvec::train
