#include "train/piece.h"

#include <algorithm>

#include "kernels/prefetch.h"
#include "sampling/subsample.h"

namespace anyvec::train {

Plan::Plan(const Parameters& given, const corpus::IdStore& store, const std::vector<uint64_t>& counts)
    : parameters(given),
      ids(&store),
      entries(store.size()),
      pieces((store.size() + kPieceEntries - 1) / kPieceEntries),
      keep(sampling::subsample_thresholds(counts, given.subsample)),
      negatives(counts, given.negative_exponent),
      pool(given) {
  for (uint64_t count : counts) tokens += count;
}

Piece::Piece(const Plan& plan, const kernels::KernelTable& kernel)
    : plan_(plan),
      kernel_(kernel),
      ids_(kPieceEntries),
      draws_(2 * plan.pool.size(kPieceEntries)),
      widths_(kPieceEntries),
      pool_(plan.pool.size(kPieceEntries)),
      places_(kPieceEntries),
      starts_(kPieceEntries),
      stops_(kPieceEntries),
      before_(kPieceEntries),
      seen_(kPieceEntries) {}

Status Piece::read(uint64_t epoch, uint64_t number) {
  epoch_ = epoch;
  first_entry_ = number * kPieceEntries;
  const auto count = static_cast<uint32_t>(std::min<uint64_t>(kPieceEntries, plan_.entries - first_entry_));
  if (auto status = plan_.ids->read(first_entry_, count, ids_.data()); !status.ok()) return status;

  const auto stream = [&](random::Purpose purpose) {
    return random::stream(plan_.parameters.seed, purpose, static_cast<uint32_t>(epoch), static_cast<uint32_t>(number));
  };
  // The kept entries move to the front of the same buffer. No branches: which entries stay is not to be guessed.
  const random::Key keep_key = stream(random::Purpose::kSubsample);
  kernel_.draw({keep_key.a, keep_key.b, 0, count, draws_.data()});
  uint32_t kept = 0, marks = 0;
  const uint32_t* keep = plan_.keep.data();
  for (uint32_t i = 0; i < count; ++i) {
    const uint32_t id = ids_[i];
    const bool mark = id == corpus::kEndMark;
    const uint32_t threshold = keep[mark ? 0 : id];
    const bool stays = mark || draws_[i] <= threshold;
    ids_[kept] = id;
    places_[kept] = static_cast<uint16_t>(i);
    kept += stays ? 1 : 0;
    marks += mark ? 1 : 0;
  }
  size_ = kept;
  tokens_ = count - marks;
  kept_tokens_ = kept - marks;

  seen_.clear();
  uint16_t start = 0;
  for (uint32_t i = 0; i < size_; ++i) {
    starts_[i] = start;
    if (ids_[i] == corpus::kEndMark) {
      start = static_cast<uint16_t>(i + 1);
      before_[i] = 0;
    } else {
      before_[i] = static_cast<uint16_t>(seen_.exchange(ids_[i], i + 1));
    }
  }
  auto stop = static_cast<uint16_t>(size_);
  for (uint32_t i = size_; i-- > 0;) {
    if (ids_[i] == corpus::kEndMark) stop = static_cast<uint16_t>(i);
    stops_[i] = stop;
  }

  const random::Key width_key = stream(random::Purpose::kWidth);
  kernel_.draw({width_key.a, width_key.b, 0, size_, widths_.data()});
  negative_key_ = stream(random::Purpose::kNegative);
  fill_pool(stream(random::Purpose::kPool));
  return success();
}

void Piece::fill_pool(random::Key key) {
  const uint32_t size = pool_size();
  kernel_.draw({key.a, key.b, 0, 2 * size, draws_.data()});
  constexpr uint32_t kAhead = 16;
  for (uint32_t i = 0; i < size; ++i) {
    if (i + kAhead < size) kernels::prefetch(plan_.negatives.address(plan_.negatives.column(draws_[2 * (i + kAhead)])));
    pool_[i] = plan_.negatives.resolve(plan_.negatives.column(draws_[2 * i]), draws_[2 * i + 1]);
  }
}

}  // namespace anyvec::train
