#include "kernels/kernel_table.h"

#include <cstdlib>
#include <cstring>

#if (defined(_M_X64) && defined(_MSC_VER))
#include <intrin.h>
#endif

namespace anyvec::kernels {

namespace {

struct Supported {
  const KernelTable* tables[4] = {};
};

#if defined(__x86_64__) && !defined(_MSC_VER)
bool has_avx2() { return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"); }
bool has_avx512() {
  return has_avx2() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
         __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
}
#elif defined(_M_X64)
bool registers_saved(unsigned long long mask) {
  int info[4];
  __cpuid(info, 1);
  return (info[2] & (1 << 27)) != 0 && (_xgetbv(0) & mask) == mask;
}
bool has_avx2() {
  int one[4], seven[4];
  __cpuid(one, 1);
  __cpuidex(seven, 7, 0);
  return registers_saved(0x6) && (one[2] & (1 << 12)) != 0 && (seven[1] & (1 << 5)) != 0;
}
bool has_avx512() {
  int seven[4];
  __cpuidex(seven, 7, 0);
  const int needed = (1 << 16) | (1 << 17) | (1 << 30) | static_cast<int>(1U << 31);
  return has_avx2() && registers_saved(0xe6) && (seven[1] & needed) == needed;
}
#endif

Supported detect() {
  Supported found;
  int count = 0;
#if defined(__x86_64__) || defined(_M_X64)
  if (has_avx512()) found.tables[count++] = &avx512_table;
  if (has_avx2()) found.tables[count++] = &avx2_table;
#endif
#if defined(__aarch64__) || defined(_M_ARM64)
  found.tables[count++] = &neon_table;
#endif
  found.tables[count] = &scalar_table;
  return found;
}

const KernelTable* choose() {
  const char* forced = std::getenv("ANYVEC_ISA");
  if (forced == nullptr || *forced == '\0') return supported()[0];
  for (const KernelTable* const* table = supported(); *table != nullptr; ++table) {
    if (std::strcmp((*table)->isa, forced) == 0) return *table;
  }
  return nullptr;
}

}  // namespace

const KernelTable* const* supported() {
  static const Supported found = detect();
  return found.tables;
}

const KernelTable* active() {
  static const KernelTable* const chosen = choose();
  return chosen;
}

}  // namespace anyvec::kernels
