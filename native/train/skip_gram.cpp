#include "train/skip_gram.h"

#include <algorithm>

#include "base/checked.h"
#include "kernels/prefetch.h"

namespace anyvec::train {

namespace {

// 1 where an output stands among the lanes of the kernel's blocks, else 0.
void fill_keeps(std::vector<float>& keeps, const kernels::KernelTable& kernel, uint32_t outputs) {
  std::fill(keeps.begin(), keeps.end(), 0.0f);
  for (uint32_t j = 0; j < outputs; ++j) keeps[kernels::product_index(kernel, j)] = 1.0f;
}

}  // namespace

SkipGram::SkipGram(const Plan& plan, const kernels::KernelTable& kernel, const model::Rows& vectors, const model::Rows& contexts)
    : plan_(plan),
      kernel_(kernel),
      vectors_(vectors),
      contexts_(contexts),
      negative_(plan.parameters.negative),
      piece_(plan),
      distinct_(std::max(std::min(2 * plan.parameters.window, kPieceEntries), negative_ + 1)) {}

Result<std::unique_ptr<SkipGram>> SkipGram::create(const Plan& plan, const kernels::KernelTable& kernel, const model::Rows& vectors,
                                                   const model::Rows& contexts) {
  std::unique_ptr<SkipGram> worker(new SkipGram(plan, kernel, vectors, contexts));
  if (auto status = worker->allocate_scratch(); !status.ok()) return status.error();
  return worker;
}

Status SkipGram::allocate_scratch() {
  const size_t inputs = std::min(2 * plan_.parameters.window, kPieceEntries);
  const size_t outputs = size_t{negative_} + 1;
  const size_t lanes = kernels::block_count(kernel_, negative_ + 1) * kernels::kBlockLanes;
  picks_.resize(size_t{kRing} * negative_);
  outputs_.resize(kRing * outputs);
  input_rows_.resize(inputs);
  output_rows_.resize(outputs);
  weights_.resize(inputs);
  labels_.resize(lanes);
  labels_[0] = 1.0f;
  keeps_.resize(lanes);
  fewer_keeps_.resize(lanes);
  fill_keeps(keeps_, kernel_, negative_ + 1);
  products_ = Memory::allocate(inputs * lanes * sizeof(float));
  sums_ = Memory::allocate(lanes > kernels::kBlockLanes ? inputs * vectors_.stride() * sizeof(float) : 0);
  if (!products_ || !sums_) return Error{Code::kMemory, "no memory for a window of this size; use a smaller window or fewer negatives", {}};
  return success();
}

void SkipGram::draw(uint32_t entry) {
  Centre& centre = centres_[entry % kRing];
  centre.output_count = 0;
  if (piece_.is_mark(entry)) return;
  centre.span = piece_.span(entry);
  if (centre.span.past - centre.span.first < 2) return;
  centre.output_count = 1;
  Piece::Pick* picks = picks_.data() + size_t{entry % kRing} * negative_;
  for (uint32_t j = 0; j < negative_; ++j) {
    picks[j] = piece_.pick(entry, j);
    kernels::prefetch(plan_.negatives.address(picks[j].column));
  }
}

void SkipGram::resolve(uint32_t entry) {
  Centre& centre = centres_[entry % kRing];
  if (centre.output_count == 0) return;
  const Piece::Pick* picks = picks_.data() + size_t{entry % kRing} * negative_;
  uint32_t* outputs = outputs_.data() + size_t{entry % kRing} * (negative_ + 1);
  uint32_t count = 1;
  outputs[0] = piece_.id(entry);
  distinct_.clear();
  distinct_.add(outputs[0], 0);
  for (uint32_t j = 0; j < negative_; ++j) {
    const uint32_t id = plan_.negatives.resolve(picks[j].column, picks[j].coin);
    outputs[count] = id;
    count += distinct_.add(id, count) == count ? 1 : 0;
  }
  centre.output_count = count;
}

void SkipGram::fetch(uint32_t entry) {
  const size_t stride = vectors_.stride();
  // Each entry enters the windows once: here, when the farthest centre that can see it comes near.
  const uint64_t entering = uint64_t{entry} + plan_.parameters.window;
  if (entering < piece_.size() && !piece_.is_mark(static_cast<uint32_t>(entering))) {
    kernels::prefetch_row(vectors_.row(piece_.id(static_cast<uint32_t>(entering))), stride);
  }
  const Centre& centre = centres_[entry % kRing];
  const uint32_t* outputs = outputs_.data() + size_t{entry % kRing} * (negative_ + 1);
  for (uint32_t j = 0; j < centre.output_count; ++j) kernels::prefetch_row(contexts_.row(outputs[j]), stride);
}

void SkipGram::step(uint32_t entry, PieceTotals& totals) {
  const Centre& centre = centres_[entry % kRing];
  if (centre.output_count == 0) return;
  distinct_.clear();
  uint32_t inputs = 0;
  for (uint32_t i = centre.span.first; i < centre.span.past; ++i) {
    if (i == entry) continue;
    const uint32_t id = piece_.id(i);
    const uint32_t place = distinct_.add(id, inputs);
    if (place == inputs) {
      input_rows_[place] = vectors_.row(id);
      weights_[place] = 0.0f;
      ++inputs;
    }
    weights_[place] += 1.0f;
  }
  const uint32_t* outputs = outputs_.data() + size_t{entry % kRing} * (negative_ + 1);
  for (uint32_t j = 0; j < centre.output_count; ++j) output_rows_[j] = contexts_.row(outputs[j]);

  kernels::Window window{};
  alignas(64) double loss[kernels::kBlockLanes] = {};
  window.inputs = input_rows_.data();
  window.weights = weights_.data();
  window.outputs = output_rows_.data();
  window.labels = labels_.data();
  window.keeps = keeps_.data();
  if (centre.output_count <= negative_) {
    fill_keeps(fewer_keeps_, kernel_, centre.output_count);
    window.keeps = fewer_keeps_.data();
  }
  window.input_count = inputs;
  window.output_count = centre.output_count;
  window.dimensions = vectors_.dimensions();
  window.rate = piece_.rate(entry);
  window.products = products_.floats();
  window.sums = sums_.floats();
  window.loss = loss;
  kernel_.train_window(window);
  for (double term : loss) totals.loss += term;
  totals.pairs += centre.span.past - centre.span.first - 1;
}

Result<PieceTotals> SkipGram::train(uint64_t epoch, uint64_t number, const Cancel& cancel) {
  if (auto status = piece_.read(epoch, number); !status.ok()) return status.error();
  PieceTotals totals;
  totals.tokens = piece_.tokens();
  totals.trained_tokens = piece_.kept_tokens();
  const uint32_t size = piece_.size();
  for (uint32_t entry = 0; entry < std::min(size, plan_.parameters.window); ++entry) {
    if (!piece_.is_mark(entry)) kernels::prefetch_row(vectors_.row(piece_.id(entry)), vectors_.stride());
  }
  // `clock` runs ahead of the centre that is trained; each stage works on the entry that it lets the clock lead by so much.
  for (uint32_t clock = 0; clock < size + kDrawAhead; ++clock) {
    if (clock < size) draw(clock);
    const uint32_t resolving = clock - (kDrawAhead - kResolveAhead);
    if (resolving < size) resolve(resolving);
    const uint32_t fetching = clock - (kDrawAhead - kFetchAhead);
    if (fetching < size) fetch(fetching);
    const uint32_t stepping = clock - kDrawAhead;
    if (stepping < size) {
      if (cancel.requested()) return aborted();
      step(stepping, totals);
    }
  }
  return totals;
}

}  // namespace anyvec::train
