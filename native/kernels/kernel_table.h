#pragma once
// The table of kernels: everything that is worth writing once per instruction set, and nothing else.

#include <cstddef>
#include <cstdint>

#include "kernels/search_kernels.h"

namespace anyvec::kernels {

// Rows that kernels train on begin at a multiple of 64 bytes and are padded with zeros to a multiple of kRowPadding floats.
constexpr size_t kRowPadding = 16;
// Outputs are worked on in blocks of eight: two contexts' products with a block fill the widest register there is.
constexpr size_t kBlockLanes = 8;

inline constexpr size_t padded(size_t dimensions) { return (dimensions + kRowPadding - 1) / kRowPadding * kRowPadding; }
inline constexpr uint32_t block_count(uint32_t outputs) { return static_cast<uint32_t>((outputs + kBlockLanes - 1) / kBlockLanes); }
// Floats of scratch for the gradients of a window.
inline constexpr size_t gradient_floats(size_t inputs, uint32_t outputs) { return (inputs + inputs % 2) * block_count(outputs) * kBlockLanes; }

// One step of skip-gram: the contexts of one or two neighbouring centres against the centres and their negatives
// (docs/training-law.md, "The update"). Where input_count is odd, one more input follows: a row of zeros that no other row overlaps,
// with weights of 0.
struct Window {
  float* const* inputs;    // [input_count, rounded up to even] context rows, all different
  // [input_count, rounded up to even; kBlockLanes] how often each context stands in the window of the first centre (lane 0), of the
  // second (lane 1; of both where there is one centre), and of both (all other lanes). At a multiple of 64 bytes.
  const float* weights;
  float* const* outputs;   // [output_count] the centres' rows, then the negatives'; all different
  uint32_t input_count;    // >= 1
  uint32_t output_count;   // >= centre_count
  uint32_t centre_count;   // 1 or 2
  uint32_t dimensions;     // values in use; the kernel may touch the padding behind them
  float rate;
  float* gradients;        // scratch: [gradient_floats(input_count, output_count)], at a multiple of 64 bytes
  float* sums;             // scratch: [input_count rounded up * padded(dimensions)], the same; only used with more than one block
  double* loss;            // [kBlockLanes] running sums; their total is the loss
};

// Draws first .. first + count - 1 of a random stream (base/random.h).
struct Draws {
  uint32_t a, b;           // the stream's key
  uint32_t first;
  uint32_t count;
  uint32_t* out;           // [count rounded up to a multiple of 16]
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
  void (*train_window)(const Window&);
  // shared += own - base; own = base = shared: [floats], a multiple of kRowPadding, all at multiples of 64 bytes.
  void (*merge)(float* shared, float* own, float* base, size_t floats);
  // Asks for a row that will be written soon.
  void (*expect)(const float* row, size_t floats);
  void (*draw)(const Draws&);
  const SearchKernels* search;
  // Runs `rounds` rounds of independent fused multiply-adds in registers: 2 * fma_per_round operations a round.
  float (*fma_chain)(uint64_t rounds);
  uint64_t fma_per_round;
  // Answers whether a NUL byte is in the text.
  bool (*split)(Split&);
};

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
