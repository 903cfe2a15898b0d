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

  // Appends the walk of a round that begins at a node, and says whether it has its full length.
  bool walk(uint32_t round, uint32_t node, std::vector<uint32_t>& entries) const {
    Draws draws{random::stream(seed_, random::Purpose::kWalk, round, node)};
    entries.push_back(node);
    uint32_t before = node;
    for (uint32_t step = 1; step < length_; ++step) {
      if (graph_.degree(node) == 0) return false;
      const uint32_t next = plain_ || step == 1 ? draws.neighbour(graph_, node) : second_order(draws, before, node);
      entries.push_back(next);
      before = node;
      node = next;
    }
    return true;
  }

 private:
  // A walk's draws, one after the other.
  struct Draws {
    random::Key key;
    uint32_t index = 0;
    uint32_t next() { return random::draw(key, index++); }
    uint32_t neighbour(const Graph& graph, uint32_t node) {
      const uint32_t drawn = next();
      return graph.draw(node, drawn, next());
    }
  };

  // Rejection sampling (Yang et al. 2019, KnightKing): a neighbour is drawn as if there were no memory, and taken with its likelihood by
  // the highest one. Where the way back is likelier than that, what it has beyond is drawn first, by itself.
  uint32_t second_order(Draws& draws, uint32_t before, uint32_t node) const {
    const double beyond = back_ > highest_ ? graph_.share(node, before) * (back_ - highest_) : 0;
    const uint64_t leap = beyond > 0 ? static_cast<uint64_t>(std::floor(beyond / (highest_ + beyond) * 4294967296.0)) : 0;
    for (;;) {
      if (beyond > 0 && draws.next() < leap) return before;
      const uint32_t next = draws.neighbour(graph_, node);
      const uint32_t coin = draws.next();
      if (next == before) {
        if (coin < back_limit_) return next;
      } else if (coin < std::min(near_limit_, far_limit_)) {
        return next;
      } else if (coin < std::max(near_limit_, far_limit_)) {
        // only here does it matter whether an edge leads there from the node before
        if (coin < (near(before, next) ? near_limit_ : far_limit_)) return next;
      }
    }
  }

  bool near(uint32_t before, uint32_t next) const {
    const bool turn = !graph_.directed() && graph_.degree(next) < graph_.degree(before);
    return turn ? graph_.has_edge(next, before) : graph_.has_edge(before, next);
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
    uint64_t early = 0;
    for (uint64_t number = from; number < to;) {
      const auto round = static_cast<uint32_t>(number / graph.nodes());
      const Shuffle shuffle(options.seed, round, graph.nodes());
      const uint64_t end = std::min(to, (uint64_t{round} + 1) * graph.nodes());
      for (; number < end; ++number) {
        early += walker.walk(round, shuffle.at(static_cast<uint32_t>(number % graph.nodes())), entries) ? 0 : 1;
        entries.push_back(corpus::kEndMark);
      }
    }
    ended_early.fetch_add(early);
    progress.walks.fetch_add(to - from);
  };
  auto status = corpus.add_made(graph.keys(), (*total + walks_a_part - 1) / walks_a_part, make, cancel);
  if (!status.ok()) return status.error();
  return WalkSummary{*total, ended_early.load()};
}

}  // namespace anyvec::walks
