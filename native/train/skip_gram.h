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
#include "train/replica.h"

namespace anyvec::train {

struct PieceTotals {
  double losses[kernels::kBlockLanes] = {};  // as the kernel leaves them
  double loss = 0;                           // their sum
  uint64_t pairs = 0;
  uint64_t tokens = 0;
  uint64_t trained_tokens = 0;
};

// One worker's side of a run. Not shared between threads; the rows are (kernels/racy.h).
class SkipGram {
 public:
  // One of `workers`.
  static Result<std::unique_ptr<SkipGram>> create(const Plan& plan, const kernels::KernelTable& kernel, const model::Rows& vectors,
                                                  const model::Rows& contexts, int workers);

  Result<PieceTotals> train(uint64_t epoch, uint64_t piece, const Cancel& cancel);
  // After the last piece: brings the shared rows up to date.
  void close();

 private:
  SkipGram(const Plan& plan, const kernels::KernelTable& kernel, Replica vectors, Replica contexts);
  Status allocate_scratch();

  // A step trains the centres of one or two neighbouring entries. It goes through stages, so that none waits for memory: `approach` asks
  // for the rows that come with an entry, far ahead; `choose` decides what a step's centres and outputs are; `fetch` brings rows next to
  // the processor just before `train_step` needs them.
  struct Step {
    Piece::Span span{0, 0};
    uint32_t width = 0;
    uint32_t centres = 0;       // 0: the entry begins no step
    uint32_t output_count = 0;  // the centres and their distinct negatives
  };
  void expect(const Replica& rows, uint32_t id);
  void approach(uint32_t entry);
  void choose(uint32_t from, uint32_t to);
  void choose_step(uint32_t entry, uint32_t centres, const uint32_t* picks);
  void fetch(uint32_t entry);
  void train_step(uint32_t entry, PieceTotals& totals);
  uint32_t gather(const Step& step, uint32_t entry, PieceTotals& totals);
  uint32_t merge_repeated(uint32_t inputs);

  const Plan& plan_;
  const kernels::KernelTable& kernel_;
  Replica vectors_;
  Replica contexts_;
  const uint32_t negative_;
  Piece piece_;

  static constexpr uint32_t kApproachAhead = 48;
  static constexpr uint32_t kFetchAhead = 2;
  static constexpr uint32_t kBatch = 16;  // entries whose steps are chosen together
  static constexpr uint32_t kRing = 2 * kBatch;
  Step steps_[kRing];
  std::vector<uint32_t> picks_;    // [kBatch, negative], rounded up for the kernel
  std::vector<uint32_t> outputs_;  // [kRing, 2 + negative] ids
  Distinct distinct_;

  std::vector<uint32_t> input_ids_;
  std::vector<float*> input_rows_;
  std::vector<float*> output_rows_;
  Memory filler_;                  // the row of zeros that makes the number of contexts even
  Memory weights_;
  Memory gradients_;
  Memory sums_;
};

}  // namespace anyvec::train
