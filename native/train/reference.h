#pragma once
// The yardstick of bench/: skip-gram as the original word2vec program does it, one pair and one target at a time.

#include "base/threads.h"
#include "corpus/corpus.h"
#include "train/parameters.h"

namespace anyvec::train {

// Same corpus, parameters and result as hogwild(), but the arithmetic and the memory traffic of 2013: negatives drawn for every pair from a
// table of 10^8 entries, the sigmoid from a table of 1000, the learning rate renewed every 10,000 words, a loss that is not measured (0).
Result<Outcome> reference(const corpus::Corpus& corpus, const Parameters& parameters, const Cancel& cancel, Progress& progress);

}  // namespace anyvec::train
