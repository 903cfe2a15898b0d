#pragma once
// The k best of many scored rows.

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

namespace anyvec::search {

struct Scored {
  float score;
  uint32_t row;
};
// A total order, so that the k best of some rows are the same whoever looks for them, and in whatever parts.
inline bool better(const Scored& a, const Scored& b) { return a.score > b.score || (a.score == b.score && a.row < b.row); }

// Collects rows offered in rising order. It gathers more than k before it drops the worse ones: that costs a constant an offer, whatever k,
// where a heap would cost log k.
class Best {
 public:
  explicit Best(uint64_t k) : k_(k), room_(k + std::max<uint64_t>(k, kSpare)) {}

  // A row whose score is less than this cannot enter.
  float bar() const { return bar_; }

  // Scores that are not numbers must not be offered.
  void offer(float score, uint32_t row) {
    // Scores that are equal to the bar come too late: rows rise.
    if (score < bar_) return;
    found_.push_back({score, row});
    if (found_.size() == room_) drop();
  }

  // The best ones, in no order; at most k.
  std::vector<Scored> take() {
    if (found_.size() > k_) drop();
    return std::move(found_);
  }

 private:
  static constexpr uint64_t kSpare = 32;

  void drop() {
    std::nth_element(found_.begin(), found_.begin() + static_cast<ptrdiff_t>(k_ - 1), found_.end(), better);
    found_.resize(k_);
    bar_ = std::nextafter(found_.back().score, std::numeric_limits<float>::infinity());
  }

  uint64_t k_;
  uint64_t room_;
  float bar_ = -std::numeric_limits<float>::infinity();
  std::vector<Scored> found_;
};

}  // namespace anyvec::search
