#pragma once
// The table of kernels: everything that is worth writing once per instruction set, and nothing else.

#include <cstddef>
#include <cstdint>

namespace anyvec::kernels {

// Rows that kernels train on begin at a multiple of 64 bytes and are padded with zeros to a multiple of kRowPadding floats.
constexpr size_t kRowPadding = 16;
// Outputs are worked on in blocks; a block's products take this many floats, whatever the block's width.
constexpr size_t kBlockLanes = 8;

inline constexpr size_t padded(size_t dimensions) { return (dimensions + kRowPadding - 1) / kRowPadding * kRowPadding; }

// One step of skip-gram: all contexts of a centre against the centre and its negatives (docs/training-law.md, "The update").
struct Window {
  float* const* inputs;    // [input_count] context rows, all different
  const float* weights;    // [input_count] how often each occurs
  float* const* outputs;   // [output_count] the centre's row, then the negatives'; all different
  const float* labels;     // [blocks * kBlockLanes] laid out in blocks: 1 for the centre, else 0
  const float* keeps;      // the same layout: 1, or 0 for a place without an output (or with one that shall not change)
  uint32_t input_count;    // >= 1
  uint32_t output_count;   // >= 1
  uint32_t dimensions;     // values in use; the kernel may touch the padding behind them
  float rate;
  float* products;         // scratch: [input_count * blocks * kBlockLanes]
  float* sums;             // scratch: [input_count * padded(dimensions)], only used with more than one block
  double* loss;            // [kBlockLanes] running sums; their total is the loss
};

// Scores of some queries against some rows: scores[q * row_count + r] = queries[q] . rows[r].
struct ScoreBlock {
  const float* queries;    // [query_count * query_stride], any alignment
  size_t query_stride;
  size_t query_count;
  const float* rows;       // [row_count * dimensions], no padding, any alignment
  size_t row_count;
  size_t dimensions;
  float* scores;
};

// Places written behind the last one of a list, for nothing.
constexpr size_t kSplitSlack = 64;

// Where the words of a text begin and end, and its line ends, each of which is a word of one byte. Words are parted by space, tab, LF, VT, FF
// and CR. The text comes in parts: a word may begin in one and end in another, and a word's end at the end of a part is found in the next one.
struct Split {
  const char* text;        // [size], and 63 bytes more that are looked at for NUL but else left out
  size_t size;             // a multiple of 64, but for the last part
  uint32_t base;           // the place of text[0]
  bool spaced;             // before it stands white space; set for the next part
  bool lined;              // and that is a line end
  uint32_t* starts;        // [size + kSplitSlack]
  uint32_t* ends;          // [size + kSplitSlack] one behind each word's last byte
  size_t started;          // out: how many there are
  size_t ended;
};

struct KernelTable {
  const char* isa;
  // Outputs a block: `labels`, `keeps` and `products` are laid out by it.
  uint32_t block_width;
  void (*train_window)(const Window&);
  void (*score)(const ScoreBlock&);
  // squares[r] = rows[r] . rows[r], rows as in ScoreBlock.
  void (*square_norms)(const float* rows, size_t row_count, size_t dimensions, float* squares);
  // Runs `rounds` rounds of independent fused multiply-adds in registers: 2 * fma_per_round operations a round.
  float (*fma_chain)(uint64_t rounds);
  uint64_t fma_per_round;
  // Answers whether a NUL byte is in the text.
  bool (*split)(Split&);
};

inline uint32_t block_count(const KernelTable& table, uint32_t output_count) {
  return (output_count + table.block_width - 1) / table.block_width;
}
// Where output j's product stands within a context's products.
inline uint32_t product_index(const KernelTable& table, uint32_t output) {
  return output / table.block_width * static_cast<uint32_t>(kBlockLanes) + output % table.block_width;
}

extern const KernelTable scalar_table;
#if defined(__x86_64__) || defined(_M_X64)
extern const KernelTable avx2_table;
extern const KernelTable avx512_table;
#endif
#if defined(__aarch64__) || defined(_M_ARM64)
extern const KernelTable neon_table;
#endif

// The best table for this processor, or the one that the environment variable ANYVEC_ISA names (scalar, avx2, avx512, neon).
// Null when ANYVEC_ISA names one that this processor cannot run. Chosen once.
const KernelTable* active();
// Every table this processor can run, best first; ends with null.
const KernelTable* const* supported();

}  // namespace anyvec::kernels
