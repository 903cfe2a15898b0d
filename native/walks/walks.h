#pragma once
// Random walks over a graph, first-order (DeepWalk) and second-order (node2vec), straight into a corpus; docs/training-law.md
// says which walks they are.

#include <atomic>
#include <cstdint>

#include "base/result.h"
#include "base/threads.h"
#include "corpus/corpus.h"
#include "walks/graph.h"

namespace anyvec::walks {

struct WalkOptions {
  uint32_t walks = 10;   // from every node
  uint32_t length = 80;  // nodes in a walk
  double p = 1, q = 1;
  uint64_t seed = 1;
};

struct WalkProgress {
  std::atomic<uint64_t> walks{0};
  std::atomic<uint64_t> total{0};
};

struct WalkSummary {
  uint64_t walks = 0;
  uint64_t ended_early = 0;
};

// Adds all walks to the corpus: any number of its threads makes the same ones.
Result<WalkSummary> add_walks(corpus::Corpus& corpus, const Graph& graph, const WalkOptions& options, const Cancel& cancel, WalkProgress& progress);

}  // namespace anyvec::walks
