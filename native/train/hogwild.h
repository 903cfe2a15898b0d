#pragma once
// The schedule: threads share one model without locks (Niu, Recht, Re, Wright 2011; kernels/racy.h).

#include "base/threads.h"
#include "corpus/corpus.h"
#include "kernels/kernel_table.h"
#include "train/parameters.h"

namespace anyvec::train {

// Trains on a finished corpus. Threads take the pieces of all epochs from one counter; nothing waits between epochs.
// Errors: kOption, kMemory, kDiverged with `epoch` and `learningRate`, kAborted.
Result<Outcome> hogwild(const corpus::Corpus& corpus, const Parameters& parameters, const kernels::KernelTable& kernel, const Cancel& cancel,
                        Progress& progress);

}  // namespace anyvec::train
