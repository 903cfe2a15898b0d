#pragma once
// Walker's alias table, built by Vose's construction in whole numbers (docs/training-law.md): one draw, one look-up, whatever the vocabulary.

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <vector>

#include "base/random.h"

namespace anyvec::sampling {

class AliasTable {
 public:
  // Column i is drawn in proportion to counts[i] ** exponent.
  AliasTable(const std::vector<uint64_t>& counts, double exponent) {
    const size_t size = counts.size();
    std::vector<double> weights(size);
    double largest = 0;
    for (size_t i = 0; i < size; ++i) {
      weights[i] = std::pow(static_cast<double>(counts[i]), exponent);
      largest = std::max(largest, weights[i]);
    }
    // Whole weights, so that no two engines' pow() can disagree about which side of the mean a column falls on; their products with
    // the size stay below 2^53, exact in a double too.
    const int bits = std::bit_width(size);
    const double scale = std::ldexp(1.0, std::min(31, 52 - bits));
    std::vector<uint64_t> shares(size);
    uint64_t total = 0;
    for (size_t i = 0; i < size; ++i) {
      shares[i] = std::max<uint64_t>(1, static_cast<uint64_t>(std::floor(weights[i] / largest * scale + 0.5)));
      total += shares[i];
    }
    entries_.resize(size);
    std::vector<uint32_t> small, large;
    for (size_t i = 0; i < size; ++i) {
      shares[i] *= size;
      (shares[i] < total ? small : large).push_back(static_cast<uint32_t>(i));
    }
    while (!small.empty() && !large.empty()) {
      const uint32_t less = small.back(), more = large.back();
      small.pop_back();
      large.pop_back();
      const double share = static_cast<double>(shares[less]) / static_cast<double>(total);
      entries_[less] = {static_cast<uint32_t>(std::floor(share * 4294967296.0)), more};
      shares[more] = shares[more] + shares[less] - total;
      (shares[more] < total ? small : large).push_back(more);
    }
    for (uint32_t rest : small) entries_[rest] = {UINT32_MAX, rest};
    for (uint32_t rest : large) entries_[rest] = {UINT32_MAX, rest};
  }

  // A sample is made in two steps, so that its cache miss can be started long before it is waited for.
  uint32_t column(uint32_t drawn) const { return random::bounded(drawn, static_cast<uint32_t>(entries_.size())); }
  const void* address(uint32_t column) const { return &entries_[column]; }
  uint32_t resolve(uint32_t column, uint32_t coin) const {
    const Entry entry = entries_[column];
    return coin < entry.threshold ? column : entry.alias;
  }

  size_t size() const { return entries_.size(); }

 private:
  struct Entry {
    uint32_t threshold;
    uint32_t alias;
  };
  std::vector<Entry> entries_;
};

}  // namespace anyvec::sampling
