#pragma once
// The kernels of exact search: scores of rows against queries, of which only those that reach a bar come out.

#include <cstddef>
#include <cstdint>

#if defined(_MSC_VER)
#include <intrin.h>
#endif

namespace anyvec::kernels {

// How a row is scored against a query; a larger score is nearer.
enum class Measure : uint32_t {
  kProduct,   // the dot product
  kCosine,    // the product, divided by the row's length (queries come with length 1)
  kDistance,  // minus the square of the distance, summed from differences: no cancellation between near rows
  // Analogies: each three queries a, b, c of length 1 are one question to panels that were scaled; sa, sb, sc are a row's cosines with them.
  kMultiply,   // 3CosMul (Levy and Goldberg 2014): (1 + sb)(1 + sc) / 4 / ((1 + sa) / 2 + 0.001)
  kDirection,  // PairDirection (same): (sb - sa - offset) / max(1e-3, sqrt(2 - 2 sc)), with offset = c . (b - a); the row's cosine of (row - c) with (b - a)
};
constexpr bool is_analogy(Measure measure) { return measure == Measure::kMultiply || measure == Measure::kDirection; }

// Some rows of a matrix without padding, at any alignment: `count` rows from the first on, or those that `ids` names.
struct RowSet {
  const float* values;
  size_t dimensions;
  const uint32_t* ids;  // null: 0 .. count - 1
  size_t count;
};

// A score that is at least its query's bar. Scores that are not numbers reach no bar.
struct Hit {
  uint32_t query;  // the first of three for analogies
  uint32_t row;  // within the RowSet
  float score;
};
// In place of the query from score_rows: the row's length is outside of kLeastSquare .. kMostSquare, its score is the caller's to find.
constexpr uint32_t kScoreInDouble = UINT32_MAX;

// Squares of lengths between which a float32 product with a vector of length 1 is safe and precise.
constexpr float kLeastSquare = 1e-24f;
constexpr float kMostSquare = 1e24f;

// One query against rows where they lie: bound by memory. Products and squares come from one pass.
struct RowBlock {
  RowSet rows;  // at most kMostBlockRows
  const float* query;
  float bar;
  Measure measure;  // no analogy
};
constexpr size_t kMostBlockRows = 256;

// Many queries against one panel of rows: bound by arithmetic.
struct PanelBlock {
  const float* panel;    // [dimensions * panel_rows], from `pack`
  uint32_t rows;         // of them in use, 1 .. panel_rows
  size_t dimensions;
  const float* queries;  // [query_count / query_tile][dimensions][query_tile]
  size_t query_count;    // a multiple of query_tile
  const float* bars;     // [query_count]; NaN where there is no query
  Measure measure;       // kCosine is kProduct of a panel that was scaled
  const float* offsets;  // [query_count], kDirection only: at the first of three
};

// The place of the lowest bit set; bits != 0.
static inline uint32_t lowest_bit(uint32_t bits) {
#if defined(_MSC_VER)
  unsigned long index;
  _BitScanForward(&index, bits);
  return index;
#else
  return static_cast<uint32_t>(__builtin_ctz(bits));
#endif
}

constexpr size_t kCacheLineBytes = 64;
// Asks for memory that will be read soon; any address will do.
static inline void prefetch_read(const char* address) {
#if defined(_MSC_VER) && defined(_M_X64)
  _mm_prefetch(address, _MM_HINT_T0);
#elif defined(_MSC_VER)
  __prefetch(address);
#else
  __builtin_prefetch(address, 0, 3);
#endif
}

struct SearchKernels {
  // Queries (a multiple of three) and rows of one tile of registers.
  uint32_t query_tile;
  uint32_t panel_rows;
  // Turns at most panel_rows rows so that they lie side by side: panel[d * panel_rows + r] is value d of row r, and zero past the last row.
  // squares[r] is the row's sum of squares.
  void (*pack)(const RowSet& rows, float* panel, float* squares);
  // panel[d * panel_rows + r] *= factors[r]
  void (*scale)(float* panel, size_t dimensions, const float* factors);
  // Both answer how many hits they wrote; rows rise for each query. `hits` has room for all: rows x queries.
  size_t (*score_panel)(const PanelBlock& block, Hit* hits);
  size_t (*score_rows)(const RowBlock& block, Hit* hits);
  // Products of two rows as a graph of rows compares them: of float32 as they are; of binary16 and of bytes, whose count is a multiple of 64
  // bytes of them, padded with zeros. No infinity and no NaN among the halves.
  float (*dot)(const float* a, const float* b, size_t count);
  float (*dot_halves)(const uint16_t* a, const uint16_t* b, size_t count);
  float (*dot_bytes)(const int8_t* a, const int8_t* b, size_t count);
  // Reads values once: what memory can do at best. Only bench/ asks.
  float (*sum)(const float* values, size_t count);
};

}  // namespace anyvec::kernels
