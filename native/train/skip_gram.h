#pragma once
// The objective: skip-gram with negative sampling, one piece of the corpus at a time.

#include <cstdint>
#include <memory>
#include <vector>

#include "base/memory.h"
#include "base/threads.h"
#include "kernels/kernel_table.h"
#include "model/rows.h"
#include "train/distinct.h"
#include "train/piece.h"

namespace anyvec::train {

struct PieceTotals {
  double loss = 0;
  uint64_t pairs = 0;
  uint64_t tokens = 0;
  uint64_t trained_tokens = 0;
};

// One worker's side of a run. Not shared between threads; the rows are (kernels/racy.h).
class SkipGram {
 public:
  static Result<std::unique_ptr<SkipGram>> create(const Plan& plan, const kernels::KernelTable& kernel, const model::Rows& vectors,
                                                  const model::Rows& contexts);

  Result<PieceTotals> train(uint64_t epoch, uint64_t piece, const Cancel& cancel);

 private:
  SkipGram(const Plan& plan, const kernels::KernelTable& kernel, const model::Rows& vectors, const model::Rows& contexts);
  Status allocate_scratch();

  // A centre goes through four stages, each some entries behind the one before, so that no stage waits for memory that an
  // earlier one asked for: draw (alias table's entries) -> resolve (ids of negatives) -> fetch (rows) -> step.
  void draw(uint32_t entry);
  void resolve(uint32_t entry);
  void fetch(uint32_t entry);
  void step(uint32_t entry, PieceTotals& totals);

  const Plan& plan_;
  const kernels::KernelTable& kernel_;
  const model::Rows& vectors_;
  const model::Rows& contexts_;
  const uint32_t negative_;
  Piece piece_;

  // A ring over the entries under way; each has room for its negatives.
  static constexpr uint32_t kRing = 32;
  static constexpr uint32_t kDrawAhead = 24;
  static constexpr uint32_t kResolveAhead = 12;
  static constexpr uint32_t kFetchAhead = 2;
  struct Centre {
    Piece::Span span{0, 0};
    uint32_t output_count = 0;  // the centre and its distinct negatives; 0 for an entry that is no centre
  };
  Centre centres_[kRing];
  std::vector<Piece::Pick> picks_;    // [kRing, negative]
  std::vector<uint32_t> outputs_;     // [kRing, 1 + negative] ids
  Distinct distinct_;

  std::vector<float*> input_rows_;
  std::vector<float*> output_rows_;
  std::vector<float> weights_;
  std::vector<float> labels_;
  std::vector<float> keeps_;        // of a full set of negatives
  std::vector<float> fewer_keeps_;  // of a smaller one
  Memory products_;
  Memory sums_;
};

}  // namespace anyvec::train
