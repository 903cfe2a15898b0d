// Statistics of the samplers, each with the bound that a right one passes with a chance of failure below one in ten thousand; streams are fixed, so
// a pass is a pass for ever.

#include <cmath>
#include <cstdlib>
#include <vector>

#include "base/random.h"
#include "sampling/alias.h"
#include "sampling/subsample.h"
#include "tests/check.h"

using namespace anyvec;

namespace {
// Pearson's statistic against expected shares, in standard deviations of a chi-square with size - 1 degrees (normal approximation).
double chi_square_deviations(const std::vector<uint64_t>& found, const std::vector<double>& shares) {
  double total = 0, statistic = 0;
  for (uint64_t n : found) total += static_cast<double>(n);
  for (size_t i = 0; i < found.size(); ++i) {
    const double expected = shares[i] * total;
    statistic += (static_cast<double>(found[i]) - expected) * (static_cast<double>(found[i]) - expected) / expected;
  }
  const auto degrees = static_cast<double>(found.size() - 1);
  return (statistic - degrees) / std::sqrt(2 * degrees);
}

uint32_t draws() { return std::getenv("ANYVEC_EMULATED") != nullptr ? 400'000U : 4'000'000U; }
}  // namespace

TEST(streams_are_those_of_the_training_law) {
  // Worked out from docs/training-law.md with another program in another language.
  CHECK_EQUAL(random::scramble(0), 0U);
  CHECK_EQUAL(random::scramble(1), 69681622U);
  const random::Key key = random::stream(1, random::Purpose::kNegative, 2, 3);
  CHECK_EQUAL(key.a, 1717532539U);
  CHECK_EQUAL(key.b, 1178954250U);
  CHECK_EQUAL(random::draw(key, 0), 1714998874U);
  CHECK_EQUAL(random::draw(key, 5), 3851579877U);
  CHECK_EQUAL(random::draw(key, 4000000000U), 59161278U);
  const random::Key initial = random::stream(uint64_t{9} << 32 | 7, random::Purpose::kInitial, 12345, 0);
  CHECK_EQUAL(random::draw(initial, 0), 36720525U);
  CHECK_EQUAL(random::draw(initial, 1), 306262259U);
  CHECK(random::draw(key, 5) != random::draw(key, 6));
  CHECK(random::draw(key, 5) != random::draw(random::stream(1, random::Purpose::kWidth, 2, 3), 5));
  CHECK(random::draw(key, 5) != random::draw(random::stream(uint64_t{1} << 32 | 1, random::Purpose::kNegative, 2, 3), 5));
}

TEST(draws_are_uniform_and_independent_of_their_neighbours) {
  const random::Key key = random::stream(42, random::Purpose::kNegative, 0, 0);
  std::vector<uint64_t> cells(256);
  for (uint32_t i = 0; i < draws(); ++i) ++cells[(random::draw(key, i) >> 28) * 16 + (random::draw(key, i + 1) >> 28)];
  CHECK(std::fabs(chi_square_deviations(cells, std::vector<double>(256, 1.0 / 256))) < 5);
}

TEST(bounded_draws_are_uniform) {
  for (uint32_t bound : {1U, 2U, 5U, 7U, 1000U}) {
    const random::Key key = random::stream(3, random::Purpose::kWidth, bound, 0);
    std::vector<uint64_t> cells(bound);
    for (uint32_t i = 0; i < draws(); ++i) {
      const uint32_t drawn = random::bounded(random::draw(key, i), bound);
      if (!CHECK(drawn < bound)) return;
      ++cells[drawn];
    }
    if (bound > 1) CHECK(std::fabs(chi_square_deviations(cells, std::vector<double>(bound, 1.0 / bound))) < 5);
  }
}

TEST(the_alias_table_draws_in_proportion_to_powers_of_counts) {
  for (double exponent : {0.75, 1.0, 0.0, -0.5}) {
    std::vector<uint64_t> counts;
    for (uint64_t i = 1; i <= 500; ++i) counts.push_back(1 + 1'000'000 / (i * i));
    const sampling::AliasTable table(counts, exponent);
    std::vector<double> shares(counts.size());
    double total = 0;
    for (size_t i = 0; i < counts.size(); ++i) total += shares[i] = std::pow(static_cast<double>(counts[i]), exponent);
    for (double& share : shares) share /= total;
    std::vector<uint64_t> found(counts.size());
    const random::Key key = random::stream(9, random::Purpose::kNegative, 1, 1);
    for (uint32_t i = 0; i < draws(); ++i) {
      ++found[table.resolve(table.column(random::draw(key, 2 * i)), random::draw(key, 2 * i + 1))];
    }
    CHECK(std::fabs(chi_square_deviations(found, shares)) < 5);
  }
}

TEST(the_alias_table_gives_every_id_its_exact_share) {
  // The columns' thresholds added up: what each id gets of 2^32 a column.
  const std::vector<uint64_t> counts{1000, 500, 250, 3, 1};
  const sampling::AliasTable table(counts, 1.0);
  std::vector<double> shares(5);
  for (uint32_t column = 0; column < 5; ++column) {
    // Coins below the threshold go to the column: find it by bisection.
    uint64_t low = 0, high = uint64_t{1} << 32;
    while (low < high) {
      const uint64_t middle = (low + high) / 2;
      if (table.resolve(column, static_cast<uint32_t>(std::min<uint64_t>(middle, UINT32_MAX))) == column && middle < UINT32_MAX) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    const double own = static_cast<double>(low) / 4294967296.0;
    shares[column] += own / 5;
    const uint32_t other = table.resolve(column, UINT32_MAX);
    if (other != column) {
      shares[other] += (1 - own) / 5;
    } else {
      shares[column] += (1 - own) / 5;
    }
  }
  for (size_t i = 0; i < 5; ++i) CHECK_NEAR(shares[i], static_cast<double>(counts[i]) / 1754.0, 1e-8);
}

TEST(an_alias_table_of_equal_or_extreme_counts_works) {
  for (const auto& counts : {std::vector<uint64_t>{5, 5}, std::vector<uint64_t>{UINT64_MAX / 4, 1}, std::vector<uint64_t>(70000, 1)}) {
    const sampling::AliasTable table(counts, 0.75);
    const random::Key key = random::stream(1, random::Purpose::kNegative, 0, 0);
    bool inside = true;
    for (uint32_t i = 0; i < 20000; ++i) inside &= table.resolve(table.column(random::draw(key, 2 * i)), random::draw(key, 2 * i + 1)) < counts.size();
    CHECK(inside);
  }
}

TEST(subsampling_keeps_the_share_that_the_formula_says) {
  const std::vector<uint64_t> counts{500'000, 100'000, 10'000, 1'000, 10};
  double total = 0;
  for (uint64_t count : counts) total += static_cast<double>(count);
  const double t = 1e-3;
  const auto thresholds = sampling::subsample_thresholds(counts, t);
  for (size_t id = 0; id < counts.size(); ++id) {
    const double f = static_cast<double>(counts[id]) / total;
    const double expected = std::min(1.0, std::sqrt(t / f) + t / f);
    const random::Key key = random::stream(4, random::Purpose::kSubsample, 0, static_cast<uint32_t>(id));
    uint64_t kept = 0;
    for (uint32_t i = 0; i < draws(); ++i) kept += random::draw(key, i) <= thresholds[id] ? 1 : 0;
    const double share = static_cast<double>(kept) / draws();
    CHECK_NEAR(share, expected, 5 * std::sqrt(expected * (1 - expected) / draws()) + 1e-9);
  }
}

TEST(subsampling_by_zero_keeps_everything) {
  for (uint32_t threshold : sampling::subsample_thresholds({1000, 10, 1}, 0)) CHECK_EQUAL(threshold, UINT32_MAX);
}
