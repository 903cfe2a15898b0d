#include "walks/walks.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <vector>

#include "base/checked.h"
#include "base/random.h"

namespace anyvec::walks {

namespace {

// Entries of a part, about: a part is what a thread makes at a time, and a segment of the id store.
constexpr uint64_t kPartEntries = uint64_t{1} << 18;

// A permutation of 0 .. size - 1 of which any place can be asked for: a Feistel network over the next even number of bits, walked
// until it comes back inside.
class Shuffle {
 public:
  Shuffle(uint64_t seed, uint32_t round, uint32_t size)
      : key_(random::stream(seed, random::Purpose::kWalkOrder, round, 0)),
        size_(size),
        half_(std::max(1, (static_cast<int>(std::bit_width(size - 1)) + 1) / 2)),
        mask_((uint32_t{1} << half_) - 1) {}

  uint32_t at(uint32_t place) const {
    uint64_t x = place;
    do {
      auto left = static_cast<uint32_t>(x >> half_), right = static_cast<uint32_t>(x & mask_);
      for (uint32_t turn = 0; turn < 4; ++turn) {
        const uint32_t next = left ^ (random::draw(key_, turn << 16 | right) & mask_);
        left = right;
        right = next;
      }
      x = static_cast<uint64_t>(left) << half_ | right;
    } while (x >= size_);
    return static_cast<uint32_t>(x);
  }

 private:
  random::Key key_;
  uint32_t size_;
  int half_;
  uint32_t mask_;
};

// A draw below this takes a neighbour of that likelihood.
uint64_t limit(double likelihood, double highest) {
  return likelihood >= highest ? uint64_t{1} << 32 : static_cast<uint64_t>(std::floor(likelihood / highest * 4294967296.0));
}

// Walks that are made side by side: a step waits for memory most of the time, so all of them ask before the first one looks.
constexpr size_t kLanes = 16;

class Walker {
 public:
  Walker(const Graph& graph, const WalkOptions& options)
      : graph_(graph),
        seed_(options.seed),
        length_(options.length),
        plain_(options.p == 1 && options.q == 1),
        back_(1 / options.p),
        highest_(std::max(1.0, 1 / options.q)),
        back_limit_(limit(back_, highest_)),
        near_limit_(limit(1, highest_)),
        far_limit_(limit(1 / options.q, highest_)) {}

  // Fills `entries` with walks from .. to of the flat order over all rounds, an end mark behind each; returns how many ended early.
  uint64_t make(uint64_t from, uint64_t to, std::vector<uint32_t>& entries) const {
    const size_t stride = size_t{length_} + 1;
    entries.resize((to - from) * stride);
    Lane lanes[kLanes];
    size_t busy = 0;
    uint64_t next = from, early = 0;
    auto round = static_cast<uint32_t>(from / graph_.nodes());
    Shuffle shuffle(seed_, round, graph_.nodes());
    auto begin = [&](Lane& lane) {
      if (next / graph_.nodes() != round) shuffle = Shuffle(seed_, ++round, graph_.nodes());
      const uint32_t node = shuffle.at(static_cast<uint32_t>(next % graph_.nodes()));
      lane = {random::stream(seed_, random::Purpose::kWalk, round, node), 0, node, node, 1, entries.data() + (next - from) * stride, 0, 0, false};
      lane.out[0] = node;
      graph_.fetch_node(node);
      ++next;
    };
    while (busy < kLanes && next < to) begin(lanes[busy++]);
    while (busy > 0) {
      for (size_t i = 0; i < busy;) {
        Lane& lane = lanes[i];
        const bool whole = lane.step == length_;
        if (whole || graph_.degree(lane.node) == 0) {
          lane.out[lane.step] = corpus::kEndMark;
          early += whole ? 0 : 1;
          if (next < to) {
            begin(lane);
          } else {
            lane = lanes[--busy];
          }
          continue;
        }
        choose(lane);
        ++i;
      }
      for (size_t i = 0; i < busy; ++i) {
        if (!lanes[i].leaps) graph_.settle(lanes[i].node, lanes[i].arc, lanes[i].coin);
      }
      for (size_t i = 0; i < busy; ++i) {
        if (!lanes[i].leaps) graph_.fetch_node(lanes[i].chosen = graph_.target(lanes[i].arc));
      }
      for (size_t i = 0; i < busy; ++i) step(lanes[i]);
    }
    if (early > 0) close_up(entries, to - from, stride);
    return early;
  }

 private:
  // A walk under way.
  struct Lane {
    random::Key key;
    uint32_t index;  // of its next draw
    uint32_t before, node;
    uint32_t step;  // nodes so far
    uint32_t* out;
    uint64_t arc;
    uint32_t coin;
    bool leaps;  // the next step goes back, beyond doubt
    uint32_t chosen = 0;
    uint32_t draw() { return random::draw(key, index++); }
  };

  bool second_order(const Lane& lane) const { return !plain_ && lane.step > 1; }

  // Rejection sampling (Yang et al. 2019, KnightKing): a neighbour is drawn as if there were no memory, and taken with its likelihood by
  // the highest one. Where the way back is likelier than that, what it has beyond is drawn first, by itself.
  void choose(Lane& lane) const {
    lane.leaps = false;
    if (back_ > highest_ && second_order(lane)) {
      const double beyond = graph_.share(lane.node, lane.before) * (back_ - highest_);
      const auto leap = static_cast<uint64_t>(std::floor(beyond / (highest_ + beyond) * 4294967296.0));
      lane.leaps = beyond > 0 && lane.draw() < leap;
      if (lane.leaps) return;
    }
    const uint32_t drawn = lane.draw();
    lane.coin = lane.draw();
    lane.arc = graph_.column(lane.node, drawn);
    graph_.fetch_arc(lane.arc);
  }

  // Takes what was chosen, or leaves it for another choice.
  void step(Lane& lane) const {
    if (lane.leaps) {
      lane.chosen = lane.before;
    } else if (second_order(lane) && !taken(lane.before, lane.chosen, lane.draw())) {
      return;
    }
    lane.out[lane.step++] = lane.chosen;
    lane.before = lane.node;
    lane.node = lane.chosen;
  }

  bool taken(uint32_t before, uint32_t next, uint32_t coin) const {
    if (next == before) return coin < back_limit_;
    if (coin < std::min(near_limit_, far_limit_)) return true;
    if (coin >= std::max(near_limit_, far_limit_)) return false;
    // only here does it matter whether an edge leads there from the node before
    return coin < (near(before, next) ? near_limit_ : far_limit_);
  }

  bool near(uint32_t before, uint32_t next) const {
    const bool turn = !graph_.directed() && graph_.degree(next) < graph_.degree(before);
    return turn ? graph_.has_edge(next, before) : graph_.has_edge(before, next);
  }

  // Leaves out the room that walks which ended early did not need.
  static void close_up(std::vector<uint32_t>& entries, uint64_t walks, size_t stride) {
    size_t kept = 0;
    for (uint64_t walk = 0; walk < walks; ++walk) {
      size_t at = walk * stride;
      do {
        entries[kept++] = entries[at];
      } while (entries[at++] != corpus::kEndMark);
    }
    entries.resize(kept);
  }

  const Graph& graph_;
  uint64_t seed_;
  uint32_t length_;
  bool plain_;
  double back_, highest_;
  uint64_t back_limit_, near_limit_, far_limit_;
};

}  // namespace

Result<WalkSummary> add_walks(corpus::Corpus& corpus, const Graph& graph, const WalkOptions& options, const Cancel& cancel, WalkProgress& progress) {
  if (!graph.built()) return Error{Code::kUsage, "the graph is not built", {}};
  auto likelihood = [](double value) { return value >= 1e-6 && value <= 1e6; };
  if (options.walks < 1 || options.length < 1 || options.length > kPartEntries || !likelihood(options.p) || !likelihood(options.q)) {
    return Error{Code::kOption, "walks must be 1 or more, walkLength 1..262144, p and q 1e-6..1e6", {}};
  }
  const auto total = checked_product(options.walks, graph.nodes());
  if (!total || !checked_product(*total, size_t{options.length} + 1, sizeof(uint32_t))) {
    return Error{Code::kMemory, "the walks are more than can be counted; ask for fewer or shorter ones", {}};
  }
  const Walker walker(graph, options);
  const uint64_t walks_a_part = std::max<uint64_t>(1, kPartEntries / (uint64_t{options.length} + 1));
  std::atomic<uint64_t> ended_early{0};
  progress.total.store(*total);
  auto make = [&](uint64_t part, std::vector<uint32_t>& entries) {
    const uint64_t from = part * walks_a_part, to = std::min<uint64_t>(*total, from + walks_a_part);
    ended_early.fetch_add(walker.make(from, to, entries));
    progress.walks.fetch_add(to - from);
  };
  auto status = corpus.add_made(graph.keys(), (*total + walks_a_part - 1) / walks_a_part, make, cancel);
  if (!status.ok()) return status.error();
  return WalkSummary{*total, ended_early.load()};
}

}  // namespace anyvec::walks
