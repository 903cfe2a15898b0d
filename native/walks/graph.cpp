#include "walks/graph.h"

#include <algorithm>
#include <cstring>
#include <memory>

#include "base/decimal.h"
#include "base/file.h"
#include "corpus/tokenizer.h"
#include "corpus/utf8.h"

namespace anyvec::walks {

namespace {

constexpr char kByteOrderMark[] = "\xef\xbb\xbf";
// Bytes of a file read at a time.
constexpr uint64_t kBlockBytes = uint64_t{1} << 20;
// Lines between two looks at the flag that stops the work.
constexpr uint64_t kLinesATime = 4096;
// A line that is longer cannot be an edge: two keys, a weight, and blanks.
constexpr size_t kMaxLine = 4 * corpus::kMaxKeyBytes;

}  // namespace

Status Graph::check_reading() const {
  if (state_ == State::kReading) return success();
  return Error{Code::kUsage, "no edges can be added to a graph that is built", {}};
}

const char* Graph::node_of(std::string_view key, uint32_t& node) {
  if (key.size() > corpus::kMaxKeyBytes) return "a node's name is longer than 16384 bytes";
  if (std::memchr(key.data(), 0, key.size()) != nullptr) return "a node's name holds a NUL byte";
  node = table_.number(key);
  if (node != corpus::KeyTable::kNone) return nullptr;
  if (!corpus::valid_utf8(key.data(), key.size())) return "a node's name is not valid UTF-8";
  if (table_.size() == UINT32_MAX - 1) return "the graph has more nodes than can be numbered";
  node = table_.claim(key)->number;
  return nullptr;
}

// What is wrong with the line, or nullptr.
const char* Graph::read_line(std::string_view line) {
  if (!line.empty() && (line[0] == '#' || line[0] == '%')) {
    ++summary_.comments;
    return nullptr;
  }
  std::string_view fields[3];
  size_t count = 0;
  for (size_t at = 0;;) {
    while (at < line.size() && corpus::is_space(line[at])) ++at;
    if (at == line.size()) break;
    if (count == 3) return "it has more than three fields";
    const size_t from = at;
    while (at < line.size() && !corpus::is_space(line[at])) ++at;
    fields[count++] = line.substr(from, at - from);
  }
  if (count == 0) return nullptr;
  if (count == 1) return "it names one node";
  float weight = 1;
  if (count == 3) {
    if (!decimal::parse(fields[2], weight)) return "its weight is no number";
    if (weight < 0) return "its weight is negative";
    if (weight == 0) {
      ++summary_.zero_weights;
      return nullptr;
    }
  }
  Edge edge{0, 0, weight};
  if (const char* wrong = node_of(fields[0], edge.from)) return wrong;
  if (const char* wrong = node_of(fields[1], edge.to)) return wrong;
  edges_.push_back(edge);
  return nullptr;
}

Result<size_t> Graph::read_lines(std::string_view text, bool last, const std::string& source, const Cancel& cancel) {
  size_t at = 0;
  while (at < text.size()) {
    const void* found = std::memchr(text.data() + at, '\n', text.size() - at);
    size_t end = found == nullptr ? text.size() : static_cast<size_t>(static_cast<const char*>(found) - text.data());
    const bool whole = found != nullptr || last;
    const bool too_long = end - at > kMaxLine;
    if (!whole && !too_long) break;
    const char* wrong = too_long ? "it is too long" : read_line(text.substr(at, end - at));
    if (wrong != nullptr) {
      ++summary_.malformed_lines;
      if (!options_.skip_malformed || too_long) {
        state_ = State::kFailed;
        return Error{Code::kFormat,
                     source + ": line " + std::to_string(lines_ + 1) + " is no edge (`a b` or `a b weight`): " + wrong +
                         "; mend it, or pass such lines over with malformed: 'skip' (--malformed skip)",
                     {{"source", source}, {"line", static_cast<double>(lines_ + 1)}}};
      }
    }
    ++lines_;
    at = std::min(text.size(), end + 1);
    if (lines_ % kLinesATime == 0 && cancel.requested()) {
      state_ = State::kFailed;
      return aborted();
    }
  }
  summary_.bytes += at;
  return at;
}

Status Graph::add_file(const std::string& path, const Cancel& cancel, corpus::ReadProgress& progress) {
  if (auto status = check_reading(); !status.ok()) return status;
  if (in_stream_) return Error{Code::kUsage, "a stream is being read; end it before a file is added", {}};
  auto opened = InputFile::open(path);
  if (!opened.ok()) return opened.error();
  const auto& file = opened.value();
  progress.total.store(file->size());
  std::string block;
  for (uint64_t at = 0; at < file->size(); at += block.size()) {
    block.resize(static_cast<size_t>(std::min<uint64_t>(kBlockBytes, file->size() - at)));
    auto status = file->read(at, block.data(), block.size());
    if (status.ok()) status = add_block(block, path, cancel);
    if (!status.ok()) {
      state_ = State::kFailed;
      return status;
    }
    progress.bytes.store(at + block.size());
  }
  return end_stream(cancel);
}

Status Graph::add_block(std::string_view block, const std::string& source, const Cancel& cancel) {
  if (auto status = check_reading(); !status.ok()) return status;
  if (!in_stream_) {
    in_stream_ = true;
    stream_source_ = source;
    at_start_ = true;
    lines_ = 0;
    carry_.clear();
  }
  carry_.append(block);
  if (at_start_) {
    if (carry_.size() < 3) return success();
    at_start_ = false;
    if (std::string_view(carry_).substr(0, 3) == kByteOrderMark) {
      carry_.erase(0, 3);
      summary_.bytes += 3;
    }
  }
  auto read = read_lines(carry_, false, source, cancel);
  if (!read.ok()) return read.error();
  carry_.erase(0, read.value());
  return success();
}

Status Graph::end_stream(const Cancel& cancel) {
  if (auto status = check_reading(); !status.ok()) return status;
  if (!in_stream_) return success();
  in_stream_ = false;
  auto read = read_lines(carry_, true, stream_source_, cancel);
  carry_ = std::string();
  if (!read.ok()) return read.error();
  return success();
}

Result<GraphSummary> Graph::build(const Cancel& cancel) {
  if (auto status = check_reading(); !status.ok()) return status.error();
  if (in_stream_) return Error{Code::kUsage, "a stream is being read; end it first", {}};
  const size_t nodes = table_.size();
  for (uint32_t node = 0; node < nodes; ++node) keys_.add(table_.key(node));
  table_ = corpus::KeyTable();

  // Sorted by counting, first by where an arc leads, then by where it begins: every node's neighbours stand in order, equal ones in the
  // order of their lines.
  auto each_arc = [&](auto&& visit) {
    for (const Edge& edge : edges_) {
      visit(edge.from, edge.to, edge.weight);
      if (!options_.directed && edge.from != edge.to) visit(edge.to, edge.from, edge.weight);
    }
  };
  std::vector<uint64_t> at(nodes + 1, 0);
  starts_.assign(nodes + 1, 0);
  each_arc([&](uint32_t from, uint32_t to, float) {
    ++at[to + 1];
    ++starts_[from + 1];
  });
  for (size_t node = 0; node < nodes; ++node) {
    at[node + 1] += at[node];
    starts_[node + 1] += starts_[node];
  }
  const uint64_t arcs = starts_[nodes], lines = edges_.size();
  std::vector<Edge> sorted(arcs);
  each_arc([&](uint32_t from, uint32_t to, float weight) { sorted[at[to]++] = {from, to, weight}; });
  edges_ = {};
  if (cancel.requested()) {
    state_ = State::kFailed;
    return aborted();
  }
  targets_.resize(arcs);
  weights_.resize(arcs);
  std::copy(starts_.begin(), starts_.end(), at.begin());
  for (const Edge& arc : sorted) {
    targets_[at[arc.from]] = arc.to;
    weights_[at[arc.from]++] = arc.weight;
  }
  sorted = {};

  // Edges that came more than once become one.
  uint64_t kept = 0, loops = 0;
  bool weighted = false;
  for (size_t node = 0; node < nodes; ++node) {
    const uint64_t from = starts_[node], to = starts_[node + 1];
    starts_[node] = kept;
    for (uint64_t arc = from; arc < to; ++arc) {
      if (kept > starts_[node] && targets_[kept - 1] == targets_[arc]) {
        weights_[kept - 1] += weights_[arc];
        continue;
      }
      loops += targets_[arc] == node ? 1 : 0;
      targets_[kept] = targets_[arc];
      weights_[kept++] = weights_[arc];
    }
  }
  starts_[nodes] = kept;
  targets_.resize(kept);
  targets_.shrink_to_fit();
  weights_.resize(kept);
  for (double weight : weights_) weighted = weighted || weight != 1;
  const bool even = std::all_of(weights_.begin(), weights_.end(), [&](double weight) { return weight == weights_[0]; });
  if (even) {
    weights_ = {};
  } else {
    columns_.resize(kept);
    totals_.resize(nodes, 0);
    sampling::AliasBuilder builder;
    for (size_t node = 0; node < nodes; ++node) {
      const uint64_t start = starts_[node];
      builder.build(weights_.data() + start, starts_[node + 1] - start, columns_.data() + start);
      for (uint64_t arc = start; arc < starts_[node + 1]; ++arc) totals_[node] += weights_[arc];
    }
  }
  summary_.nodes = nodes;
  summary_.loops = loops;
  summary_.weighted = weighted;
  summary_.edges = options_.directed ? kept : (kept + loops) / 2;
  summary_.repeated_edges = lines - summary_.edges;
  state_ = State::kBuilt;
  return summary_;
}

uint64_t Graph::find(uint32_t from, uint32_t to) const {
  // Halving without a branch that could be foreseen wrongly.
  const uint32_t* at = targets_.data() + starts_[from];
  size_t size = degree(from);
  if (size == 0) return UINT64_MAX;
  while (size > 1) {
    const size_t half = size / 2;
    at += at[half - 1] < to ? half : 0;
    size -= half;
  }
  return *at == to ? static_cast<uint64_t>(at - targets_.data()) : UINT64_MAX;
}

double Graph::share(uint32_t from, uint32_t to) const {
  const uint64_t arc = find(from, to);
  if (arc == UINT64_MAX) return 0;
  return weights_.empty() ? 1.0 / degree(from) : weights_[arc] / totals_[from];
}

}  // namespace anyvec::walks
