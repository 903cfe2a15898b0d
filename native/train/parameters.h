#pragma once
// What a training run is told, what it tells while it runs, and what it leaves.

#include <cstdint>
#include <limits>
#include <mutex>
#include <vector>

#include "base/memory.h"
#include "base/result.h"

namespace anyvec::train {

struct Parameters {
  uint32_t dimensions = 100;
  uint32_t window = 5;
  uint32_t negative = 5;
  uint32_t epochs = 5;
  double subsample = 1e-3;
  double learning_rate = 0.025;
  double negative_exponent = 0.75;
  double context_weight = 0;
  int threads = 1;
  uint64_t seed = 1;
};

// Friendly messages stand in front, in TypeScript; this keeps the machine safe from whoever calls the addon directly.
inline Status check(const Parameters& p) {
  auto refuse = [](const char* what) { return Error{Code::kOption, what, {}}; };
  if (p.dimensions < 1 || p.dimensions > 4096) return refuse("dimensions must be 1..4096");
  if (p.window < 1 || p.window > 10000) return refuse("window must be 1..10000");
  if (p.negative < 1 || p.negative > 10000) return refuse("negative must be 1..10000");
  if (p.epochs < 1 || p.epochs > 1000000) return refuse("epochs must be 1..1000000");
  if (!(p.subsample >= 0) || p.subsample > 1) return refuse("subsample must be 0..1");
  if (!(p.learning_rate > 0) || p.learning_rate > 1000) return refuse("learningRate must be above 0 and at most 1000");
  if (!(p.negative_exponent >= -10 && p.negative_exponent <= 10)) return refuse("negativeExponent must be -10..10");
  if (!(p.context_weight >= 0 && p.context_weight <= 1)) return refuse("contextWeight must be 0..1");
  if (p.threads < 1 || p.threads > 1024) return refuse("threads must be 1..1024");
  return success();
}

struct Snapshot {
  uint32_t epoch = 0;
  uint64_t words = 0;  // tokens passed, over all epochs, before subsampling
  uint64_t total_words = 0;
  double learning_rate = 0;
  double loss = std::numeric_limits<double>::quiet_NaN();  // of the current epoch so far; NaN before the first pair
};

// Written by the workers once a piece, read by whoever shows progress.
class Progress {
 public:
  void set(const Snapshot& snapshot) {
    std::lock_guard<std::mutex> lock(mutex_);
    snapshot_ = snapshot;
  }
  Snapshot get() const {
    std::lock_guard<std::mutex> lock(mutex_);
    return snapshot_;
  }

 private:
  mutable std::mutex mutex_;
  Snapshot snapshot_;
};

struct Outcome {
  Memory vectors;   // [vocabulary, dimensions], without padding; the context vectors' share is in them
  Memory contexts;  // the same
  std::vector<double> loss;  // mean of a (context, centre) pair, one an epoch
  uint64_t trained_tokens = 0;
  uint64_t pairs = 0;
  double seconds = 0;
  int threads = 0;
};

}  // namespace anyvec::train
