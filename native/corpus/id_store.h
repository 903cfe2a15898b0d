#pragma once
// The corpus as ids: written once, read every epoch, in memory or in a temporary file.

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/file.h"
#include "base/memory.h"
#include "base/result.h"

namespace anyvec::corpus {

// Ends a sequence. Never an id.
inline constexpr uint32_t kEndMark = UINT32_MAX;

// A run of entries in reading order. Segments past the memory limit live in one temporary file, each at an offset of its own.
struct Segment {
  uint32_t* entries = nullptr;  // null when in the file
  uint64_t file_offset = 0;
  uint64_t count = 0;
  bool in_file() const { return entries == nullptr; }
};

// One flat stream of entries over all segments.
class IdStore {
 public:
  IdStore(uint64_t memory_limit, std::string folder) : memory_limit_(memory_limit), folder_(std::move(folder)) {}

  // Keeps entries as a segment, in memory or in the file. Safe from many threads, for different segments.
  Status keep(Segment& segment, const uint32_t* entries, uint64_t count);

  // Rewrites a segment: `rewrite(from, count, to)` writes what shall stand there, at most one entry more in front and one behind, and
  // answers how many there are. `to` is a place before `from`, whose entries may be written over once they are read.
  // Safe from many threads, for different segments; `scratch` is the thread's own.
  template <class Rewrite>
  Status rewrite(Segment& segment, std::vector<uint32_t>& scratch, Rewrite rewrite) {
    if (!segment.in_file()) {
      uint32_t* to = segment.entries - 1;
      segment.count = rewrite(segment.entries, segment.count, to);
      segment.entries = to;
      return success();
    }
    scratch.resize(segment.count + kSpareEntries);
    uint32_t* to = scratch.data();
    if (auto status = load(segment, to + 1); !status.ok()) return status;
    segment.count = rewrite(to + 1, segment.count, to);
    return file_->write(segment.file_offset, to, segment.count * sizeof(uint32_t));
  }

  // Fixes the order of the flat stream.
  void seal(std::vector<Segment> segments);

  uint64_t size() const { return size_; }
  uint64_t spilled_bytes() const { return file_size_; }

  // Entries from .. from + count of the flat stream. Safe from many threads.
  Status read(uint64_t from, uint64_t count, uint32_t* out) const;

 private:
  // Room around a segment: rewriting may add an end mark before it and one behind it.
  static constexpr uint64_t kSpareEntries = 2;

  Status load(const Segment& segment, uint32_t* out) const;
  uint32_t* room_for(uint64_t entries);

  uint64_t memory_limit_;
  std::string folder_;
  std::mutex mutex_;  // of what keep() hands out
  uint64_t memory_used_ = 0;
  uint64_t file_size_ = 0;
  std::unique_ptr<TemporaryFile> file_;
  std::vector<Memory> slabs_;
  uint32_t* free_ = nullptr;  // of the last slab
  uint64_t free_entries_ = 0;
  std::vector<Segment> segments_;
  std::vector<uint64_t> starts_;  // of each segment in the flat stream
  uint64_t size_ = 0;
};

}  // namespace anyvec::corpus
