#include "base/memory.h"

#include <cstdint>
#include <cstdlib>
#include <cstring>

#if defined(_WIN32)
#include <malloc.h>
#else
#include <sys/mman.h>
#include <unistd.h>
#endif

namespace anyvec {

namespace {
constexpr size_t kAlignment = 64;
constexpr size_t kHugePage = size_t{1} << 21;
}  // namespace

Memory Memory::allocate(size_t bytes) {
  Memory memory;
  if (bytes == 0) bytes = kAlignment;
  if (bytes > SIZE_MAX - 2 * kHugePage) return memory;
#if !defined(_WIN32)
  if (bytes >= kHugePage) {
    const size_t rounded = (bytes + kHugePage - 1) / kHugePage * kHugePage;
    // One huge page more than needed, so that the start can be moved to a huge page's border.
    char* start = static_cast<char*>(
        mmap(nullptr, rounded + kHugePage, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    if (start == MAP_FAILED) return memory;
    const size_t skip = (kHugePage - reinterpret_cast<uintptr_t>(start) % kHugePage) % kHugePage;
    if (skip > 0) munmap(start, skip);
    if (skip < kHugePage) munmap(start + skip + rounded, kHugePage - skip);
    memory.data_ = start + skip;
    memory.size_ = bytes;
    memory.mapped_ = rounded;
#if defined(MADV_HUGEPAGE)
    madvise(memory.data_, rounded, MADV_HUGEPAGE);
#endif
    return memory;
  }
#endif
  const size_t rounded = (bytes + kAlignment - 1) / kAlignment * kAlignment;
#if defined(_WIN32)
  memory.data_ = _aligned_malloc(rounded, kAlignment);
#else
  memory.data_ = std::aligned_alloc(kAlignment, rounded);
#endif
  if (memory.data_ == nullptr) return memory;
  std::memset(memory.data_, 0, rounded);
  memory.size_ = bytes;
  return memory;
}

void Memory::shrink(size_t bytes) {
  if (bytes >= size_) return;
#if !defined(_WIN32)
  if (mapped_ > 0) {
    const size_t page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
    const size_t kept = bytes == 0 ? page : (bytes + page - 1) / page * page;
    if (kept < mapped_) munmap(static_cast<char*>(data_) + kept, mapped_ - kept);
    mapped_ = kept;
  }
#endif
  size_ = bytes;
}

void Memory::release() {
  if (data_ == nullptr) return;
#if defined(_WIN32)
  _aligned_free(data_);
#else
  if (mapped_ > 0) {
    munmap(data_, mapped_);
  } else {
    std::free(data_);
  }
#endif
  data_ = nullptr;
  size_ = 0;
  mapped_ = 0;
}

}  // namespace anyvec
