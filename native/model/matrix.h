#pragma once
// Rows of float32 that can be searched, written and shown to JavaScript, whoever owns their memory.

#include <cstdint>
#include <memory>

#include "base/memory.h"

namespace anyvec::model {

struct Matrix {
  float* data = nullptr;  // [rows * columns], row after row, without padding; any alignment of 4
  uint64_t rows = 0;
  uint64_t columns = 0;
  std::shared_ptr<const void> owner;  // keeps `data` alive

  static Matrix own(Memory memory, uint64_t rows, uint64_t columns) {
    auto owner = std::make_shared<Memory>(std::move(memory));
    return {owner->floats(), rows, columns, owner};
  }
  const float* row(uint64_t index) const { return data + index * columns; }
};

}  // namespace anyvec::model
