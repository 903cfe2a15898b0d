#pragma once
// Values or errors. Nothing in native/ throws on purpose, prints, aborts or exits; the only exceptions that occur are
// the standard library's own (out of memory), caught where a task begins.

#include <cstdint>
#include <string>
#include <utility>
#include <variant>
#include <vector>

// GCC 12 sees overlapping copies in `"text" + std::to_string(n)` where there are none (its bug 105651).
#if defined(__GNUC__) && !defined(__clang__) && __GNUC__ == 12
#pragma GCC diagnostic ignored "-Wrestrict"
#endif

namespace anyvec {

// The codes are those of lib/errors.ts, without their ERR_ANYVEC_ prefix; test/engine/native-errors.test.ts compares them.
#define ANYVEC_ERROR_CODES(X) \
  X(kOption, "OPTION")        \
  X(kUsage, "USAGE")          \
  X(kFile, "FILE")            \
  X(kEmptyCorpus, "EMPTY_CORPUS") \
  X(kVocabulary, "VOCABULARY") \
  X(kEncoding, "ENCODING")    \
  X(kKeyLength, "KEY_LENGTH") \
  X(kFormat, "FORMAT")        \
  X(kMemory, "MEMORY")        \
  X(kDiverged, "DIVERGED")    \
  X(kDisposed, "DISPOSED")    \
  X(kInternal, "INTERNAL")    \
  X(kAborted, "ABORTED")

enum class Code {
#define X(name, text) name,
  ANYVEC_ERROR_CODES(X)
#undef X
};

inline const char* code_text(Code code) {
  switch (code) {
#define X(name, text) \
  case Code::name:    \
    return text;
    ANYVEC_ERROR_CODES(X)
#undef X
  }
  return "INTERNAL";
}

struct Detail {
  std::string name;
  std::variant<double, std::string> value;
};

struct Error {
  Code code = Code::kInternal;
  std::string message;
  std::vector<Detail> details;
};

struct Done {};

template <class T>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::move(value)) {}           // NOLINT: implicit on purpose
  Result(Error error) : state_(std::move(error)) {}       // NOLINT
  bool ok() const { return std::holds_alternative<T>(state_); }
  T& value() { return std::get<T>(state_); }
  const Error& error() const { return std::get<Error>(state_); }

 private:
  std::variant<T, Error> state_;
};

using Status = Result<Done>;
inline Status success() { return Done{}; }

}  // namespace anyvec
