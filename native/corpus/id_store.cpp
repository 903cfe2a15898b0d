#include "corpus/id_store.h"

#include <algorithm>
#include <cstring>
#include <new>

namespace anyvec::corpus {

namespace {
// Slabs double up to a size that is mostly huge pages and of which a segment left over at the end is little.
constexpr uint64_t kFirstSlabBytes = uint64_t{1} << 16;
constexpr uint64_t kLargestSlabBytes = uint64_t{1} << 23;
}  // namespace

uint32_t* IdStore::room_for(uint64_t entries) {
  if (entries > free_entries_) {
    const uint64_t wanted = slabs_.empty() ? kFirstSlabBytes : std::min<uint64_t>(kLargestSlabBytes, 2 * slabs_.back().size());
    Memory slab = Memory::allocate(std::max(wanted, entries * sizeof(uint32_t)));
    // As the standard library's containers would.
    if (!slab) throw std::bad_alloc();
    free_ = static_cast<uint32_t*>(slab.data());
    free_entries_ = slab.size() / sizeof(uint32_t);
    slabs_.push_back(std::move(slab));
  }
  uint32_t* room = free_;
  free_ += entries;
  free_entries_ -= entries;
  return room;
}

Status IdStore::keep(Segment& segment, const uint32_t* entries, uint64_t count) {
  const uint64_t bytes = count * sizeof(uint32_t);
  const uint64_t room = count + kSpareEntries;
  segment.count = count;
  {
    std::lock_guard<std::mutex> lock(mutex_);
    if (memory_used_ + bytes <= memory_limit_) {
      segment.entries = room_for(room) + 1;
      memory_used_ += bytes;
    } else {
      if (!file_) {
        auto file = TemporaryFile::create(folder_);
        if (!file.ok()) return file.error();
        file_ = std::move(file.value());
      }
      segment.file_offset = file_size_;
      file_size_ += room * sizeof(uint32_t);
    }
  }
  if (segment.in_file()) return file_->write(segment.file_offset, entries, bytes);
  if (count > 0) std::memcpy(segment.entries, entries, bytes);
  return success();
}

Status IdStore::load(const Segment& segment, uint32_t* out) const {
  return file_->read(segment.file_offset, out, segment.count * sizeof(uint32_t));
}

void IdStore::seal(std::vector<Segment> segments) {
  segments_ = std::move(segments);
  starts_.clear();
  size_ = 0;
  for (const Segment& segment : segments_) {
    starts_.push_back(size_);
    size_ += segment.count;
  }
}

Status IdStore::read(uint64_t from, uint64_t count, uint32_t* out) const {
  if (count == 0) return success();
  auto index = static_cast<size_t>(std::upper_bound(starts_.begin(), starts_.end(), from) - starts_.begin()) - 1;
  while (count > 0) {
    const Segment& segment = segments_[index];
    const uint64_t within = from - starts_[index];
    const uint64_t take = std::min(count, segment.count - within);
    if (take > 0) {
      if (segment.in_file()) {
        auto status = file_->read(segment.file_offset + within * sizeof(uint32_t), out, take * sizeof(uint32_t));
        if (!status.ok()) return status;
      } else {
        std::memcpy(out, segment.entries + within, take * sizeof(uint32_t));
      }
    }
    out += take;
    from += take;
    count -= take;
    ++index;
  }
  return success();
}

}  // namespace anyvec::corpus
