// Whole training runs on small corpora.

#include <cmath>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "base/random.h"
#include "corpus/corpus.h"
#include "kernels/kernel_table.h"
#include "tests/check.h"
#include "train/distinct.h"
#include "train/hogwild.h"
#include "train/piece.h"
#include "train/reference.h"
#include "train/replica.h"

using namespace anyvec;
using train::Outcome;
using train::Parameters;

namespace {

const std::string kFolder = std::getenv("TMPDIR") != nullptr ? std::getenv("TMPDIR") : "/tmp";

std::unique_ptr<corpus::Corpus> corpus_of(const std::string& text, uint64_t memory = UINT64_MAX) {
  auto out = std::make_unique<corpus::Corpus>(corpus::CorpusOptions{2, memory, kFolder, false});
  const Cancel cancel;
  CHECK(out->add_block(text.data(), text.size(), "test", cancel).ok());
  CHECK(out->end_stream(cancel).ok());
  CHECK(out->finish(1, 0, cancel).ok());
  return out;
}

// Words of two kinds that never meet: even ones stand with even ones, odd ones with odd ones.
std::string two_kinds(uint32_t words, uint32_t kinds = 40) {
  const random::Key key = random::key({99});
  std::string text;
  for (uint32_t line = 0; line * 10 < words; ++line) {
    for (uint32_t i = 0; i < 10; ++i) {
      const uint32_t drawn = random::bounded(random::draw(key, line * 10 + i), kinds / 2) * 2 + line % 2;
      text += "w" + std::to_string(drawn) + (i == 9 ? "\n" : " ");
    }
  }
  return text;
}

Parameters small() {
  Parameters p;
  p.dimensions = 20;
  p.epochs = 3;
  p.subsample = 0;
  p.learning_rate = 0.05;
  p.threads = 1;
  return p;
}

Result<Outcome> run(const corpus::Corpus& corpus, const Parameters& p, const kernels::KernelTable& kernel = *kernels::active()) {
  const Cancel cancel;
  train::Progress progress;
  return train::hogwild(corpus, p, kernel, cancel, progress);
}

// Mean cosines over all pairs of words of one kind, and over all pairs of two kinds.
struct Kinship {
  double same = 0;
  double other = 0;
};
Kinship kinship(const Outcome& o, const corpus::Corpus& corpus, uint32_t dimensions) {
  Kinship sums, pairs;
  const auto odd = [&](uint64_t id) { return (corpus.keys().at(id).back() - '0') % 2; };
  for (uint64_t i = 0; i < corpus.keys().size(); ++i) {
    for (uint64_t j = 0; j < i; ++j) {
      const float *x = o.vectors.floats() + i * dimensions, *y = o.vectors.floats() + j * dimensions;
      double xy = 0, xx = 0, yy = 0;
      for (uint32_t c = 0; c < dimensions; ++c) {
        xy += static_cast<double>(x[c]) * static_cast<double>(y[c]);
        xx += static_cast<double>(x[c]) * static_cast<double>(x[c]);
        yy += static_cast<double>(y[c]) * static_cast<double>(y[c]);
      }
      (odd(i) == odd(j) ? sums.same : sums.other) += xy / std::sqrt(xx * yy);
      (odd(i) == odd(j) ? pairs.same : pairs.other) += 1;
    }
  }
  return {sums.same / pairs.same, sums.other / pairs.other};
}

bool same(const Memory& a, const Memory& b, size_t floats) { return std::memcmp(a.data(), b.data(), floats * sizeof(float)) == 0; }

double farthest(const Memory& a, const Memory& b, size_t floats) {
  double most = 0;
  for (size_t i = 0; i < floats; ++i) most = std::max(most, std::fabs(static_cast<double>(a.floats()[i]) - static_cast<double>(b.floats()[i])));
  return most;
}

}  // namespace

TEST(one_thread_and_one_seed_give_the_same_bytes_every_time) {
  auto corpus = corpus_of(two_kinds(20'000));
  Parameters p = small();
  auto a = run(*corpus, p), b = run(*corpus, p);
  if (!CHECK(a.ok() && b.ok())) return;
  CHECK(same(a.value().vectors, b.value().vectors, 40 * 20));
  CHECK(same(a.value().contexts, b.value().contexts, 40 * 20));
  CHECK(a.value().loss == b.value().loss);
  p.seed = 2;
  auto c = run(*corpus, p);
  CHECK(!same(a.value().vectors, c.value().vectors, 40 * 20));
}

TEST(vectors_hold_their_share_of_the_context_vectors) {
  auto corpus = corpus_of(two_kinds(20'000));
  Parameters p = small();
  auto plain = run(*corpus, p);
  p.context_weight = 0.5;
  auto mixed = run(*corpus, p);
  if (!CHECK(plain.ok() && mixed.ok())) return;
  CHECK(same(plain.value().contexts, mixed.value().contexts, 40 * 20));
  for (size_t i = 0; i < 40 * 20; ++i) {
    const double expected = static_cast<double>(plain.value().vectors.floats()[i]) + 0.5 * static_cast<double>(plain.value().contexts.floats()[i]);
    CHECK_EQUAL(mixed.value().vectors.floats()[i], static_cast<float>(expected));
  }
}

TEST(ids_on_disk_train_the_same_bytes) {
  const std::string text = two_kinds(30'000);
  auto memory = corpus_of(text), disk = corpus_of(text, 0);
  auto a = run(*memory, small()), b = run(*disk, small());
  if (!CHECK(a.ok() && b.ok())) return;
  CHECK(same(a.value().vectors, b.value().vectors, 40 * 20));
}

TEST(words_that_share_contexts_come_together_and_the_loss_falls) {
  auto corpus = corpus_of(two_kinds(30'000));
  for (int threads : {1, 3}) {
    Parameters p = small();
    p.threads = threads;
    auto trained = run(*corpus, p);
    if (!CHECK(trained.ok())) return;
    Outcome& o = trained.value();
    CHECK_EQUAL(o.threads, threads);
    CHECK_EQUAL(o.loss.size(), 3U);
    CHECK(o.loss[0] > o.loss[2]);
    const Kinship found = kinship(o, *corpus, 20);
    CHECK(found.same > 0.6);
    CHECK(found.other < 0.2);
  }
}

TEST(the_reference_loop_learns_the_same) {
  auto corpus = corpus_of(two_kinds(30'000));
  const Cancel cancel;
  train::Progress progress;
  for (int threads : {1, 2}) {
    Parameters p = small();
    p.threads = threads;
    auto trained = train::reference(*corpus, p, cancel, progress);
    if (!CHECK(trained.ok())) return;
    const Kinship found = kinship(trained.value(), *corpus, 20);
    CHECK(found.same > 0.6);
    CHECK(found.other < 0.2);
    CHECK(trained.value().pairs > 30'000U * 3);
    CHECK_EQUAL(progress.get().words, 90'000U);
  }
}

TEST(every_instruction_set_trains_the_same_within_rounding) {
  auto corpus = corpus_of(two_kinds(10'000));
  Parameters p = small();
  p.epochs = 1;
  for (uint32_t dimensions : {1U, 7U, 20U, 33U}) {
    p.dimensions = dimensions;
    auto expected = run(*corpus, p, kernels::scalar_table);
    for (const kernels::KernelTable* const* table = kernels::supported(); *table != nullptr; ++table) {
      auto found = run(*corpus, p, **table);
      if (!CHECK(expected.ok() && found.ok())) return;
      CHECK_NEAR(farthest(expected.value().vectors, found.value().vectors, 40 * dimensions), 0, 1e-3);
      CHECK_NEAR(expected.value().loss[0], found.value().loss[0], 1e-4);
    }
  }
}

TEST(any_dimension_window_and_number_of_negatives_works) {
  auto corpus = corpus_of(two_kinds(300, 6));
  for (uint32_t dimensions : {1U, 15U, 16U, 17U, 100U, 4096U}) {
    for (uint32_t window : {1U, 2U, 50U, 1000U}) {
      for (uint32_t negative : {1U, 2U, 20U, 100U}) {
        Parameters p = small();
        p.dimensions = dimensions;
        p.window = window;
        p.negative = negative;
        p.epochs = 1;
        auto trained = run(*corpus, p);
        if (!CHECK(trained.ok())) return;
        CHECK(std::isfinite(trained.value().loss[0]));
        CHECK(trained.value().pairs > 0);
      }
    }
  }
}

TEST(parameters_out_of_range_are_refused) {
  auto corpus = corpus_of("a b c d");
  auto refused = [&](auto change) {
    Parameters p = small();
    change(p);
    auto trained = run(*corpus, p);
    return !trained.ok() && trained.error().code == Code::kOption;
  };
  CHECK(refused([](Parameters& p) { p.dimensions = 0; }));
  CHECK(refused([](Parameters& p) { p.dimensions = 4097; }));
  CHECK(refused([](Parameters& p) { p.window = 0; }));
  CHECK(refused([](Parameters& p) { p.negative = 0; }));
  CHECK(refused([](Parameters& p) { p.epochs = 0; }));
  CHECK(refused([](Parameters& p) { p.learning_rate = std::nan(""); }));
  CHECK(refused([](Parameters& p) { p.subsample = -1; }));
  CHECK(refused([](Parameters& p) { p.negative_exponent = HUGE_VAL; }));
  CHECK(refused([](Parameters& p) { p.threads = 0; }));
}

TEST(a_run_that_diverges_says_so) {
  auto corpus = corpus_of(two_kinds(20'000));
  Parameters p = small();
  p.learning_rate = 1000;
  auto trained = run(*corpus, p);
  CHECK(!trained.ok());
  CHECK(trained.error().code == Code::kDiverged);
  CHECK(trained.error().message.find("learningRate") != std::string::npos);
}

TEST(a_cancelled_run_is_aborted) {
  auto corpus = corpus_of(two_kinds(20'000));
  Cancel cancel;
  train::Progress progress;
  cancel.request();
  auto trained = train::hogwild(*corpus, small(), *kernels::active(), cancel, progress);
  CHECK(!trained.ok());
  CHECK(trained.error().code == Code::kAborted);
  auto reference = train::reference(*corpus, small(), cancel, progress);
  CHECK(!reference.ok());
  CHECK(reference.error().code == Code::kAborted);
}

TEST(progress_ends_with_all_words) {
  auto corpus = corpus_of(two_kinds(20'000));
  const Cancel cancel;
  train::Progress progress;
  auto trained = train::hogwild(*corpus, small(), *kernels::active(), cancel, progress);
  if (!CHECK(trained.ok())) return;
  CHECK_EQUAL(progress.get().words, 60'000U);
  CHECK_EQUAL(progress.get().total_words, 60'000U);
  CHECK_EQUAL(trained.value().trained_tokens, 60'000U);
}

TEST(window_widths_are_uniform_and_stay_inside_the_sequence) {
  std::string text;
  for (int i = 0; i < 60'000; ++i) text += i % 2 == 0 ? "a " : "b ";
  auto corpus = corpus_of(text + "\na b c\n");
  Parameters p = small();
  p.window = 7;
  const train::Plan plan(p, corpus->ids(), corpus->counts());
  train::Piece piece(plan, *kernels::active());
  std::vector<uint64_t> widths(8);
  for (uint64_t number = 0; number + 1 < plan.pieces; ++number) {
    if (!CHECK(piece.read(0, number).ok())) return;
    for (uint32_t entry = 8; entry + 7 < piece.size(); ++entry) {
      const auto span = piece.span(entry, 1, piece.width(entry));
      CHECK_EQUAL(entry - span.first, span.past - 1 - entry);
      ++widths[entry - span.first];
      const auto both = piece.span(entry - 1, 2, piece.width(entry));
      CHECK_EQUAL(both.first + 1, span.first);
      CHECK_EQUAL(both.past, span.past);
    }
    const auto first = piece.span(0, 1, 7), last = piece.span(piece.size() - 1, 1, 7);
    CHECK_EQUAL(first.first, 0U);
    CHECK_EQUAL(last.past, piece.size());
  }
  uint64_t total = 0;
  for (uint64_t n : widths) total += n;
  const double expected = static_cast<double>(total) / 7;
  double statistic = 0;
  CHECK_EQUAL(widths[0], 0U);
  for (size_t w = 1; w <= 7; ++w) statistic += (static_cast<double>(widths[w]) - expected) * (static_cast<double>(widths[w]) - expected) / expected;
  // Chi-square with 6 degrees: 33.1 has a chance of one in a hundred thousand.
  CHECK(statistic < 33.1);
}

TEST(windows_stop_at_line_ends) {
  auto corpus = corpus_of("a b c\nd\ne f\n");
  Parameters p = small();
  p.window = 100;
  const train::Plan plan(p, corpus->ids(), corpus->counts());
  train::Piece piece(plan, *kernels::active());
  if (!CHECK(piece.read(0, 0).ok())) return;
  CHECK_EQUAL(piece.size(), 9U);
  const uint32_t firsts[] = {0, 0, 0, 0, 4, 0, 6, 6}, pasts[] = {3, 3, 3, 0, 5, 0, 8, 8};
  for (uint32_t entry : {0U, 1U, 2U, 4U, 6U, 7U}) {
    const auto span = piece.span(entry, 1, piece.width(entry));
    CHECK(span.first >= firsts[entry] && span.past <= pasts[entry] && span.first <= entry && entry < span.past);
  }
  const auto alone = piece.span(4, 1, 100);
  CHECK_EQUAL(alone.past - alone.first, 1U);
}

TEST(negatives_follow_the_noise_distribution_and_come_from_what_is_near) {
  auto corpus = corpus_of(two_kinds(200'000));
  Parameters p = small();
  p.negative = 7;
  p.negative_exponent = 1;
  const train::Plan plan(p, corpus->ids(), corpus->counts());
  CHECK_EQUAL(plan.pool.density, 2U);
  train::Piece piece(plan, *kernels::active());
  std::vector<double> drawn(40);
  std::vector<uint32_t> picks(16 * 7);
  double total = 0;
  for (uint64_t number = 0; number < plan.pieces; ++number) {
    if (!CHECK(piece.read(0, number).ok())) return;
    for (uint32_t entry = 0; entry + 16 <= piece.size(); entry += 16) {
      piece.draw_negatives(entry, entry + 16, picks.data());
      for (uint32_t i = 0; i < 16 * 7; ++i) {
        const uint32_t place = plan.pool.pick(entry + i / 7, picks[i]);
        CHECK(place < plan.pool.size(entry + i / 7) && place + plan.pool.reach * plan.pool.density >= plan.pool.size(entry + i / 7));
        ++drawn[piece.pooled(place)];
        ++total;
      }
    }
  }
  double tokens = 0, most = 0;
  for (uint64_t count : corpus->counts()) tokens += static_cast<double>(count);
  for (size_t id = 0; id < 40; ++id) {
    const double expected = total * static_cast<double>(corpus->counts()[id]) / tokens;
    most = std::max(most, std::fabs(drawn[id] - expected) / std::sqrt(expected));
  }
  // A draw is used some 3.5 times, which widens the deviations by the square root of as much and a little more for the head of a piece.
  CHECK(most < 12);
}

TEST(the_learning_rate_falls_linearly_to_a_ten_thousandth) {
  auto corpus = corpus_of(two_kinds(20'000));
  Parameters p = small();
  p.epochs = 4;
  const train::Plan plan(p, corpus->ids(), corpus->counts());
  CHECK_NEAR(plan.rate(0, 0), 0.05, 1e-12);
  CHECK_NEAR(plan.rate(2, 0), 0.025, 1e-12);
  CHECK_NEAR(plan.rate(3, plan.entries), 0.05e-4, 1e-12);
}

TEST(replicas_add_what_each_has_learned_and_leave_rare_rows_shared) {
  auto rows = model::Rows::allocate(3000, 20);
  if (!CHECK(rows.ok())) return;
  const model::Rows& shared = rows.value();
  shared.row(5)[3] = 1;
  auto a = train::Replica::create(shared, 2, *kernels::active()), b = train::Replica::create(shared, 2, *kernels::active());
  auto alone = train::Replica::create(shared, 1, *kernels::active());
  if (!CHECK(a.ok() && b.ok() && alone.ok())) return;
  CHECK(alone.value().row(5) == shared.row(5));
  CHECK(a.value().row(2999) == shared.row(2999));
  CHECK(a.value().row(5) != shared.row(5) && a.value().row(5) != b.value().row(5));
  CHECK_EQUAL(a.value().row(5)[3], 1.0f);
  // A merge comes before the step that would be one too many: until then nobody else sees them.
  for (int step = 0; step < train::Replica::kSteps; ++step) a.value().take(5)[3] += 1;
  CHECK_EQUAL(shared.row(5)[3], 1.0f);
  CHECK(a.value().merges_soon(5) && !b.value().merges_soon(5));
  b.value().take(5)[3] += 100;
  a.value().take(5)[3] += 1;
  CHECK_EQUAL(shared.row(5)[3], static_cast<float>(1 + train::Replica::kSteps));
  a.value().close();
  b.value().close();
  CHECK_EQUAL(shared.row(5)[3], static_cast<float>(102 + train::Replica::kSteps));
}

TEST(distinct_remembers_ids_until_it_is_cleared) {
  train::Distinct distinct(100);
  for (int round = 0; round < 3; ++round) {
    distinct.clear();
    for (uint32_t i = 0; i < 100; ++i) CHECK_EQUAL(distinct.add(i * 4099, i), i);
    for (uint32_t i = 0; i < 100; ++i) CHECK_EQUAL(distinct.add(i * 4099, 1000), i);
  }
}
