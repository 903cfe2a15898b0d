#pragma once
// Work on several threads at once, and the flag that stops it.

#include <atomic>
#include <exception>
#include <functional>
#include <system_error>
#include <thread>
#include <vector>

#include "base/result.h"

namespace anyvec {

// Set from any thread; looked at by long loops. Sticky.
class Cancel {
 public:
  void request() { requested_.store(true, std::memory_order_relaxed); }
  bool requested() const { return requested_.load(std::memory_order_relaxed); }

 private:
  std::atomic<bool> requested_{false};
};

inline Error aborted() { return Error{Code::kAborted, "the work was aborted", {}}; }

// Calls work(0 .. count-1), each on a thread of its own, the first on the caller's, and returns how many ran.
// Where the system refuses a thread the ones it gave do all the work, so `work` must take its share from a common counter.
// An exception (memory) is carried back to the caller and thrown there.
inline int run_on_threads(int count, const std::function<void(int)>& work) {
  std::vector<std::thread> threads;
  std::vector<std::exception_ptr> failures(static_cast<size_t>(count > 0 ? count : 1));
  auto guarded = [&](int index) {
    try {
      work(index);
    } catch (...) {
      failures[static_cast<size_t>(index)] = std::current_exception();
    }
  };
  threads.reserve(failures.size());
  for (int index = 1; index < count; ++index) {
    try {
      threads.emplace_back(guarded, index);
    } catch (const std::system_error&) {
      break;
    }
  }
  guarded(0);
  for (auto& thread : threads) thread.join();
  for (auto& failure : failures) {
    if (failure) std::rethrow_exception(failure);
  }
  return static_cast<int>(threads.size()) + 1;
}

}  // namespace anyvec
