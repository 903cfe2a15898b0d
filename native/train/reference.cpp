#include "train/reference.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <cstring>

#include "kernels/racy.h"
#include "model/rows.h"
#include "train/ledger.h"
#include "train/piece.h"

namespace anyvec::train {

namespace {

constexpr size_t kTableEntries = 100'000'000;
constexpr int kSigmoidEntries = 1000;
constexpr float kMaxExponent = 6;
constexpr uint64_t kRateWords = 10'000;
constexpr size_t kSentenceWords = 1000;

std::vector<uint32_t> unigram_table(const std::vector<uint64_t>& counts, double exponent) {
  std::vector<uint32_t> table(kTableEntries);
  double total = 0;
  for (uint64_t count : counts) total += std::pow(static_cast<double>(count), exponent);
  size_t id = 0;
  double reached = std::pow(static_cast<double>(counts[0]), exponent) / total;
  for (size_t i = 0; i < kTableEntries; ++i) {
    table[i] = static_cast<uint32_t>(id);
    if (static_cast<double>(i) / static_cast<double>(kTableEntries) > reached && id + 1 < counts.size()) {
      ++id;
      reached += std::pow(static_cast<double>(counts[id]), exponent) / total;
    }
  }
  return table;
}

std::vector<float> sigmoid_table() {
  std::vector<float> table(kSigmoidEntries);
  for (int i = 0; i < kSigmoidEntries; ++i) {
    const double e = std::exp((2.0 * i / kSigmoidEntries - 1) * static_cast<double>(kMaxExponent));
    table[static_cast<size_t>(i)] = static_cast<float>(e / (e + 1));
  }
  return table;
}

// The linear congruential generator of drand48's family, 64 bits wide.
class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed) {}
  uint64_t next() { return state_ = state_ * 25214903917ULL + 11; }

 private:
  uint64_t state_;
};

struct Shared {
  const Plan& plan;
  const model::Rows& vectors;
  const model::Rows& contexts;
  const std::vector<uint32_t>& table;
  const std::vector<float>& sigmoid;
};

// All targets of one (context, centre) pair.
ANYVEC_RACY void train_pair(const Shared& s, uint32_t context, uint32_t centre, float rate, Random& random, float* change) {
  const uint32_t dimensions = s.plan.parameters.dimensions;
  float* input = s.vectors.row(context);
  for (uint32_t c = 0; c < dimensions; ++c) change[c] = 0;
  for (uint32_t d = 0; d < s.plan.parameters.negative + 1; ++d) {
    uint32_t target = centre;
    float label = 1;
    if (d > 0) {
      target = s.table[(random.next() >> 16) % kTableEntries];
      if (target == centre) continue;
      label = 0;
    }
    float* output = s.contexts.row(target);
    float product = 0;
    for (uint32_t c = 0; c < dimensions; ++c) product += input[c] * output[c];
    float gradient;
    if (product > kMaxExponent) {
      gradient = (label - 1) * rate;
    } else if (product < -kMaxExponent) {
      gradient = label * rate;
    } else {
      const auto place = static_cast<size_t>((product + kMaxExponent) * (kSigmoidEntries / kMaxExponent / 2));
      gradient = (label - s.sigmoid[std::min<size_t>(place, kSigmoidEntries - 1)]) * rate;
    }
    for (uint32_t c = 0; c < dimensions; ++c) change[c] += gradient * output[c];
    for (uint32_t c = 0; c < dimensions; ++c) output[c] += gradient * input[c];
  }
  for (uint32_t c = 0; c < dimensions; ++c) input[c] += change[c];
}

// A worker's equal share of the entries, as the original gives each thread a share of the file's bytes.
Status train_share(const Shared& s, uint64_t from, uint64_t to, int worker, std::atomic<uint64_t>& words_done, Ledger& ledger, const Cancel& cancel) {
  const Parameters& p = s.plan.parameters;
  Random random(p.seed + static_cast<uint64_t>(worker));
  std::vector<float> change(p.dimensions);
  std::vector<uint32_t> block(kPieceEntries), sentence;
  const uint64_t all_words = s.plan.tokens * p.epochs;
  float rate = static_cast<float>(p.learning_rate);
  for (uint32_t epoch = 0; epoch < p.epochs; ++epoch) {
    PieceTotals totals;
    uint64_t since_rate = 0;
    auto train_sentence = [&]() {
      const size_t length = sentence.size();
      for (size_t position = 0; position < length; ++position) {
        const size_t width = p.window - (random.next() >> 16) % p.window;
        const size_t first = position > width ? position - width : 0;
        const size_t last = std::min(length - 1, position + width);
        for (size_t i = first; i <= last; ++i) {
          if (i == position) continue;
          train_pair(s, sentence[i], sentence[position], rate, random, change.data());
          ++totals.pairs;
        }
      }
      totals.trained_tokens += length;
      sentence.clear();
    };
    for (uint64_t at = from; at < to; at += kPieceEntries) {
      if (cancel.requested()) return aborted();
      const auto count = static_cast<uint32_t>(std::min<uint64_t>(kPieceEntries, to - at));
      if (auto status = s.plan.ids->read(at, count, block.data()); !status.ok()) return status;
      for (uint32_t i = 0; i < count; ++i) {
        const uint32_t id = block[i];
        if (id != corpus::kEndMark) {
          ++totals.tokens;
          if (++since_rate == kRateWords) {
            const double done = static_cast<double>(words_done.fetch_add(since_rate) + since_rate) / static_cast<double>(all_words + 1);
            rate = static_cast<float>(p.learning_rate * std::max(1 - done, 1e-4));
            since_rate = 0;
          }
          if (static_cast<uint32_t>(random.next() >> 16) <= s.plan.keep[id]) sentence.push_back(id);
        }
        if (id == corpus::kEndMark || sentence.size() == kSentenceWords) train_sentence();
      }
      ledger.enter(epoch, at / kPieceEntries, totals);
      totals = {};
    }
    train_sentence();
    words_done.fetch_add(since_rate);
    ledger.enter(epoch, s.plan.pieces, totals);
  }
  return success();
}

}  // namespace

Result<Outcome> reference(const corpus::Corpus& corpus, const Parameters& parameters, const Cancel& cancel, Progress& progress) {
  if (auto status = check(parameters); !status.ok()) return status.error();
  if (!corpus.finished()) return Error{Code::kUsage, "the corpus is not finished", {}};
  const Plan plan(parameters, corpus.ids(), corpus.counts());
  auto vectors = model::Rows::allocate(corpus.counts().size(), parameters.dimensions);
  if (!vectors.ok()) return vectors.error();
  auto contexts = model::Rows::allocate(corpus.counts().size(), parameters.dimensions);
  if (!contexts.ok()) return contexts.error();
  vectors.value().fill_initial(parameters.seed, parameters.threads);
  contexts.value().touch(parameters.threads);
  const auto table = unigram_table(corpus.counts(), parameters.negative_exponent);
  const auto sigmoid = sigmoid_table();

  Ledger ledger(plan, progress);
  const Shared shared{plan, vectors.value(), contexts.value(), table, sigmoid};
  std::atomic<uint64_t> words_done{0};
  std::atomic<int> next{0};
  const int shares = static_cast<int>(std::min<uint64_t>(static_cast<uint64_t>(parameters.threads), plan.pieces));
  const auto started = std::chrono::steady_clock::now();
  const int worked = run_on_threads(shares, [&](int) {
    for (int share = next.fetch_add(1); share < shares; share = next.fetch_add(1)) {
      const uint64_t from = plan.entries * static_cast<uint64_t>(share) / static_cast<uint64_t>(shares);
      const uint64_t to = plan.entries * (static_cast<uint64_t>(share) + 1) / static_cast<uint64_t>(shares);
      auto status = train_share(shared, from, to, share, words_done, ledger, cancel);
      if (!status.ok()) ledger.stop(status.error());
    }
  });
  if (ledger.failure()) return *ledger.failure();
  Outcome outcome;
  outcome.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - started).count();
  outcome.threads = worked;
  ledger.close(outcome);
  if (!vectors.value().finite() || !contexts.value().finite()) return Ledger::diverged(parameters.epochs - 1, 0);
  vectors.value().add(contexts.value(), parameters.context_weight, parameters.threads);
  outcome.vectors = std::move(vectors.value()).compact();
  outcome.contexts = std::move(contexts.value()).compact();
  return outcome;
}

}  // namespace anyvec::train
