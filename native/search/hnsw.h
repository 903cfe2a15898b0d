#pragma once
// Approximate search by cosine: a graph of near rows that is walked from row to nearer row (HNSW; Malkov and Yashunin 2016), by usearch's
// headers. What stands around it is ours: distances by the kernels of this processor, memory that may run out, files that may lie.

#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

#include "base/result.h"
#include "base/threads.h"
#include "kernels/kernel_table.h"
#include "model/matrix.h"
#include "search/top_k.h"

namespace anyvec::search {

// How the walk sees rows: as they are, or as smaller copies. Scores of answers are always those of the rows themselves.
enum class Storage : uint32_t { kFloat32 = 0, kFloat16 = 1, kInt8 = 2 };

struct GraphParameters {
  uint32_t connectivity = 16;  // links a row, 2 .. 512; twice as many in the lowest layer
  uint32_t expansion = 128;    // rows considered while one is linked, 1 .. 65536
  Storage storage = Storage::kFloat32;
  int threads = 1;
};

struct Walk {
  const float* queries = nullptr;  // [query_count * columns]
  uint64_t query_count = 0;
  uint64_t k = 0;
  uint32_t expansion = 64;  // rows considered; at least k are
  RowFilter filter;
  int threads = 1;
  bool always = false;  // also where scoring the few rows that pass the filter would be faster
};

struct WalkAnswer {
  Answer answer;
  bool exact = false;  // every row that may be an answer was scored
};

class Graph {
 public:
  // Links all rows whose values are finite; `done` counts them.
  static Result<std::shared_ptr<Graph>> build(const model::Matrix& matrix, const GraphParameters& parameters, const kernels::KernelTable& kernel,
                                              const Cancel& cancel, std::atomic<uint64_t>& done);
  // A graph where it lies; `owner` keeps the bytes, which begin at a multiple of 64. Only sizes are checked here.
  static Result<std::shared_ptr<Graph>> open(const model::Matrix& matrix, std::shared_ptr<const void> owner, const char* bytes, uint64_t size,
                                             const kernels::KernelTable& kernel);
  ~Graph();
  Graph(const Graph&) = delete;
  Graph& operator=(const Graph&) = delete;

  // Equal scores go to the smaller row. Never fewer than k answers where k rows may be answers: where the walk finds fewer, or few rows pass the
  // filter, the rows are scored one by one. Calls take turns.
  Result<WalkAnswer> search(const Walk& walk, const Cancel& cancel);
  // Rows that become answers, again or for the first time, linked by their values of now; or that are answers no more.
  Status add(const std::vector<uint32_t>& rows, int threads, const Cancel& cancel);
  Status remove(const std::vector<uint32_t>& rows);
  // What `open` takes.
  Result<std::vector<char>> save();

  const GraphParameters& parameters() const;
  uint64_t size() const;  // rows that can be answers
  bool checked() const;   // a file that was found sound, or no file
  uint64_t rows() const;  // of the matrix
  uint64_t columns() const;

 private:
  struct State;
  explicit Graph(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace anyvec::search
