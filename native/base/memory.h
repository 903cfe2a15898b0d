#pragma once
// Big aligned memory, zeroed, in huge pages where the system grants them.

#include <cstddef>
#include <utility>

namespace anyvec {

// Owns zeroed memory whose first byte stands at a multiple of 64. Large regions ask for huge pages: rows are
// visited in random order, and with 4 KiB pages most visits would miss the TLB too (5-20 % of training time).
class Memory {
 public:
  Memory() = default;
  Memory(Memory&& other) noexcept { swap(other); }
  Memory& operator=(Memory&& other) noexcept {
    Memory moved(std::move(other));
    swap(moved);
    return *this;
  }
  Memory(const Memory&) = delete;
  Memory& operator=(const Memory&) = delete;
  ~Memory() { release(); }

  // An empty Memory when the system has none to give.
  static Memory allocate(size_t bytes);

  explicit operator bool() const { return data_ != nullptr; }
  void* data() const { return data_; }
  size_t size() const { return size_; }
  float* floats() const { return static_cast<float*>(data_); }

  // Gives the pages past `bytes` back to the system.
  void shrink(size_t bytes);

 private:
  void release();
  void swap(Memory& other) {
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    std::swap(mapped_, other.mapped_);
  }

  void* data_ = nullptr;
  size_t size_ = 0;
  size_t mapped_ = 0;  // bytes mapped, 0 when the heap owns it
};

}  // namespace anyvec
