#pragma once
// Products of sizes that cannot wrap.

#include <cstddef>
#include <cstdint>
#include <optional>

namespace anyvec {

inline std::optional<size_t> checked_product(size_t a, size_t b) {
  if (a != 0 && b > SIZE_MAX / a) return std::nullopt;
  return a * b;
}

inline std::optional<size_t> checked_product(size_t a, size_t b, size_t c) {
  auto ab = checked_product(a, b);
  return ab ? checked_product(*ab, c) : std::nullopt;
}

}  // namespace anyvec
