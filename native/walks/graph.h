#pragma once
// A graph from lines `a b [weight]`: its nodes' keys, and for every node its neighbours in order, ready to be drawn from.

#include <atomic>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/threads.h"
#include "corpus/corpus.h"
#include "corpus/key_table.h"
#include "sampling/alias.h"

namespace anyvec::walks {

struct GraphOptions {
  bool directed = false;
  bool skip_malformed = false;
};

struct GraphSummary {
  uint64_t nodes = 0;
  uint64_t edges = 0;  // distinct ones; an undirected edge counts once
  uint64_t repeated_edges = 0;
  uint64_t loops = 0;
  bool weighted = false;
  uint64_t zero_weights = 0;
  uint64_t malformed_lines = 0;
  uint64_t comments = 0;
  uint64_t bytes = 0;
};

// Life: add... -> build -> everything else. Each call is made from one thread at a time; what is const may be asked from many.
class Graph {
 public:
  explicit Graph(GraphOptions options) : options_(options) {}

  Status add_file(const std::string& path, const Cancel& cancel, corpus::ReadProgress& progress);
  Status add_block(std::string_view block, const std::string& source, const Cancel& cancel);
  Status end_stream(const Cancel& cancel);
  Result<GraphSummary> build(const Cancel& cancel);

  bool built() const { return state_ == State::kBuilt; }
  bool directed() const { return options_.directed; }
  uint32_t nodes() const { return static_cast<uint32_t>(starts_.size() - 1); }
  const corpus::KeyBytes& keys() const { return keys_; }

  uint32_t degree(uint32_t node) const { return static_cast<uint32_t>(starts_[node + 1] - starts_[node]); }
  const uint32_t* neighbours(uint32_t node) const { return targets_.data() + starts_[node]; }

  // A neighbour is drawn, in proportion to the weights, in steps, so that each one's cache miss can be started long before it is
  // waited for: a column of the node by one draw, the arc that it stands for by another, where that leads. The node must have one.
  uint64_t column(uint32_t node, uint32_t drawn) const { return starts_[node] + random::bounded(drawn, degree(node)); }
  void settle(uint32_t node, uint64_t& arc, uint32_t coin) const {
    if (columns_.empty()) return;
    const sampling::AliasColumn& entry = columns_[arc];
    if (coin >= entry.threshold) arc = starts_[node] + entry.alias;
    prefetch(&targets_[arc]);
  }
  uint32_t target(uint64_t arc) const { return targets_[arc]; }
  void fetch_node(uint32_t node) const { prefetch(&starts_[node]); }
  void fetch_arc(uint64_t column) const { columns_.empty() ? prefetch(&targets_[column]) : prefetch(&columns_[column]); }

  bool has_edge(uint32_t from, uint32_t to) const { return find(from, to) != UINT64_MAX; }
  // What share of the weights that leave `from` leads to `to`; 0 without such an edge.
  double share(uint32_t from, uint32_t to) const;

 private:
  enum class State { kReading, kBuilt, kFailed };
  struct Edge {
    uint32_t from, to;
    float weight;
  };

  // For reading alone: threads share the graph, and one that asks for a line to write to takes it away from the others.
  static void prefetch(const void* address) {
#if defined(_MSC_VER)
    (void)address;
#else
    __builtin_prefetch(address, 0, 3);
#endif
  }

  Status check_reading() const;
  // Reads whole lines, and the last one where `last`; returns how much is done with.
  Result<size_t> read_lines(std::string_view text, bool last, const std::string& source, const Cancel& cancel);
  const char* read_line(std::string_view line);
  const char* node_of(std::string_view key, uint32_t& node);
  uint64_t find(uint32_t from, uint32_t to) const;

  GraphOptions options_;
  State state_ = State::kReading;
  GraphSummary summary_;
  corpus::KeyTable table_;
  std::vector<Edge> edges_;

  bool in_stream_ = false;
  std::string stream_source_;
  std::string carry_;
  bool at_start_ = false;  // the first bytes may be a byte-order mark
  uint64_t lines_ = 0;     // of the file or stream

  corpus::KeyBytes keys_;
  std::vector<uint64_t> starts_{0};
  std::vector<uint32_t> targets_;
  // Empty where all edges weigh the same.
  std::vector<double> weights_;
  std::vector<double> totals_;  // of the weights that leave a node
  std::vector<sampling::AliasColumn> columns_;
};

}  // namespace anyvec::walks
