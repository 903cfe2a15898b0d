#pragma once
// float32 to and from decimal text, whatever the locale.

#include <charconv>
#include <cmath>
#include <cstring>
#include <string_view>
#include <system_error>

#if !defined(__cpp_lib_to_chars)
#include <cstdio>
#include <cstdlib>
#endif

namespace anyvec::decimal {

constexpr size_t kLongest = 24;

// The value of the whole of `text`; false when it is no number or not finite. Values too small for float32 become zero or denormal.
inline bool parse(std::string_view text, float& value) {
  if (!text.empty() && text.front() == '+') {
    text.remove_prefix(1);
    if (!text.empty() && text.front() == '-') return false;
  }
  if (text.empty()) return false;
#if defined(__cpp_lib_to_chars)
  const char* const end = text.data() + text.size();
  auto [stop, error] = std::from_chars(text.data(), end, value);
  if (error == std::errc::result_out_of_range) {
    // Too large or too small: a double can tell, and what is too small even for that is zero.
    double wide = 0;
    const auto again = std::from_chars(text.data(), end, wide);
    stop = again.ptr;
    error = again.ec;
    if (error == std::errc::result_out_of_range) {
      if (text.find("e-") == std::string_view::npos && text.find("E-") == std::string_view::npos) return false;
      wide = 0;
      error = std::errc();
    }
    value = static_cast<float>(wide);
  }
  return error == std::errc() && stop == end && std::isfinite(value);
#else
  // A C library that has no from_chars for floats; Node never leaves the C locale for numbers.
  char copy[64];
  if (text.size() >= sizeof copy) return false;
  std::memcpy(copy, text.data(), text.size());
  copy[text.size()] = '\0';
  char* stop = nullptr;
  value = std::strtof(copy, &stop);
  return stop == copy + text.size() && std::isfinite(value) && std::strpbrk(copy, "xXpP") == nullptr;
#endif
}

// Writes the shortest decimal that reads back as the same float32 and answers its end. `out` has room for kLongest.
inline char* format(float value, char* out) {
#if defined(__cpp_lib_to_chars)
  return std::to_chars(out, out + kLongest, value).ptr;
#else
  for (int digits = 6;; ++digits) {
    const int length = std::snprintf(out, kLongest, "%.*g", digits, static_cast<double>(value));
    if (digits == 9 || std::strtof(out, nullptr) == value) return out + length;
  }
#endif
}

}  // namespace anyvec::decimal
