#include "corpus/id_store.h"

#include <algorithm>
#include <cstring>

namespace anyvec::corpus {

namespace {
// Room behind a spilled segment: rewriting may add an end mark before it and one behind it.
constexpr uint64_t kSpareEntries = 2;
}  // namespace

Status IdStore::keep(Segment& segment, std::vector<uint32_t> entries) {
  segment.count = entries.size();
  const uint64_t bytes = segment.count * sizeof(uint32_t);
  if (memory_used_ + bytes <= memory_limit_) {
    memory_used_ += bytes;
    segment.entries = std::move(entries);
    segment.entries.shrink_to_fit();
    return success();
  }
  if (!file_) {
    auto file = TemporaryFile::create(folder_);
    if (!file.ok()) return file.error();
    file_ = std::move(file.value());
  }
  segment.in_file = true;
  segment.file_offset = file_size_;
  file_size_ += bytes + kSpareEntries * sizeof(uint32_t);
  return file_->write(segment.file_offset, entries.data(), bytes);
}

Status IdStore::load(const Segment& segment, std::vector<uint32_t>& out) const {
  if (!segment.in_file) {
    out = segment.entries;
    return success();
  }
  out.resize(segment.count);
  return file_->read(segment.file_offset, out.data(), segment.count * sizeof(uint32_t));
}

Status IdStore::replace(Segment& segment, std::vector<uint32_t>&& entries) {
  segment.count = entries.size();
  if (segment.in_file) return file_->write(segment.file_offset, entries.data(), segment.count * sizeof(uint32_t));
  segment.entries = std::move(entries);
  return success();
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
      if (segment.in_file) {
        auto status = file_->read(segment.file_offset + within * sizeof(uint32_t), out, take * sizeof(uint32_t));
        if (!status.ok()) return status;
      } else {
        std::memcpy(out, segment.entries.data() + within, take * sizeof(uint32_t));
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
