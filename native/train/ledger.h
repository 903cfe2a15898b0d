#pragma once
// What the workers have done so far: losses by epoch, tokens, pairs; and the first failure, which stops them all.

#include <atomic>
#include <cmath>
#include <limits>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/threads.h"
#include "train/parameters.h"
#include "train/skip_gram.h"

namespace anyvec::train {

class Ledger {
 public:
  Ledger(const Plan& plan, Progress& progress) : plan_(plan), progress_(progress), epochs_(plan.parameters.epochs) {
    progress_.set({0, 0, plan.tokens * plan.parameters.epochs, plan.parameters.learning_rate, std::numeric_limits<double>::quiet_NaN()});
  }

  // Enters a trained piece. Answers whether to go on.
  bool enter(uint64_t epoch, uint64_t piece, const PieceTotals& totals) {
    std::lock_guard<std::mutex> lock(mutex_);
    Epoch& sums = epochs_[epoch];
    sums.loss += totals.loss;
    sums.pairs += totals.pairs;
    words_ += totals.tokens;
    trained_tokens_ += totals.trained_tokens;
    pairs_ += totals.pairs;
    const double rate = plan_.rate(epoch, piece * kPieceEntries);
    if (!std::isfinite(totals.loss)) stop_locked(diverged(static_cast<double>(epoch), rate));
    const double mean = sums.pairs > 0 ? sums.loss / static_cast<double>(sums.pairs) : std::numeric_limits<double>::quiet_NaN();
    progress_.set({static_cast<uint32_t>(epoch), words_, plan_.tokens * plan_.parameters.epochs, rate, mean});
    return !failure_;
  }

  void stop(Error error) {
    std::lock_guard<std::mutex> lock(mutex_);
    stop_locked(std::move(error));
  }
  bool stopped() const { return stopped_.load(std::memory_order_relaxed); }

  const std::optional<Error>& failure() const { return failure_; }

  void close(Outcome& outcome) const {
    for (const Epoch& epoch : epochs_) outcome.loss.push_back(epoch.pairs > 0 ? epoch.loss / static_cast<double>(epoch.pairs) : 0.0);
    outcome.trained_tokens = trained_tokens_;
    outcome.pairs = pairs_;
  }

  static Error diverged(double epoch, double rate) {
    return Error{Code::kDiverged,
                 "training diverged in epoch " + std::to_string(static_cast<uint64_t>(epoch) + 1) +
                     ": values are no longer finite; use a smaller learningRate (--learning-rate)",
                 {{"epoch", epoch}, {"learningRate", rate}}};
  }

 private:
  void stop_locked(Error error) {
    if (!failure_) failure_ = std::move(error);
    stopped_.store(true, std::memory_order_relaxed);
  }

  struct Epoch {
    double loss = 0;
    uint64_t pairs = 0;
  };
  const Plan& plan_;
  Progress& progress_;
  std::mutex mutex_;
  std::vector<Epoch> epochs_;
  uint64_t words_ = 0;
  uint64_t trained_tokens_ = 0;
  uint64_t pairs_ = 0;
  std::optional<Error> failure_;
  std::atomic<bool> stopped_{false};
};

}  // namespace anyvec::train
