#pragma once
// Which tokens of frequent keys are passed over (Mikolov et al. 2013, in the form of Mikolov's code).

#include <cmath>
#include <cstdint>
#include <vector>

namespace anyvec::sampling {

// A token is kept when its draw is at most its id's threshold.
inline std::vector<uint32_t> subsample_thresholds(const std::vector<uint64_t>& counts, double threshold) {
  double total = 0;
  for (uint64_t count : counts) total += static_cast<double>(count);
  std::vector<uint32_t> thresholds(counts.size(), UINT32_MAX);
  if (threshold <= 0) return thresholds;
  for (size_t i = 0; i < counts.size(); ++i) {
    const double frequency = static_cast<double>(counts[i]) / total;
    const double keep = (std::sqrt(frequency / threshold) + 1) * (threshold / frequency);
    if (keep < 1) thresholds[i] = static_cast<uint32_t>(std::floor(keep * 4294967296.0));
  }
  return thresholds;
}

}  // namespace anyvec::sampling
