#include "addon/search.h"

#include <algorithm>
#include <chrono>
#include <memory>
#include <vector>

#include "addon/convert.h"
#include "addon/state.h"
#include "addon/task.h"
#include "base/checked.h"
#include "kernels/kernel_table.h"
#include "search/hnsw.h"
#include "search/top_k.h"

namespace anyvec::addon {

namespace {

using Napi::CallbackInfo;
using Napi::Env;
using Napi::Value;

// Searches of fewer multiply-adds than this (about a millisecond) are not worth a thread.
constexpr uint64_t kSmallSearch = 8'000'000;

search::Measure to_measure(const Value& value) {
  const std::string name = to_text(value, "metric");
  if (name == "cosine") return search::Measure::kCosine;
  if (name == "dot") return search::Measure::kProduct;
  if (name == "euclidean") return search::Measure::kDistance;
  if (name == "3cosmul") return search::Measure::kMultiply;
  if (name == "pair-direction") return search::Measure::kDirection;
  throw Napi::TypeError::New(value.Env(), "expected metric to be cosine, dot, euclidean, 3cosmul or pair-direction");
}

// Walks of no more than this are not worth a thread.
constexpr uint64_t kSmallWalk = 512;

// What a task needs, alive and unchanged while JavaScript goes on.
struct Question {
  std::vector<float> queries;
  std::vector<uint32_t> filter;
};

// The promise of work that is done at once.
Value at_once(Env env, const std::function<Result<Settle>()>& work) {
  auto deferred = Napi::Promise::Deferred::New(env);
  auto result = work();
  if (result.ok()) {
    deferred.Resolve(result.value()(env));
  } else {
    deferred.Reject(to_error(env, result.error()).Value());
  }
  return deferred.Promise();
}

}  // namespace

Value top_k(const CallbackInfo& info) {
  const model::Matrix matrix = unwrap<MatrixHandle>(info[0]).matrix;
  auto kept = keep(info[1]);
  auto shared = unwrap<ControlHandle>(info[2]).shared;
  auto question = std::make_shared<Question>();
  question->queries = to_floats(info[3], "queries");
  search::Request request;
  request.k = to_size(info[4], "k");
  request.measure = to_measure(info[5]);
  request.filter.rows = std::min<uint64_t>(to_size(info[6], "rows"), matrix.rows);
  if (!info[7].IsNull()) {
    question->filter = to_words(info[7], "filter");
    if (question->filter.size() < (request.filter.rows + 31) / 32) throw Napi::RangeError::New(info.Env(), "expected filter to hold a bit for each row");
    request.filter.words = question->filter.data();
  }
  request.threads = to_threads(info[8]);
  if (matrix.columns == 0 || question->queries.size() % matrix.columns != 0) {
    throw Napi::RangeError::New(info.Env(), "expected queries to hold whole rows");
  }
  request.queries = question->queries.data();
  request.query_count = question->queries.size() / matrix.columns;
  const auto multiplications = checked_product(question->queries.size(), request.filter.rows);
  const bool small = multiplications && *multiplications < kSmallSearch;
  if (small) request.threads = 1;
  auto work = [=]() -> Result<Settle> {
    auto found = search::top_k(matrix, request, *kernels::active(), shared->cancel);
    if (!found.ok()) return found.error();
    auto answer = std::make_shared<search::Answer>(std::move(found.value()));
    return Settle([answer, question](Env env) -> Value {
      Napi::Object out = Napi::Object::New(env);
      const size_t size = answer->ids.size();
      out.Set("ids", Napi::Uint32Array::New(env, size, to_array_buffer(env, std::move(answer->ids)), 0));
      out.Set("scores", Napi::Float32Array::New(env, size, to_array_buffer(env, std::move(answer->scores)), 0));
      return out;
    });
  };
  if (small) return at_once(info.Env(), work);
  return run_task(info.Env(), cancel_of(shared), work, [kept] {});
}

namespace {

constexpr const char* kStorages[] = {"float32", "float16", "int8"};

search::Storage to_storage(const Value& value) {
  const std::string name = to_text(value, "storage");
  for (uint32_t i = 0; i < 3; ++i) {
    if (name == kStorages[i]) return static_cast<search::Storage>(i);
  }
  throw Napi::TypeError::New(value.Env(), "expected storage to be float32, float16 or int8");
}

uint32_t to_small(const Value& value, const char* name) { return static_cast<uint32_t>(std::min<uint64_t>(to_size(value, name), UINT32_MAX)); }

Settle index_value(std::shared_ptr<search::Graph> graph) {
  return [graph](Env env) -> Value {
    Napi::Object out = Napi::Object::New(env);
    const search::GraphParameters& parameters = graph->parameters();
    out.Set("size", Napi::Number::New(env, static_cast<double>(graph->size())));
    out.Set("connectivity", Napi::Number::New(env, parameters.connectivity));
    out.Set("expansion", Napi::Number::New(env, parameters.expansion));
    out.Set("storage", Napi::String::New(env, kStorages[static_cast<uint32_t>(parameters.storage)]));
    out.Set("handle", wrap(env, IndexHandle{graph}));
    return out;
  };
}

// A task on an index, which it keeps alive with its matrix.
Value on_index(const CallbackInfo& info, std::shared_ptr<Cancel> cancel, std::function<Result<Settle>()> work) {
  IndexHandle& handle = unwrap<IndexHandle>(info[0]);
  auto index = keep(info[0]), matrix = keep(info[1]);
  ++handle.busy;
  return run_task(info.Env(), std::move(cancel), std::move(work), [index, matrix, &handle] { --handle.busy; });
}

}  // namespace

Value build_index(const CallbackInfo& info) {
  const model::Matrix matrix = unwrap<MatrixHandle>(info[0]).matrix;
  auto kept = keep(info[1]);
  auto shared = unwrap<ControlHandle>(info[2]).shared;
  search::GraphParameters parameters;
  parameters.connectivity = to_small(info[3], "connectivity");
  parameters.expansion = to_small(info[4], "expansion");
  parameters.storage = to_storage(info[5]);
  parameters.threads = to_threads(info[6]);
  return run_task(
      info.Env(), cancel_of(shared),
      [=]() -> Result<Settle> {
        auto built = search::Graph::build(matrix, parameters, *kernels::active(), shared->cancel, shared->linked);
        if (!built.ok()) return built.error();
        return index_value(built.value());
      },
      [kept] {});
}

Value index_progress(const CallbackInfo& info) {
  return Napi::Number::New(info.Env(), static_cast<double>(unwrap<ControlHandle>(info[0]).shared->linked.load()));
}

Value open_index(const CallbackInfo& info) {
  const model::Matrix matrix = unwrap<MatrixHandle>(info[0]).matrix;
  auto kept = keep(info[1]);
  auto file = unwrap<FileHandle>(info[2]).file;
  const uint64_t offset = to_size(info[3], "offset"), length = to_size(info[4], "length");
  if (offset > file->size() || length > file->size() - offset) throw Napi::RangeError::New(info.Env(), "expected the index to lie inside the file");
  return run_task(
      info.Env(), nullptr,
      [=]() -> Result<Settle> {
        auto opened = search::Graph::open(matrix, file, file->data() + offset, length, *kernels::active());
        if (!opened.ok()) return opened.error();
        return index_value(opened.value());
      },
      [kept] {});
}

Value walk_index(const CallbackInfo& info) {
  auto graph = unwrap<IndexHandle>(info[0]).graph;
  auto shared = unwrap<ControlHandle>(info[2]).shared;
  auto question = std::make_shared<Question>();
  question->queries = to_floats(info[3], "queries");
  search::Walk walk;
  walk.k = to_size(info[4], "k");
  walk.expansion = to_small(info[5], "expansion");
  walk.filter.rows = std::min<uint64_t>(to_size(info[6], "rows"), graph->rows());
  if (!info[7].IsNull()) {
    question->filter = to_words(info[7], "filter");
    if (question->filter.size() < (walk.filter.rows + 31) / 32) throw Napi::RangeError::New(info.Env(), "expected filter to hold a bit for each row");
    walk.filter.words = question->filter.data();
  }
  walk.threads = to_threads(info[8]);
  walk.always = to_flag(info[9], "always");
  if (graph->columns() == 0 || question->queries.size() % graph->columns() != 0) throw Napi::RangeError::New(info.Env(), "expected queries to hold whole rows");
  walk.queries = question->queries.data();
  walk.query_count = question->queries.size() / graph->columns();
  auto work = [=]() -> Result<Settle> {
    auto found = graph->search(walk, shared->cancel);
    if (!found.ok()) return found.error();
    auto answer = std::make_shared<search::WalkAnswer>(std::move(found.value()));
    return Settle([answer, question](Env env) -> Value {
      Napi::Object out = Napi::Object::New(env);
      const size_t size = answer->answer.ids.size();
      out.Set("ids", Napi::Uint32Array::New(env, size, to_array_buffer(env, std::move(answer->answer.ids)), 0));
      out.Set("scores", Napi::Float32Array::New(env, size, to_array_buffer(env, std::move(answer->answer.scores)), 0));
      out.Set("exact", Napi::Boolean::New(env, answer->exact));
      return out;
    });
  };
  // Where nobody else is at work on the index, so that the event loop waits for none; filters may mean to score many rows.
  const bool small = walk.query_count * std::max<uint64_t>(walk.k, walk.expansion) <= kSmallWalk && walk.filter.words == nullptr;
  if (small && graph->checked() && unwrap<IndexHandle>(info[0]).busy == 0) return at_once(info.Env(), work);
  return on_index(info, cancel_of(shared), work);
}

Value change_index(const CallbackInfo& info) {
  auto graph = unwrap<IndexHandle>(info[0]).graph;
  auto shared = unwrap<ControlHandle>(info[2]).shared;
  const std::vector<uint32_t> rows = to_words(info[3], "rows");
  const bool add = to_flag(info[4], "add");
  const int threads = to_threads(info[5]);
  for (uint32_t row : rows) {
    if (row >= graph->rows()) throw Napi::RangeError::New(info.Env(), "expected rows of the matrix");
  }
  return on_index(info, cancel_of(shared), [=]() -> Result<Settle> {
    const Status changed = add ? graph->add(rows, threads, shared->cancel) : graph->remove(rows);
    if (!changed.ok()) return changed.error();
    return Settle([graph](Env env) -> Value { return Napi::Number::New(env, static_cast<double>(graph->size())); });
  });
}

Value save_index(const CallbackInfo& info) {
  auto graph = unwrap<IndexHandle>(info[0]).graph;
  return on_index(info, nullptr, [graph]() -> Result<Settle> {
    auto saved = graph->save();
    if (!saved.ok()) return saved.error();
    auto bytes = std::make_shared<std::vector<char>>(std::move(saved.value()));
    return Settle([bytes](Env env) -> Value {
      const size_t size = bytes->size();
      return Napi::Uint8Array::New(env, size, to_array_buffer(env, std::move(*bytes)), 0);
    });
  });
}

Value pass_seconds(const CallbackInfo& info) {
  const model::Matrix& matrix = unwrap<MatrixHandle>(info[0]).matrix;
  using Clock = std::chrono::steady_clock;
  const auto started = Clock::now();
  volatile float sink = kernels::active()->search->sum(matrix.data, matrix.rows * matrix.columns);
  (void)sink;
  return Napi::Number::New(info.Env(), std::chrono::duration<double>(Clock::now() - started).count());
}

}  // namespace anyvec::addon
