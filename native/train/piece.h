#pragma once
// One piece of the corpus as a worker sees it: the entries that subsampling keeps, where their sequences begin and end, and what each
// centre draws (docs/training-law.md). Knows ids and random streams, and nothing of vectors.

#include <algorithm>
#include <cstdint>
#include <vector>

#include "base/random.h"
#include "base/result.h"
#include "corpus/id_store.h"
#include "kernels/kernel_table.h"
#include "sampling/alias.h"
#include "train/distinct.h"
#include "train/parameters.h"

namespace anyvec::train {

constexpr uint32_t kPieceEntries = 4096;

// Draws from the noise distribution that a piece has at hand: docs/training-law.md, "Negatives".
struct Pool {
  static constexpr uint32_t kHead = 64;  // steps' worth of draws before the first step
  uint32_t density;  // draws that come with each two entries
  uint32_t reach;    // entries, by twos, whose draws a step may take

  explicit Pool(const Parameters& p)
      : density((p.negative + 4) / 5), reach(std::clamp<uint32_t>((uint32_t{1} << 16) / p.dimensions, kHead, kPieceEntries / 2)) {}

  // Draws that have come when the step at `entry` picks.
  uint32_t size(uint32_t entry) const { return (entry / 2 + kHead) * density; }
  // The draw that a random number picks.
  uint32_t pick(uint32_t entry, uint32_t drawn) const {
    return size(entry) - 1 - random::bounded(drawn, std::min(entry / 2 + kHead, reach) * density);
  }
};

// What all workers share and none changes.
struct Plan {
  Parameters parameters;
  const corpus::IdStore* ids = nullptr;
  uint64_t entries = 0;       // of one epoch
  uint64_t pieces = 0;        // of one epoch
  uint64_t tokens = 0;        // of one epoch
  std::vector<uint32_t> keep; // subsampling thresholds
  sampling::AliasTable negatives;
  Pool pool;

  Plan(const Parameters& parameters, const corpus::IdStore& ids, const std::vector<uint64_t>& counts);

  // The learning rate at a position of the whole run.
  double rate(uint64_t epoch, uint64_t entry) const {
    const double done = static_cast<double>(epoch * entries + entry) / static_cast<double>(parameters.epochs * entries);
    return parameters.learning_rate * (1.0 - done > 1e-4 ? 1.0 - done : 1e-4);
  }
};

class Piece {
 public:
  Piece(const Plan& plan, const kernels::KernelTable& kernel);

  // Reads piece `number` of `epoch`.
  Status read(uint64_t epoch, uint64_t number);

  uint32_t size() const { return size_; }      // entries kept, end marks included
  uint64_t tokens() const { return tokens_; }  // before subsampling
  uint64_t kept_tokens() const { return kept_tokens_; }

  uint32_t id(uint32_t entry) const { return ids_[entry]; }
  bool is_mark(uint32_t entry) const { return ids_[entry] == corpus::kEndMark; }
  // Whether the id of `entry` stands between `first` and `entry` too.
  bool repeats(uint32_t entry, uint32_t first) const { return before_[entry] > first; }

  // How far the window of the step at `entry` reaches.
  uint32_t width(uint32_t entry) const { return 1 + random::bounded(widths_[entry], plan_.parameters.window); }
  // The entries first .. past - 1 within `width` of the centres at `entry` .. entry + centres - 1: the centres and their contexts.
  struct Span {
    uint32_t first;
    uint32_t past;
  };
  Span span(uint32_t entry, uint32_t centres, uint32_t width) const {
    const uint32_t start = starts_[entry], stop = stops_[entry], last = entry + centres - 1;
    return {entry - start > width ? entry - width : start, stop - last > width ? last + width + 1 : stop};
  }

  float rate(uint32_t entry) const { return static_cast<float>(plan_.rate(epoch_, first_entry_ + places_[entry])); }

  // The numbers that pick the negatives of the centres at from .. to - 1, `negative` each. `out` as in kernels::Draws.
  void draw_negatives(uint32_t from, uint32_t to, uint32_t* out) const {
    const uint32_t negative = plan_.parameters.negative;
    kernel_.draw({negative_key_.a, negative_key_.b, from * negative, (to - from) * negative, out});
  }
  uint32_t pool_size() const { return plan_.pool.size(size_); }
  uint32_t pooled(uint32_t place) const { return pool_[place]; }

 private:
  void fill_pool(random::Key key);

  const Plan& plan_;
  const kernels::KernelTable& kernel_;
  uint64_t epoch_ = 0;
  uint64_t first_entry_ = 0;
  uint32_t size_ = 0;
  uint64_t tokens_ = 0;
  uint64_t kept_tokens_ = 0;
  random::Key negative_key_;
  std::vector<uint32_t> ids_;
  std::vector<uint32_t> draws_;   // scratch
  std::vector<uint32_t> widths_;  // a draw an entry
  std::vector<uint32_t> pool_;    // ids
  std::vector<uint16_t> places_;  // where each kept entry stood in the piece
  std::vector<uint16_t> starts_;  // first entry of its sequence
  std::vector<uint16_t> stops_;   // the end mark behind its sequence, or size()
  std::vector<uint16_t> before_;  // 1 + the entry before it with the same id, 0 for the first
  Distinct seen_;
};

}  // namespace anyvec::train
