#include "train/hogwild.h"

#include <algorithm>
#include <chrono>

#include "train/ledger.h"
#include "model/rows.h"
#include "train/skip_gram.h"

namespace anyvec::train {

Result<Outcome> hogwild(const corpus::Corpus& corpus, const Parameters& parameters, const kernels::KernelTable& kernel, const Cancel& cancel,
                        Progress& progress) {
  if (auto status = check(parameters); !status.ok()) return status.error();
  if (!corpus.finished()) return Error{Code::kUsage, "the corpus is not finished", {}};
  const Plan plan(parameters, corpus.ids(), corpus.counts());
  const uint64_t rows = corpus.counts().size();
  auto vectors = model::Rows::allocate(rows, parameters.dimensions);
  if (!vectors.ok()) return vectors.error();
  auto contexts = model::Rows::allocate(rows, parameters.dimensions);
  if (!contexts.ok()) return contexts.error();
  vectors.value().fill_initial(parameters.seed, parameters.threads);
  contexts.value().touch(parameters.threads);

  Ledger ledger(plan, progress);
  const uint64_t all_pieces = plan.pieces * parameters.epochs;
  std::atomic<uint64_t> next{0};
  const auto started = std::chrono::steady_clock::now();
  const int threads = static_cast<int>(std::min<uint64_t>(static_cast<uint64_t>(parameters.threads), all_pieces));
  const int worked = run_on_threads(threads, [&](int) {
    auto worker = SkipGram::create(plan, kernel, vectors.value(), contexts.value(), threads);
    if (!worker.ok()) return ledger.stop(worker.error());
    while (!ledger.stopped()) {
      const uint64_t number = next.fetch_add(1);
      if (number >= all_pieces) break;
      const uint64_t epoch = number / plan.pieces, piece = number % plan.pieces;
      auto totals = worker.value()->train(epoch, piece, cancel);
      if (!totals.ok()) return ledger.stop(totals.error());
      ledger.enter(epoch, piece, totals.value());
    }
    worker.value()->close();
  });
  if (ledger.failure()) return *ledger.failure();

  Outcome outcome;
  outcome.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - started).count();
  outcome.threads = worked;
  ledger.close(outcome);
  if (!vectors.value().finite() || !contexts.value().finite()) {
    return Ledger::diverged(parameters.epochs - 1, plan.rate(parameters.epochs - 1, plan.entries));
  }
  vectors.value().add(contexts.value(), parameters.context_weight, parameters.threads);
  outcome.vectors = std::move(vectors.value()).compact();
  outcome.contexts = std::move(contexts.value()).compact();
  return outcome;
}

}  // namespace anyvec::train
