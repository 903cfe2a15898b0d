#include "train/skip_gram.h"

#include <algorithm>
#include <cstring>

#include "base/checked.h"

namespace anyvec::train {

namespace {

using kernels::kBlockLanes;

// Up to this many outputs are compared with each other one by one; more go through a table.
constexpr uint32_t kFewOutputs = 16;

bool all_different(const uint32_t* ids, uint32_t count) {
  bool same = false;
  for (uint32_t i = 1; i < count; ++i) {
    for (uint32_t j = 0; j < i; ++j) same |= ids[i] == ids[j];
  }
  return !same;
}

// The weights of a context that stands in the window of the first of two centres, of the second, of both; and of a lone centre's.
constexpr float kWeights[5][kBlockLanes] = {
    {0, 0, 0, 0, 0, 0, 0, 0}, {1, 0, 1, 1, 1, 1, 1, 1}, {0, 1, 1, 1, 1, 1, 1, 1}, {1, 1, 2, 2, 2, 2, 2, 2}, {1, 1, 1, 1, 1, 1, 1, 1}};
constexpr uint32_t kLone = 4;

uint32_t most_inputs(const Parameters& p) { return std::min(2 * p.window + 2, kPieceEntries); }

}  // namespace

SkipGram::SkipGram(const Plan& plan, const kernels::KernelTable& kernel, Replica vectors, Replica contexts)
    : plan_(plan),
      kernel_(kernel),
      vectors_(std::move(vectors)),
      contexts_(std::move(contexts)),
      negative_(plan.parameters.negative),
      piece_(plan, kernel),
      distinct_(std::max(most_inputs(plan.parameters), negative_ + 2)) {}

Result<std::unique_ptr<SkipGram>> SkipGram::create(const Plan& plan, const kernels::KernelTable& kernel, const model::Rows& vectors,
                                                   const model::Rows& contexts, int workers) {
  auto own_vectors = Replica::create(vectors, workers, kernel);
  if (!own_vectors.ok()) return own_vectors.error();
  auto own_contexts = Replica::create(contexts, workers, kernel);
  if (!own_contexts.ok()) return own_contexts.error();
  std::unique_ptr<SkipGram> worker(new SkipGram(plan, kernel, std::move(own_vectors.value()), std::move(own_contexts.value())));
  if (auto status = worker->allocate_scratch(); !status.ok()) return status.error();
  return worker;
}

void SkipGram::close() {
  vectors_.close();
  contexts_.close();
}

Status SkipGram::allocate_scratch() {
  const size_t inputs = most_inputs(plan_.parameters) + size_t{1};
  const uint32_t outputs = negative_ + 2;
  picks_.resize((size_t{kBatch} * negative_ + 15) / 16 * 16);
  outputs_.resize(size_t{kRing} * outputs);
  input_ids_.resize(inputs);
  input_rows_.resize(inputs);
  output_rows_.resize(outputs);
  filler_ = Memory::allocate(vectors_.stride() * sizeof(float));
  weights_ = Memory::allocate(inputs * kBlockLanes * sizeof(float));
  gradients_ = Memory::allocate(kernels::gradient_floats(inputs, outputs) * sizeof(float));
  sums_ = Memory::allocate(kernels::block_count(outputs) > 1 ? inputs * vectors_.stride() * sizeof(float) : 0);
  if (!filler_ || !weights_ || !gradients_ || !sums_) {
    return Error{Code::kMemory, "no memory for a window of this size; use a smaller window or fewer negatives", {}};
  }
  return success();
}

void SkipGram::expect(const Replica& rows, uint32_t id) {
  kernel_.expect(rows.row(id), rows.stride());
  if (rows.merges_soon(id)) kernel_.expect(rows.shared_row(id), rows.stride());
}

void SkipGram::approach(uint32_t entry) {
  for (uint32_t i = entry; i < std::min(entry + 2, piece_.size()); ++i) {
    if (piece_.is_mark(i)) continue;
    expect(vectors_, piece_.id(i));
    expect(contexts_, piece_.id(i));
  }
  if (entry >= piece_.size()) return;
  const uint32_t come = plan_.pool.size(entry);
  for (uint32_t i = come - plan_.pool.density; i < come; ++i) expect(contexts_, piece_.pooled(i));
}

void SkipGram::choose(uint32_t from, uint32_t to) {
  piece_.draw_negatives(from, to, picks_.data());
  for (uint32_t entry = from; entry < to; entry += 2) {
    const uint32_t* picks = picks_.data() + size_t{entry - from} * negative_;
    const bool two = entry + 1 < to && !piece_.is_mark(entry) && !piece_.is_mark(entry + 1) && piece_.id(entry) != piece_.id(entry + 1);
    choose_step(entry, two ? 2 : 1, picks);
    if (entry + 1 < to) choose_step(entry + 1, two ? 0 : 1, picks + negative_);
  }
}

void SkipGram::choose_step(uint32_t entry, uint32_t centres, const uint32_t* picks) {
  Step& step = steps_[entry % kRing];
  step.centres = 0;
  if (centres == 0 || piece_.is_mark(entry)) return;
  step.width = piece_.width(entry);
  step.span = piece_.span(entry, centres, step.width);
  if (step.span.past - step.span.first < 2) return;
  step.centres = centres;
  uint32_t* outputs = outputs_.data() + size_t{entry % kRing} * (negative_ + 2);
  outputs[0] = piece_.id(entry);
  if (centres == 2) outputs[1] = piece_.id(entry + 1);
  for (uint32_t j = 0; j < negative_; ++j) outputs[centres + j] = piece_.pooled(plan_.pool.pick(entry, picks[j]));
  uint32_t count = centres + negative_;
  if (count > kFewOutputs || !all_different(outputs, count)) {
    distinct_.clear();
    uint32_t kept = 0;
    for (uint32_t j = 0; j < count; ++j) {
      const uint32_t id = outputs[j];
      outputs[kept] = id;
      kept += distinct_.add(id, kept) == kept ? 1 : 0;
    }
    count = kept;
  }
  step.output_count = count;
}

void SkipGram::fetch(uint32_t entry) {
  // Each entry enters the windows once: here, when the farthest centre that can see it comes near.
  const uint64_t entering = uint64_t{entry} + plan_.parameters.window;
  for (uint64_t i = entering; i < std::min<uint64_t>(entering + 2, piece_.size()); ++i) {
    const auto at = static_cast<uint32_t>(i);
    if (!piece_.is_mark(at)) kernel_.expect(vectors_.row(piece_.id(at)), vectors_.stride());
  }
  for (uint32_t i = entry; i < std::min(entry + 2, piece_.size()); ++i) {
    const Step& step = steps_[i % kRing];
    if (step.centres == 0) continue;
    const uint32_t* outputs = outputs_.data() + size_t{i % kRing} * (negative_ + 2);
    for (uint32_t j = 0; j < step.output_count; ++j) kernel_.expect(contexts_.row(outputs[j]), contexts_.stride());
  }
}

// The contexts of a step: their rows, their weights. Every entry has a place of its own unless an id stands there twice.
uint32_t SkipGram::gather(const Step& step, uint32_t entry, PieceTotals& totals) {
  float* weights = weights_.floats();
  uint32_t inputs = 0, pairs = 0;
  bool repeated = false;
  for (uint32_t i = step.span.first; i < step.span.past; ++i) {
    // Unsigned: what stands before the window wraps around to something large.
    const uint32_t first = i != entry && i + step.width - entry <= 2 * step.width ? 1 : 0;
    const uint32_t second = i != entry + 1 && i + step.width - (entry + 1) <= 2 * step.width ? 1 : 0;
    const uint32_t kind = step.centres == 2 ? first + 2 * second : first * kLone;
    std::memcpy(weights + size_t{inputs} * kBlockLanes, kWeights[kind], sizeof kWeights[kind]);
    input_ids_[inputs] = piece_.id(i);
    inputs += kind != 0 ? 1 : 0;
    pairs += first + (step.centres == 2 ? second : 0);
    repeated |= piece_.repeats(i, step.span.first);
  }
  totals.pairs += pairs;
  if (repeated) inputs = merge_repeated(inputs);
  for (uint32_t i = 0; i < inputs; ++i) input_rows_[i] = vectors_.take(input_ids_[i]);
  return inputs;
}

uint32_t SkipGram::merge_repeated(uint32_t inputs) {
  float* weights = weights_.floats();
  distinct_.clear();
  uint32_t kept = 0;
  for (uint32_t i = 0; i < inputs; ++i) {
    const uint32_t id = input_ids_[i], place = distinct_.add(id, kept);
    const float* more = weights + size_t{i} * kBlockLanes;
    float* at = weights + size_t{place} * kBlockLanes;
    if (place == kept) {
      input_ids_[kept++] = id;
      if (at != more) std::memcpy(at, more, kBlockLanes * sizeof(float));
    } else {
      for (size_t lane = 0; lane < kBlockLanes; ++lane) at[lane] += more[lane];
    }
  }
  return kept;
}

void SkipGram::train_step(uint32_t entry, PieceTotals& totals) {
  const Step& step = steps_[entry % kRing];
  if (step.centres == 0) return;
  const uint32_t inputs = gather(step, entry, totals);
  input_rows_[inputs] = filler_.floats();
  std::memset(weights_.floats() + size_t{inputs} * kBlockLanes, 0, kBlockLanes * sizeof(float));
  const uint32_t* outputs = outputs_.data() + size_t{entry % kRing} * (negative_ + 2);
  for (uint32_t j = 0; j < step.output_count; ++j) output_rows_[j] = contexts_.take(outputs[j]);

  kernels::Window window{};
  window.inputs = input_rows_.data();
  window.weights = weights_.floats();
  window.outputs = output_rows_.data();
  window.input_count = inputs;
  window.output_count = step.output_count;
  window.centre_count = step.centres;
  window.dimensions = vectors_.dimensions();
  window.rate = piece_.rate(entry);
  window.gradients = gradients_.floats();
  window.sums = sums_.floats();
  window.loss = totals.losses;
  kernel_.train_window(window);
}

Result<PieceTotals> SkipGram::train(uint64_t epoch, uint64_t number, const Cancel& cancel) {
  if (auto status = piece_.read(epoch, number); !status.ok()) return status.error();
  PieceTotals totals;
  totals.tokens = piece_.tokens();
  totals.trained_tokens = piece_.kept_tokens();
  const uint32_t size = piece_.size();
  for (uint32_t i = 0; i < plan_.pool.size(0); ++i) expect(contexts_, piece_.pooled(i));
  for (uint32_t entry = 0; entry < kApproachAhead; entry += 2) approach(entry);
  choose(0, std::min(kBatch, size));
  for (uint32_t from = 0; from < size; from += kBatch) {
    if (cancel.requested()) return aborted();
    const uint32_t past = std::min(size, from + kBatch);
    choose(past, std::min(size, past + kBatch));
    for (uint32_t entry = from; entry < past; entry += 2) {
      approach(entry + kApproachAhead);
      fetch(entry + kFetchAhead);
      train_step(entry, totals);
      if (entry + 1 < past) train_step(entry + 1, totals);
    }
  }
  for (double term : totals.losses) totals.loss += term;
  return totals;
}

}  // namespace anyvec::train
