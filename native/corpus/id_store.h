#pragma once
// The corpus as ids: written once, read every epoch, in memory or in a temporary file.

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/file.h"
#include "base/result.h"

namespace anyvec::corpus {

// Ends a sequence. Never an id.
inline constexpr uint32_t kEndMark = UINT32_MAX;

// A run of entries in reading order. Segments past the memory limit live in one temporary file, each at an offset of its own.
struct Segment {
  std::vector<uint32_t> entries;  // empty when in the file
  uint64_t file_offset = 0;
  uint64_t count = 0;
  bool in_file = false;
};

// One flat stream of entries over all segments.
class IdStore {
 public:
  IdStore(uint64_t memory_limit, std::string folder) : memory_limit_(memory_limit), folder_(std::move(folder)) {}

  // Keeps a segment's entries, in memory or in the file. Not safe to call from two threads at once.
  Status keep(Segment& segment, std::vector<uint32_t> entries);

  // The segment's entries, for rewriting.
  Status load(const Segment& segment, std::vector<uint32_t>& out) const;
  // Replaces a segment's entries by at most two more. Safe from many threads, for different segments.
  Status replace(Segment& segment, std::vector<uint32_t>&& entries);

  // Fixes the order of the flat stream.
  void seal(std::vector<Segment> segments);

  uint64_t size() const { return size_; }
  uint64_t spilled_bytes() const { return file_size_; }

  // Entries from .. from + count of the flat stream. Safe from many threads.
  Status read(uint64_t from, uint64_t count, uint32_t* out) const;

 private:
  uint64_t memory_limit_;
  std::string folder_;
  uint64_t memory_used_ = 0;
  uint64_t file_size_ = 0;
  std::unique_ptr<TemporaryFile> file_;
  std::vector<Segment> segments_;
  std::vector<uint64_t> starts_;  // of each segment in the flat stream
  uint64_t size_ = 0;
};

}  // namespace anyvec::corpus
