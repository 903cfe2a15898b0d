#pragma once
// Walker's alias table, built by Vose's construction in whole numbers (docs/training-law.md): one draw, one look-up, whatever the vocabulary.

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <vector>

#include "base/random.h"

namespace anyvec::sampling {

// A column keeps draws below its threshold; the others take its alias.
struct AliasColumn {
  uint32_t threshold;
  uint32_t alias;
};

// Builds tables one after the other, with one set of scratch memory.
class AliasBuilder {
 public:
  // Fills columns[0 .. size): column i is drawn in proportion to weights[i] > 0.
  void build(const double* weights, size_t size, AliasColumn* columns) {
    double largest = 0;
    for (size_t i = 0; i < size; ++i) largest = std::max(largest, weights[i]);
    // Whole weights, so that no two engines' pow() can disagree about which side of the mean a column falls on; their products with
    // the size stay below 2^53, exact in a double too.
    const int bits = std::bit_width(size);
    const double scale = std::ldexp(1.0, std::min(31, 52 - bits));
    shares_.resize(size);
    uint64_t total = 0;
    for (size_t i = 0; i < size; ++i) {
      shares_[i] = std::max<uint64_t>(1, static_cast<uint64_t>(std::floor(weights[i] / largest * scale + 0.5)));
      total += shares_[i];
    }
    small_.clear();
    large_.clear();
    for (size_t i = 0; i < size; ++i) {
      shares_[i] *= size;
      (shares_[i] < total ? small_ : large_).push_back(static_cast<uint32_t>(i));
    }
    while (!small_.empty() && !large_.empty()) {
      const uint32_t less = small_.back(), more = large_.back();
      small_.pop_back();
      large_.pop_back();
      const double share = static_cast<double>(shares_[less]) / static_cast<double>(total);
      columns[less] = {static_cast<uint32_t>(std::floor(share * 4294967296.0)), more};
      shares_[more] = shares_[more] + shares_[less] - total;
      (shares_[more] < total ? small_ : large_).push_back(more);
    }
    for (uint32_t rest : small_) columns[rest] = {UINT32_MAX, rest};
    for (uint32_t rest : large_) columns[rest] = {UINT32_MAX, rest};
  }

 private:
  std::vector<uint64_t> shares_;
  std::vector<uint32_t> small_, large_;
};

class AliasTable {
 public:
  // Column i is drawn in proportion to counts[i] ** exponent.
  AliasTable(const std::vector<uint64_t>& counts, double exponent) : entries_(counts.size()) {
    std::vector<double> weights(counts.size());
    for (size_t i = 0; i < counts.size(); ++i) weights[i] = std::pow(static_cast<double>(counts[i]), exponent);
    AliasBuilder().build(weights.data(), weights.size(), entries_.data());
  }

  // A sample is made in two steps, so that its cache miss can be started long before it is waited for.
  uint32_t column(uint32_t drawn) const { return random::bounded(drawn, static_cast<uint32_t>(entries_.size())); }
  const void* address(uint32_t column) const { return &entries_[column]; }
  uint32_t resolve(uint32_t column, uint32_t coin) const {
    const AliasColumn entry = entries_[column];
    return coin < entry.threshold ? column : entry.alias;
  }

  size_t size() const { return entries_.size(); }

 private:
  std::vector<AliasColumn> entries_;
};

}  // namespace anyvec::sampling
