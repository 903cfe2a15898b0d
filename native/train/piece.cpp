#include "train/piece.h"

#include <algorithm>

#include "sampling/subsample.h"

namespace anyvec::train {

Plan::Plan(const Parameters& given, const corpus::IdStore& store, const std::vector<uint64_t>& counts)
    : parameters(given),
      ids(&store),
      entries(store.size()),
      pieces((store.size() + kPieceEntries - 1) / kPieceEntries),
      keep(sampling::subsample_thresholds(counts, given.subsample)),
      negatives(counts, given.negative_exponent) {
  for (uint64_t count : counts) tokens += count;
}

Piece::Piece(const Plan& plan)
    : plan_(plan), ids_(kPieceEntries), places_(kPieceEntries), starts_(kPieceEntries), stops_(kPieceEntries) {}

Status Piece::read(uint64_t epoch, uint64_t number) {
  epoch_ = epoch;
  first_entry_ = number * kPieceEntries;
  const auto count = static_cast<uint32_t>(std::min<uint64_t>(kPieceEntries, plan_.entries - first_entry_));
  if (auto status = plan_.ids->read(first_entry_, count, ids_.data()); !status.ok()) return status;

  const uint64_t seed = plan_.parameters.seed;
  const auto x = static_cast<uint32_t>(epoch), y = static_cast<uint32_t>(number);
  const random::Key keep_key = random::stream(seed, random::Purpose::kSubsample, x, y);
  width_key_ = random::stream(seed, random::Purpose::kWidth, x, y);
  negative_key_ = random::stream(seed, random::Purpose::kNegative, x, y);

  // The kept entries move to the front of the same buffer. No branches: which entries stay is not to be guessed.
  uint32_t kept = 0, marks = 0;
  const uint32_t* keep = plan_.keep.data();
  for (uint32_t i = 0; i < count; ++i) {
    const uint32_t id = ids_[i];
    const bool mark = id == corpus::kEndMark;
    const uint32_t threshold = keep[mark ? 0 : id];
    const bool stays = mark || random::draw(keep_key, i) <= threshold;
    ids_[kept] = id;
    places_[kept] = static_cast<uint16_t>(i);
    kept += stays ? 1 : 0;
    marks += mark ? 1 : 0;
  }
  size_ = kept;
  tokens_ = count - marks;
  kept_tokens_ = kept - marks;

  uint16_t start = 0;
  for (uint32_t i = 0; i < size_; ++i) {
    starts_[i] = start;
    if (ids_[i] == corpus::kEndMark) start = static_cast<uint16_t>(i + 1);
  }
  auto stop = static_cast<uint16_t>(size_);
  for (uint32_t i = size_; i-- > 0;) {
    if (ids_[i] == corpus::kEndMark) stop = static_cast<uint16_t>(i);
    stops_[i] = stop;
  }
  return success();
}

}  // namespace anyvec::train
