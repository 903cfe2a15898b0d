// What the addon exports. lib/engine/native.ts is the only file that calls it, and its `Binding` interface the only other place that names these functions.

#include <napi.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <string>

#include "addon/convert.h"
#include "addon/search.h"
#include "addon/state.h"
#include "addon/task.h"
#include "base/checked.h"
#include "kernels/kernel_table.h"
#include "model/text_rows.h"
#include "train/hogwild.h"
#include "train/reference.h"
#include "walks/walks.h"

namespace anyvec::addon {

namespace {

using Napi::CallbackInfo;
using Napi::Env;
using Napi::Value;

// V8's typed arrays hold at most this many values on every supported version.
constexpr uint64_t kMostValues = (uint64_t{1} << 32) - 1;

[[noreturn]] void raise(Env env, const Error& error) { throw to_error(env, error); }

Error disposed() { return Error{Code::kDisposed, "the corpus was disposed of", {}}; }

// Its corpus, free for a call.
CorpusHandle& free_corpus(const Value& value) {
  CorpusHandle& handle = unwrap<CorpusHandle>(value);
  if (!handle.corpus) raise(value.Env(), disposed());
  if (handle.busy) raise(value.Env(), Error{Code::kUsage, "the corpus is at work; wait for the call before", {}});
  return handle;
}

Settle undefined() {
  return [](Env env) { return env.Undefined(); };
}

// A task that has the corpus to itself.
Value on_corpus(const Value& value, const Value& control, std::function<Result<Settle>(corpus::Corpus&, ControlHandle::Shared&)> work) {
  CorpusHandle& handle = free_corpus(value);
  auto corpus = handle.corpus;
  auto shared = unwrap<ControlHandle>(control).shared;
  handle.busy = true;
  auto kept = keep(value);
  return run_task(
      value.Env(), cancel_of(shared), [corpus, shared, work = std::move(work)] { return work(*corpus, *shared); },
      [kept, &handle] { handle.busy = false; });
}

Result<Settle> settled(const Status& status) {
  if (!status.ok()) return status.error();
  return undefined();
}

// ---- corpus

Value create_corpus(const CallbackInfo& info) {
  corpus::CorpusOptions options;
  options.threads = to_threads(info[0]);
  options.memory_limit = to_size(info[1], "memoryLimit");
  options.spill_folder = to_text(info[2], "spillFolder");
  options.skip_malformed = to_flag(info[3], "skipMalformed");
  const std::string tokenize = to_text(info[4], "tokenize");
  if (tokenize == "words") {
    options.tokenize = corpus::Tokenize::kWords;
  } else if (tokenize == "segmented") {
    options.tokenize = corpus::Tokenize::kSegmented;
  } else if (tokenize != "spaces") {
    throw Napi::TypeError::New(info.Env(), "expected tokenize to be spaces, words or segmented");
  }
  options.lowercase = to_flag(info[5], "lowercase");
  CorpusHandle handle;
  handle.corpus = std::make_shared<corpus::Corpus>(options);
  handle.threads = options.threads;
  return wrap(info.Env(), std::move(handle));
}

Value corpus_add_file(const CallbackInfo& info) {
  const std::string path = to_text(info[2], "path");
  return on_corpus(info[0], info[1], [path](corpus::Corpus& corpus, ControlHandle::Shared& shared) {
    return settled(corpus.add_file(path, shared.cancel, shared.read));
  });
}

Value corpus_add_block(const CallbackInfo& info) {
  const Bytes bytes = to_bytes(info[2], "block");
  // A copy: JavaScript may write to its buffer while the task reads. No task has the one before, as the corpus is free.
  auto text = free_corpus(info[0]).block;
  text->assign(bytes.data, bytes.size);
  const std::string source = to_text(info[3], "source");
  return on_corpus(info[0], info[1], [text, source](corpus::Corpus& corpus, ControlHandle::Shared& shared) {
    return settled(corpus.add_block(text->data(), text->size(), source, shared.cancel));
  });
}

Value corpus_end_stream(const CallbackInfo& info) {
  free_corpus(info[0]).block = std::make_shared<std::string>();
  return on_corpus(info[0], info[1],
                   [](corpus::Corpus& corpus, ControlHandle::Shared& shared) { return settled(corpus.end_stream(shared.cancel)); });
}

Value corpus_add_numbered(const CallbackInfo& info) {
  auto keys = std::make_shared<corpus::KeyBytes>(to_keys(info[2]));
  if (!info[3].IsTypedArray() || info[3].As<Napi::TypedArray>().TypedArrayType() != napi_uint32_array) {
    throw Napi::TypeError::New(info.Env(), "expected entries to be a Uint32Array");
  }
  const auto array = info[3].As<Napi::Uint32Array>();
  auto entries = std::make_shared<std::vector<uint32_t>>(array.Data(), array.Data() + array.ElementLength());
  return on_corpus(info[0], info[1], [keys, entries](corpus::Corpus& corpus, ControlHandle::Shared& shared) {
    return settled(corpus.add_numbered(*keys, *entries, shared.cancel));
  });
}

Value corpus_types(const CallbackInfo& info) {
  auto types = free_corpus(info[0]).corpus->types();
  if (!types.ok()) raise(info.Env(), types.error());
  return to_object(info.Env(), std::move(types.value()));
}

Value corpus_rename(const CallbackInfo& info) {
  auto status = free_corpus(info[0]).corpus->rename(to_keys(info[1]));
  if (!status.ok()) raise(info.Env(), status.error());
  return info.Env().Undefined();
}

Value corpus_finish(const CallbackInfo& info) {
  const uint64_t min_count = to_size(info[2], "minCount"), max_vocabulary = to_size(info[3], "maxVocabulary");
  return on_corpus(info[0], info[1], [=](corpus::Corpus& corpus, ControlHandle::Shared& shared) -> Result<Settle> {
    auto finished = corpus.finish(min_count, max_vocabulary, shared.cancel);
    if (!finished.ok()) return finished.error();
    const corpus::Summary summary = finished.value();
    return Settle([summary](Env env) -> Value {
      Napi::Object out = Napi::Object::New(env);
      auto set = [&](const char* name, uint64_t number) { out.Set(name, Napi::Number::New(env, static_cast<double>(number))); };
      set("tokens", summary.tokens);
      set("keptTokens", summary.kept_tokens);
      set("types", summary.types);
      set("vocabulary", summary.vocabulary);
      set("sequences", summary.sequences);
      set("bytes", summary.bytes);
      set("malformedTokens", summary.malformed_tokens);
      set("spilledBytes", summary.spilled_bytes);
      return out;
    });
  });
}

const corpus::Corpus& finished_corpus(const Value& value) {
  const CorpusHandle& handle = unwrap<CorpusHandle>(value);
  if (!handle.corpus) raise(value.Env(), disposed());
  if (handle.busy || !handle.corpus->finished()) raise(value.Env(), Error{Code::kUsage, "the corpus is not finished", {}});
  return *handle.corpus;
}

Value corpus_vocabulary(const CallbackInfo& info) {
  const corpus::Corpus& corpus = finished_corpus(info[0]);
  Napi::Object out = to_object(info.Env(), corpus::KeyBytes(corpus.keys()));
  const size_t size = corpus.counts().size();
  out.Set("counts", Napi::BigUint64Array::New(info.Env(), size, to_array_buffer(info.Env(), std::vector<uint64_t>(corpus.counts())), 0));
  return out;
}

Value corpus_dispose(const CallbackInfo& info) {
  // A task at work keeps its share until it ends.
  unwrap<CorpusHandle>(info[0]).corpus.reset();
  return info.Env().Undefined();
}

// ---- graphs

// Its graph, free for a call.
GraphHandle& free_graph(const Value& value) {
  GraphHandle& handle = unwrap<GraphHandle>(value);
  if (!handle.graph) raise(value.Env(), Error{Code::kDisposed, "the graph was disposed of", {}});
  if (handle.busy) raise(value.Env(), Error{Code::kUsage, "the graph is at work; wait for the call before", {}});
  return handle;
}

// A task that has the graph to itself.
Value on_graph(const Value& value, const Value& control, std::function<Result<Settle>(walks::Graph&, ControlHandle::Shared&)> work) {
  GraphHandle& handle = free_graph(value);
  auto graph = handle.graph;
  auto shared = unwrap<ControlHandle>(control).shared;
  handle.busy = true;
  auto kept = keep(value);
  return run_task(
      value.Env(), cancel_of(shared), [graph, shared, work = std::move(work)] { return work(*graph, *shared); },
      [kept, &handle] { handle.busy = false; });
}

Value create_graph(const CallbackInfo& info) {
  GraphHandle handle;
  handle.graph = std::make_shared<walks::Graph>(walks::GraphOptions{to_flag(info[0], "directed"), to_flag(info[1], "skipMalformed")});
  return wrap(info.Env(), std::move(handle));
}

Value graph_add_file(const CallbackInfo& info) {
  const std::string path = to_text(info[2], "path");
  return on_graph(info[0], info[1], [path](walks::Graph& graph, ControlHandle::Shared& shared) {
    return settled(graph.add_file(path, shared.cancel, shared.read));
  });
}

Value graph_add_block(const CallbackInfo& info) {
  const Bytes bytes = to_bytes(info[2], "block");
  auto text = std::make_shared<std::string>(bytes.data, bytes.size);
  const std::string source = to_text(info[3], "source");
  return on_graph(info[0], info[1], [text, source](walks::Graph& graph, ControlHandle::Shared& shared) {
    return settled(graph.add_block(*text, source, shared.cancel));
  });
}

Value graph_end_stream(const CallbackInfo& info) {
  return on_graph(info[0], info[1],
                  [](walks::Graph& graph, ControlHandle::Shared& shared) { return settled(graph.end_stream(shared.cancel)); });
}

Value graph_build(const CallbackInfo& info) {
  return on_graph(info[0], info[1], [](walks::Graph& graph, ControlHandle::Shared& shared) -> Result<Settle> {
    auto built = graph.build(shared.cancel);
    if (!built.ok()) return built.error();
    const walks::GraphSummary summary = built.value();
    return Settle([summary](Env env) -> Value {
      Napi::Object out = Napi::Object::New(env);
      auto set = [&](const char* name, uint64_t number) { out.Set(name, Napi::Number::New(env, static_cast<double>(number))); };
      set("nodes", summary.nodes);
      set("edges", summary.edges);
      set("repeatedEdges", summary.repeated_edges);
      set("loops", summary.loops);
      out.Set("weighted", Napi::Boolean::New(env, summary.weighted));
      set("zeroWeights", summary.zero_weights);
      set("malformedLines", summary.malformed_lines);
      set("comments", summary.comments);
      set("bytes", summary.bytes);
      return out;
    });
  });
}

Value graph_dispose(const CallbackInfo& info) {
  unwrap<GraphHandle>(info[0]).graph.reset();
  return info.Env().Undefined();
}

Value corpus_add_walks(const CallbackInfo& info) {
  auto graph = free_graph(info[2]).graph;
  const auto o = info[3].As<Napi::Object>();
  walks::WalkOptions options;
  options.walks = static_cast<uint32_t>(std::min<uint64_t>(to_size(o.Get("walks"), "walks"), UINT32_MAX));
  options.length = static_cast<uint32_t>(std::min<uint64_t>(to_size(o.Get("walkLength"), "walkLength"), UINT32_MAX));
  options.p = to_number(o.Get("p"), "p");
  options.q = to_number(o.Get("q"), "q");
  options.seed = to_size(o.Get("seed"), "seed");
  return on_corpus(info[0], info[1], [graph, options](corpus::Corpus& corpus, ControlHandle::Shared& shared) -> Result<Settle> {
    auto walked = walks::add_walks(corpus, *graph, options, shared.cancel, shared.walking);
    if (!walked.ok()) return walked.error();
    const walks::WalkSummary summary = walked.value();
    return Settle([summary](Env env) -> Value {
      Napi::Object out = Napi::Object::New(env);
      out.Set("walks", Napi::Number::New(env, static_cast<double>(summary.walks)));
      out.Set("endedEarly", Napi::Number::New(env, static_cast<double>(summary.ended_early)));
      return out;
    });
  });
}

Value walk_progress(const CallbackInfo& info) {
  const auto& walking = unwrap<ControlHandle>(info[0]).shared->walking;
  Napi::Object out = Napi::Object::New(info.Env());
  out.Set("walks", Napi::Number::New(info.Env(), static_cast<double>(walking.walks.load())));
  out.Set("totalWalks", Napi::Number::New(info.Env(), static_cast<double>(walking.total.load())));
  return out;
}

// ---- control

Value create_control(const CallbackInfo& info) { return wrap(info.Env(), ControlHandle{}); }

Value cancel(const CallbackInfo& info) {
  unwrap<ControlHandle>(info[0]).shared->cancel.request();
  return info.Env().Undefined();
}

Value read_progress(const CallbackInfo& info) {
  const auto& read = unwrap<ControlHandle>(info[0]).shared->read;
  Napi::Object out = Napi::Object::New(info.Env());
  out.Set("bytes", Napi::Number::New(info.Env(), static_cast<double>(read.bytes.load())));
  out.Set("totalBytes", Napi::Number::New(info.Env(), static_cast<double>(read.total.load())));
  return out;
}

Value training_progress(const CallbackInfo& info) {
  const train::Snapshot snapshot = unwrap<ControlHandle>(info[0]).shared->training.get();
  Napi::Object out = Napi::Object::New(info.Env());
  auto set = [&](const char* name, double number) { out.Set(name, Napi::Number::New(info.Env(), number)); };
  set("epoch", snapshot.epoch);
  set("words", static_cast<double>(snapshot.words));
  set("totalWords", static_cast<double>(snapshot.total_words));
  set("learningRate", snapshot.learning_rate);
  set("loss", snapshot.loss);
  return out;
}

// ---- matrices

// { handle, rows, columns, data }: `data` shows the memory that the handle works on.
Napi::Object matrix_value(Env env, model::Matrix matrix) {
  const size_t size = matrix.rows * matrix.columns * sizeof(float);
  Napi::ArrayBuffer buffer = to_array_buffer(env, matrix.owner, matrix.data, size);
  if (buffer.Data() != matrix.data && size > 0) {
    // It was copied, and the copy is the truth from now on. JavaScript keeps it alive beside the handle.
    matrix.data = static_cast<float*>(buffer.Data());
    matrix.owner.reset();
  }
  Napi::Object out = Napi::Object::New(env);
  out.Set("rows", Napi::Number::New(env, static_cast<double>(matrix.rows)));
  out.Set("columns", Napi::Number::New(env, static_cast<double>(matrix.columns)));
  out.Set("data", Napi::Float32Array::New(env, size / sizeof(float), buffer, 0));
  out.Set("handle", wrap(env, MatrixHandle{std::move(matrix)}));
  return out;
}

Error too_large(uint64_t rows, uint64_t columns) {
  return Error{Code::kMemory,
               std::to_string(rows) + " x " + std::to_string(columns) + " values are more than a Float32Array holds (2^32 - 1); use fewer dimensions or a smaller vocabulary",
               {{"rows", static_cast<double>(rows)}, {"columns", static_cast<double>(columns)}}};
}

bool fits(uint64_t rows, uint64_t columns) {
  const auto values = checked_product(rows, columns);
  return values && *values <= kMostValues;
}

Value allocate(const CallbackInfo& info) {
  const uint64_t rows = to_size(info[0], "rows"), columns = to_size(info[1], "columns");
  if (!fits(rows, columns)) raise(info.Env(), too_large(rows, columns));
  Memory memory = Memory::allocate(rows * columns * sizeof(float));
  if (!memory) {
    raise(info.Env(), Error{Code::kMemory, "a matrix of " + std::to_string(rows) + " x " + std::to_string(columns) + " values does not fit in memory",
                            {{"rows", static_cast<double>(rows)}, {"columns", static_cast<double>(columns)}}});
  }
  return matrix_value(info.Env(), model::Matrix::own(std::move(memory), rows, columns));
}

// ---- files

Value map_file(const CallbackInfo& info) {
  const std::string path = to_text(info[0], "path");
  return run_task(info.Env(), nullptr, [path]() -> Result<Settle> {
    auto opened = MappedFile::open(path);
    if (!opened.ok()) return opened.error();
    auto file = opened.value();
    return Settle([file](Env env) -> Value {
      Napi::Object out = Napi::Object::New(env);
      out.Set("bytes", Napi::Uint8Array::New(env, file->size(), to_array_buffer(env, file, file->writable(), file->size()), 0));
      out.Set("handle", wrap(env, FileHandle{file}));
      return out;
    });
  });
}

// A handle on rows inside the memory of a Float32Array over the mapping (or over its copy), which JavaScript keeps alive beside it.
Value view(const CallbackInfo& info) {
  const auto& file = unwrap<FileHandle>(info[0]).file;
  if (!info[1].IsTypedArray() || info[1].As<Napi::TypedArray>().TypedArrayType() != napi_float32_array) {
    throw Napi::TypeError::New(info.Env(), "expected data to be a Float32Array");
  }
  const auto data = info[1].As<Napi::Float32Array>();
  const uint64_t rows = to_size(info[2], "rows"), columns = to_size(info[3], "columns");
  const auto values = checked_product(rows, columns);
  if (!values || *values != data.ElementLength()) throw Napi::RangeError::New(info.Env(), "expected data to hold rows x columns values");
  return wrap(info.Env(), MatrixHandle{model::Matrix{const_cast<float*>(data.Data()), rows, columns, file}});
}

Value parse_rows(const CallbackInfo& info) {
  auto file = unwrap<FileHandle>(info[0]).file;
  auto shared = unwrap<ControlHandle>(info[1]).shared;
  const std::string path = to_text(info[2], "path");
  const uint64_t offset = to_size(info[3], "offset"), columns = to_size(info[4], "columns");
  const int threads = to_threads(info[5]);
  if (offset > file->size() || columns < 1) throw Napi::RangeError::New(info.Env(), "expected offset and columns to lie inside the file");
  return run_task(info.Env(), cancel_of(shared), [=]() -> Result<Settle> {
    shared->read.total.store(file->size() - offset);
    auto parsed = model::parse_rows(file->data() + offset, file->size() - offset, columns, path, threads, shared->cancel, shared->read.bytes);
    if (!parsed.ok()) return parsed.error();
    if (!fits(parsed.value().matrix.rows, columns)) return too_large(parsed.value().matrix.rows, columns);
    auto rows = std::make_shared<model::ParsedRows>(std::move(parsed.value()));
    return Settle([rows](Env env) -> Value {
      Napi::Object out = Napi::Object::New(env);
      out.Set("keys", to_object(env, std::move(rows->keys)));
      out.Set("matrix", matrix_value(env, rows->matrix));
      return out;
    });
  });
}

Value format_rows(const CallbackInfo& info) {
  const model::Matrix matrix = unwrap<MatrixHandle>(info[0]).matrix;
  auto kept = keep(info[1]);
  const uint64_t from = to_size(info[3], "from"), to = to_size(info[4], "to");
  if (from > to || to > matrix.rows) throw Napi::RangeError::New(info.Env(), "expected rows from .. to of the matrix");
  // Of the keys, only those that are wanted are copied.
  auto keys = std::make_shared<corpus::KeyBytes>(to_keys(info[2]));
  if (keys->size() < to - from) throw Napi::RangeError::New(info.Env(), "expected a key for each row");
  model::Matrix rows = matrix;
  rows.data += from * matrix.columns;
  return run_task(
      info.Env(), nullptr,
      [rows, keys, count = to - from]() -> Result<Settle> {
        auto text = std::make_shared<std::vector<char>>(model::format_rows(rows, *keys, 0, count));
        return Settle([text](Env env) -> Value {
          const size_t size = text->size();
          return Napi::Uint8Array::New(env, size, to_array_buffer(env, std::move(*text)), 0);
        });
      },
      [kept] {});
}

// ---- training

Value train_with(const CallbackInfo& info, bool reference) {
  CorpusHandle& handle = unwrap<CorpusHandle>(info[0]);
  finished_corpus(info[0]);
  auto corpus = handle.corpus;
  auto shared = unwrap<ControlHandle>(info[1]).shared;
  train::Parameters p;
  // What does not fit 32 bits is out of range for certain; train::check() says the rest.
  auto small = [](uint64_t number) { return static_cast<uint32_t>(std::min<uint64_t>(number, UINT32_MAX)); };
  const auto o = info[2].As<Napi::Object>();
  p.dimensions = small(to_size(o.Get("dimensions"), "dimensions"));
  p.window = small(to_size(o.Get("window"), "window"));
  p.negative = small(to_size(o.Get("negative"), "negative"));
  p.epochs = small(to_size(o.Get("epochs"), "epochs"));
  p.subsample = to_number(o.Get("subsample"), "subsample");
  p.learning_rate = to_number(o.Get("learningRate"), "learningRate");
  p.negative_exponent = to_number(o.Get("negativeExponent"), "negativeExponent");
  p.context_weight = to_number(o.Get("contextWeight"), "contextWeight");
  p.threads = to_threads(o.Get("threads"));
  p.seed = to_size(o.Get("seed"), "seed");
  const uint64_t rows = corpus->counts().size();
  if (!fits(rows, p.dimensions)) raise(info.Env(), too_large(rows, p.dimensions));
  const kernels::KernelTable& kernel = *kernels::active();
  return run_task(info.Env(), cancel_of(shared), [=, &kernel]() -> Result<Settle> {
    auto trained = reference ? train::reference(*corpus, p, shared->cancel, shared->training)
                             : train::hogwild(*corpus, p, kernel, shared->cancel, shared->training);
    if (!trained.ok()) return trained.error();
    auto outcome = std::make_shared<train::Outcome>(std::move(trained.value()));
    return Settle([outcome, rows, dimensions = p.dimensions](Env env) -> Value {
      Napi::Object out = Napi::Object::New(env);
      out.Set("vectors", matrix_value(env, model::Matrix::own(std::move(outcome->vectors), rows, dimensions)));
      out.Set("contexts", matrix_value(env, model::Matrix::own(std::move(outcome->contexts), rows, dimensions)));
      Napi::Array loss = Napi::Array::New(env, outcome->loss.size());
      for (size_t i = 0; i < outcome->loss.size(); ++i) loss.Set(static_cast<uint32_t>(i), Napi::Number::New(env, outcome->loss[i]));
      out.Set("loss", loss);
      out.Set("trainedTokens", Napi::Number::New(env, static_cast<double>(outcome->trained_tokens)));
      out.Set("pairs", Napi::Number::New(env, static_cast<double>(outcome->pairs)));
      out.Set("seconds", Napi::Number::New(env, outcome->seconds));
      out.Set("threads", Napi::Number::New(env, outcome->threads));
      return out;
    });
  });
}

Value train(const CallbackInfo& info) { return train_with(info, false); }
Value train_reference(const CallbackInfo& info) { return train_with(info, true); }

// ---- instruments

Value fma_peak(const CallbackInfo& info) {
  const kernels::KernelTable& kernel = *kernels::active();
  using Clock = std::chrono::steady_clock;
  double best = 0;
  // The best of some short runs: the machine may have other work.
  for (int run = 0; run < 10; ++run) {
    constexpr uint64_t kRounds = 4'000'000;
    const auto started = Clock::now();
    volatile float sink = kernel.fma_chain(kRounds);
    (void)sink;
    const double seconds = std::chrono::duration<double>(Clock::now() - started).count();
    best = std::max(best, 2.0 * static_cast<double>(kernel.fma_per_round) * static_cast<double>(kRounds) / seconds);
  }
  return Napi::Number::New(info.Env(), best);
}

}  // namespace

Napi::Object init(Env env, Napi::Object exports) {
  const kernels::KernelTable* kernel = kernels::active();
  if (kernel == nullptr) {
    std::string names;
    for (const kernels::KernelTable* const* table = kernels::supported(); *table != nullptr; ++table) {
      names += (names.empty() ? "" : ", ") + std::string((*table)->isa);
    }
    throw Napi::Error::New(env, std::string("ANYVEC_ISA asks for \"") + std::getenv("ANYVEC_ISA") + "\", and this processor can run: " + names);
  }
  exports.Set("isa", Napi::String::New(env, kernel->isa));
  const struct {
    const char* name;
    Value (*function)(const CallbackInfo&);
  } functions[] = {
      {"createCorpus", create_corpus},
      {"corpusAddFile", corpus_add_file},
      {"corpusAddBlock", corpus_add_block},
      {"corpusEndStream", corpus_end_stream},
      {"corpusAddNumbered", corpus_add_numbered},
      {"corpusAddWalks", corpus_add_walks},
      {"corpusTypes", corpus_types},
      {"corpusRename", corpus_rename},
      {"corpusFinish", corpus_finish},
      {"corpusVocabulary", corpus_vocabulary},
      {"corpusDispose", corpus_dispose},
      {"createGraph", create_graph},
      {"graphAddFile", graph_add_file},
      {"graphAddBlock", graph_add_block},
      {"graphEndStream", graph_end_stream},
      {"graphBuild", graph_build},
      {"graphDispose", graph_dispose},
      {"walkProgress", walk_progress},
      {"createControl", create_control},
      {"cancel", cancel},
      {"readProgress", read_progress},
      {"trainingProgress", training_progress},
      {"allocate", allocate},
      {"mapFile", map_file},
      {"view", view},
      {"parseRows", parse_rows},
      {"formatRows", format_rows},
      {"train", train},
      {"trainReference", train_reference},
      {"topK", top_k},
      {"buildIndex", build_index},
      {"indexProgress", index_progress},
      {"openIndex", open_index},
      {"walkIndex", walk_index},
      {"changeIndex", change_index},
      {"saveIndex", save_index},
      {"passSeconds", pass_seconds},
      {"fmaPeak", fma_peak},
  };
  for (const auto& entry : functions) exports.Set(entry.name, Napi::Function::New(env, entry.function, entry.name));

  // Codes by name, for the test that compares them with lib/errors.ts.
  Napi::Array codes = Napi::Array::New(env);
#define X(name, text) codes.Set(codes.Length(), Napi::String::New(env, "ERR_ANYVEC_" text));
  ANYVEC_ERROR_CODES(X)
#undef X
  exports.Set("errorCodes", codes);
  return exports;
}

NODE_API_MODULE(anyvec, init)

}  // namespace anyvec::addon
