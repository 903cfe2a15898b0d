// Graphs and walks: what is read, that walks follow from the seed alone, and that their steps have the frequencies that they should.

#include "walks/walks.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "tests/check.h"

using namespace anyvec;
using walks::Graph;
using walks::GraphOptions;
using walks::GraphSummary;
using walks::WalkOptions;

namespace {

const std::string kFolder = std::getenv("TMPDIR") != nullptr ? std::getenv("TMPDIR") : "/tmp";
const Cancel kGo;

// The graph of some lines, and what it says about itself.
struct Read {
  explicit Read(const std::string& text, GraphOptions options = {}, size_t block = SIZE_MAX) : graph(options) {
    for (size_t at = 0; at < text.size() && error.empty(); at += block) {
      if (auto status = graph.add_block(std::string_view(text).substr(at, block), "lines", kGo); !status.ok()) error = status.error().message;
      if (block == SIZE_MAX) break;
    }
    if (error.empty()) {
      if (auto status = graph.end_stream(kGo); !status.ok()) error = status.error().message;
    }
    if (!error.empty()) return;
    auto built = graph.build(kGo);
    if (built.ok()) summary = built.value();
  }
  uint32_t node(const std::string& name) const {
    for (uint32_t i = 0; i < graph.nodes(); ++i) {
      if (graph.keys().at(i) == name) return i;
    }
    return UINT32_MAX;
  }
  std::string neighbours(const std::string& name) const {
    std::string out;
    const uint32_t from = node(name);
    for (uint32_t i = 0; i < graph.degree(from); ++i) out += std::string(graph.keys().at(graph.neighbours(from)[i])) + " ";
    return out;
  }
  Graph graph;
  GraphSummary summary;
  std::string error;
};

// All walks, as the nodes' names.
std::vector<std::vector<std::string>> walked(const Graph& graph, WalkOptions options, int threads = 1, uint64_t memory = UINT64_MAX) {
  corpus::Corpus corpus({threads, memory, kFolder, false});
  walks::WalkProgress progress;
  if (!walks::add_walks(corpus, graph, options, kGo, progress).ok() || !corpus.finish(1, 0, kGo).ok()) return {};
  std::vector<uint32_t> ids(corpus.ids().size());
  if (!corpus.ids().read(0, ids.size(), ids.data()).ok()) return {};
  std::vector<std::vector<std::string>> out(1);
  for (uint32_t id : ids) {
    if (id == corpus::kEndMark) {
      out.emplace_back();
    } else {
      out.back().emplace_back(corpus.keys().at(id));
    }
  }
  out.pop_back();
  return out;
}

constexpr const char* kTwoTriangles = "a b\nb c\nc a\nc d\nd e\ne f\nf d\n";

}  // namespace

TEST(edges_lead_both_ways_unless_the_graph_is_directed) {
  const Read both("a b\nb c\n"), one("a b\nb c\n", {true, false});
  CHECK_EQUAL(both.neighbours("b"), std::string("a c "));
  CHECK_EQUAL(one.neighbours("b"), std::string("c "));
  CHECK_EQUAL(one.neighbours("c"), std::string());
  CHECK_EQUAL(both.summary.edges, uint64_t{2});
  CHECK_EQUAL(one.summary.edges, uint64_t{2});
  CHECK(!both.summary.weighted);
}

TEST(comments_blank_lines_and_blanks_are_no_edges_and_blocks_may_end_anywhere) {
  const std::string text = "\xef\xbb\xbf# nodes\n\n  \t\n% more\na\tb 2\r\n  #x   y\t0.5  \nb a";
  for (size_t block : {size_t{1}, size_t{2}, size_t{5}, SIZE_MAX}) {
    const Read read(text, {}, block);
    CHECK_EQUAL(read.error, std::string());
    CHECK_EQUAL(read.summary.nodes, uint64_t{4});
    CHECK_EQUAL(read.summary.edges, uint64_t{2});
    CHECK_EQUAL(read.summary.repeated_edges, uint64_t{1});
    CHECK_EQUAL(read.summary.comments, uint64_t{2});
    CHECK_EQUAL(read.summary.bytes, uint64_t{text.size()});
    CHECK(read.summary.weighted);
  }
}

TEST(weights_of_repeated_edges_add_up_and_loops_are_kept) {
  const Read read("a b 1\nb a 2\na a 3\na a 1\na c 0\n");
  CHECK_EQUAL(read.summary.nodes, uint64_t{2});
  CHECK_EQUAL(read.summary.edges, uint64_t{2});
  CHECK_EQUAL(read.summary.repeated_edges, uint64_t{2});
  CHECK_EQUAL(read.summary.loops, uint64_t{1});
  CHECK_EQUAL(read.summary.zero_weights, uint64_t{1});
  CHECK_NEAR(read.graph.share(read.node("a"), read.node("b")), 3.0 / 7, 1e-12);
}

TEST(a_line_that_is_no_edge_is_an_error_that_names_it_or_is_counted) {
  const struct {
    const char* line;
    const char* wrong;
  } cases[] = {{"alone", "names one node"},       {"a b c", "weight is no number"}, {"a b 1 2", "more than three"},
               {"a b -1", "weight is negative"},  {"a b nan", "is no number"},      {"a b 1e39", "is no number"},
               {"a \xff", "not valid UTF-8"}};
  for (const auto& each : cases) {
    const Read stops("x y\n" + std::string(each.line) + "\n");
    CHECK(stops.error.find("line 2") != std::string::npos);
    CHECK(stops.error.find(each.wrong) != std::string::npos);
    const Read skips("x y\n" + std::string(each.line) + "\n", {false, true});
    CHECK_EQUAL(skips.summary.malformed_lines, uint64_t{1});
    CHECK_EQUAL(skips.summary.edges, uint64_t{1});
  }
}

TEST(walks_are_the_same_for_any_number_of_threads_and_differ_by_seed) {
  std::string text;
  for (int i = 0; i < 3000; ++i) text += std::to_string(i) + " " + std::to_string(i * 7 % 3000) + " " + std::to_string(1 + i % 4) + "\n" + std::to_string(i) + " " + std::to_string((i + 1) % 3000) + "\n";
  const Read read(text);
  for (const double q : {1.0, 0.5}) {
    const WalkOptions options{4, 50, 0.5, q, 9};
    const auto one = walked(read.graph, options, 1);
    CHECK_EQUAL(one.size(), size_t{12000});
    CHECK(one == walked(read.graph, options, 2));
    CHECK(one == walked(read.graph, options, 5, 1000));
    CHECK(one != walked(read.graph, {4, 50, 0.5, q, 10}, 1));
  }
}

TEST(every_round_begins_once_at_every_node_in_an_order_of_its_own) {
  std::string text;
  for (int i = 0; i < 777; ++i) text += std::to_string(i) + " " + std::to_string(i + 1) + "\n";
  const Read read(text);
  const auto all = walked(read.graph, {3, 2, 1, 1, 1});
  CHECK_EQUAL(all.size(), size_t{3 * 778});
  std::vector<std::string> orders;
  for (size_t round = 0; round < 3; ++round) {
    std::set<std::string> begins;
    std::string order;
    for (size_t i = 0; i < 778; ++i) {
      begins.insert(all[round * 778 + i][0]);
      order += all[round * 778 + i][0] + " ";
    }
    CHECK_EQUAL(begins.size(), size_t{778});
    orders.push_back(order);
  }
  CHECK(orders[0] != orders[1]);
  CHECK(orders[1] != orders[2]);
}

TEST(walks_follow_edges_and_end_where_none_leads_on) {
  const Read read("a b\nb c\n", {true, false});
  corpus::Corpus corpus({1, UINT64_MAX, kFolder, false});
  walks::WalkProgress progress;
  auto done = walks::add_walks(corpus, read.graph, {2, 5, 1, 1, 1}, kGo, progress);
  CHECK(done.ok());
  CHECK_EQUAL(done.value().walks, uint64_t{6});
  CHECK_EQUAL(done.value().ended_early, uint64_t{6});
  std::map<std::string, int> seen;
  for (const auto& walk : walked(read.graph, {2, 5, 1, 1, 1})) {
    std::string line;
    for (const auto& node : walk) line += node;
    ++seen[line];
  }
  CHECK_EQUAL(seen["abc"], 2);
  CHECK_EQUAL(seen["bc"], 2);
  CHECK_EQUAL(seen["c"], 2);
}

TEST(first_order_steps_are_as_frequent_as_weights_say) {
  const Read read("a b 1\na c 2\na d 5\n", {true, false});
  std::map<std::string, double> seen;
  double total = 0;
  for (const auto& walk : walked(read.graph, {20000, 2, 1, 1, 3})) {
    if (walk.size() < 2) continue;
    ++seen[walk[1]];
    ++total;
  }
  // four standard deviations
  auto near = [&](const char* node, double share) { CHECK_NEAR(seen[node] / total, share, 4 * std::sqrt(share * (1 - share) / total)); };
  near("b", 1.0 / 8);
  near("c", 2.0 / 8);
  near("d", 5.0 / 8);
}

TEST(second_order_steps_are_as_frequent_as_p_and_q_say) {
  const struct {
    std::string lines;
    bool directed;
  } graphs[] = {{kTwoTriangles, false}, {"a b 1\nb c 3\nc a 2\nc d 1\nd e 4\ne f 1\nf d 0.5\nb d 2\n", false}, {"a b\nb c\nb a\nc a\na c\nc b\n b d\nd a\n", true}};
  const double settings[][2] = {{0.25, 4}, {4, 0.25}, {0.01, 1}, {1, 0.5}, {50, 2}, {0.1, 0.1}};
  for (const auto& each : graphs) {
    const Read read(each.lines, {each.directed, false});
    const Graph& graph = read.graph;
    for (const auto& [p, q] : settings) {
      std::map<std::vector<uint32_t>, double> seen;
      std::map<std::pair<uint32_t, uint32_t>, double> totals;
      for (const auto& walk : walked(graph, {600, 40, p, q, 5})) {
        for (size_t i = 2; i < walk.size(); ++i) {
          const uint32_t t = read.node(walk[i - 2]), v = read.node(walk[i - 1]), x = read.node(walk[i]);
          ++seen[{t, v, x}];
          ++totals[{t, v}];
        }
      }
      for (const auto& [pair, total] : totals) {
        const auto [t, v] = pair;
        if (total < 2000) continue;
        double sum = 0;
        std::map<uint32_t, double> likelihood;
        for (uint32_t i = 0; i < graph.degree(v); ++i) {
          const uint32_t x = graph.neighbours(v)[i];
          const double bias = x == t ? 1 / p : graph.has_edge(t, x) ? 1 : 1 / q;
          likelihood[x] = graph.share(v, x) * bias;
          sum += likelihood[x];
        }
        for (const auto& [x, weight] : likelihood) {
          const double share = weight / sum;
          CHECK_NEAR((seen[{t, v, x}]) / total, share, 5 * std::sqrt(share * (1 - share) / total) + 1e-9);
        }
      }
    }
  }
}

TEST(walks_of_a_graph_that_is_not_built_are_refused) {
  Graph graph({});
  corpus::Corpus corpus({1, UINT64_MAX, kFolder, false});
  walks::WalkProgress progress;
  CHECK(!walks::add_walks(corpus, graph, {}, kGo, progress).ok());
  const Read read("a b\n");
  CHECK(!walks::add_walks(corpus, read.graph, {0, 80, 1, 1, 1}, kGo, progress).ok());
  CHECK(!walks::add_walks(corpus, read.graph, {1, 80, 0, 1, 1}, kGo, progress).ok());
  CHECK(!walks::add_walks(corpus, read.graph, {1, 80, 1, std::nan(""), 1}, kGo, progress).ok());
}
