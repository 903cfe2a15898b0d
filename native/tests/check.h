#pragma once
// A small unit-test frame. One source file is one program, which runs all of its tests:
//
//   #include "tests/check.h"
//
//   TEST(a_product_that_does_not_fit_is_refused) {
//     CHECK(!checked_multiply(SIZE_MAX, 2));
//     CHECK_NEAR(exp(0.0), 1.0, 1e-12);
//   }
//
// The program takes parts of test names to run only those, prints each failure, and ends with `N passed, N failed`.
// It exits 1 when a test failed or when none ran.

#include <cmath>
#include <cstdio>
#include <cstring>
#include <exception>
#include <sstream>
#include <string>
#include <vector>

namespace anyvec::check {

struct Test {
  const char* name;
  void (*body)();
};

inline std::vector<Test>& tests() {
  static std::vector<Test> all;
  return all;
}

// Failures of the test that is running. Only the thread that runs the test may check.
inline int& failures() {
  static int count = 0;
  return count;
}

struct Registration {
  Registration(const char* name, void (*body)()) { tests().push_back({name, body}); }
};

inline void fail(const char* file, int line, const std::string& what) {
  // A loop that fails a million times shall not print a million lines.
  constexpr int kPrinted = 20;
  if (++failures() <= kPrinted) std::printf("    %s:%d: %s\n", file, line, what.c_str());
  if (failures() == kPrinted + 1) std::printf("    (further failures of this test are not printed)\n");
}

template <typename A, typename B>
std::string describe(const char* a, const char* b, const A& left, const B& right) {
  std::ostringstream text;
  text.precision(17);
  text << a << " is " << left << ", " << b << " is " << right;
  return text.str();
}

inline bool near(double a, double b, double tolerance) {
  // Written so that NaN is near nothing.
  return a == b || std::fabs(a - b) <= tolerance;
}

inline bool chosen(const char* name, int argc, char** argv) {
  for (int i = 1; i < argc; ++i) {
    if (std::strstr(name, argv[i])) return true;
  }
  return argc == 1;
}

inline int run(int argc, char** argv) {
  int passed = 0;
  int failed = 0;
  for (const Test& test : tests()) {
    if (!chosen(test.name, argc, argv)) continue;
    failures() = 0;
    try {
      test.body();
    } catch (const std::exception& error) {
      fail(test.name, 0, std::string("threw ") + error.what());
    } catch (...) {
      fail(test.name, 0, "threw something that is no std::exception");
    }
    std::printf("%s %s\n", failures() ? "FAIL" : "  ok", test.name);
    // A crash in the next test must not take this line with it.
    std::fflush(stdout);
    ++(failures() ? failed : passed);
  }
  if (passed + failed == 0) std::printf("no test ran\n");
  std::printf("%d passed, %d failed\n", passed, failed);
  return failed || passed == 0 ? 1 : 0;
}

}  // namespace anyvec::check

#define TEST(name)                                                                \
  static void test_##name();                                                      \
  static const ::anyvec::check::Registration registration_##name(#name, test_##name); \
  static void test_##name()

// Every check goes on after a failure; CHECK is an expression's value, so `if (!CHECK(pointer)) return;` stops.
#define CHECK(condition) \
  ((condition) ? true : (::anyvec::check::fail(__FILE__, __LINE__, "not true: " #condition), false))

#define CHECK_EQUAL(a, b)                                                                               \
  ([](const auto& left, const auto& right) {                                                            \
    if (left == right) return true;                                                                     \
    ::anyvec::check::fail(__FILE__, __LINE__, ::anyvec::check::describe(#a, #b, left, right));          \
    return false;                                                                                       \
  }((a), (b)))

#define CHECK_NEAR(a, b, tolerance)                                                                     \
  ([](double left, double right, double bound) {                                                        \
    if (::anyvec::check::near(left, right, bound)) return true;                                         \
    ::anyvec::check::fail(__FILE__, __LINE__, ::anyvec::check::describe(#a, #b, left, right) +          \
                                                  ", further apart than " #tolerance);                  \
    return false;                                                                                       \
  }((a), (b), (tolerance)))

int main(int argc, char** argv) { return ::anyvec::check::run(argc, argv); }
