#pragma once
// What JavaScript holds of the core: handles with type tags, so that a wrong one is refused and never cast.

#include <napi.h>

#include <memory>
#include <string>
#include <utility>

#include "base/file.h"
#include "corpus/corpus.h"
#include "model/matrix.h"
#include "search/hnsw.h"
#include "train/parameters.h"
#include "walks/walks.h"

namespace anyvec::addon {

// A corpus and whether a task is at work on it. Both are touched on the JavaScript thread alone; the task has a share of the corpus.
struct CorpusHandle {
  static constexpr napi_type_tag kTag{0x6f1d8c2e5b7a4390ULL, 0x91c3a4d0b85e7f21ULL};
  static constexpr const char* kName = "corpus";
  std::shared_ptr<corpus::Corpus> corpus;  // empty once disposed of
  bool busy = false;
  int threads = 1;
  // The last block of a stream, kept for the next one: fresh memory of that size costs more than the copying.
  std::shared_ptr<std::string> block = std::make_shared<std::string>();
};

struct GraphHandle {
  static constexpr napi_type_tag kTag{0xe1b35c96d07f4a28ULL, 0x9c42f0d8a76b5e13ULL};
  static constexpr const char* kName = "graph";
  std::shared_ptr<walks::Graph> graph;  // empty once disposed of
  bool busy = false;
};

struct MatrixHandle {
  static constexpr napi_type_tag kTag{0x3ab94f01c7de4d52ULL, 0xa7e6120f93bc48d1ULL};
  static constexpr const char* kName = "matrix";
  model::Matrix matrix;
};

struct FileHandle {
  static constexpr napi_type_tag kTag{0xd2470b5e81fa4c3bULL, 0x8be9f6713c0d25a4ULL};
  static constexpr const char* kName = "file";
  std::shared_ptr<MappedFile> file;
};

struct IndexHandle {
  static constexpr napi_type_tag kTag{0x1c9e57d3a40b4f68ULL, 0x9d2f60b7c8a1435eULL};
  static constexpr const char* kName = "index";
  std::shared_ptr<search::Graph> graph;
  int busy = 0;  // tasks at work on it; touched on the JavaScript thread alone
};

// How JavaScript follows and stops one task.
struct ControlHandle {
  static constexpr napi_type_tag kTag{0x58c7e20d914b4fa6ULL, 0xb1d8356f0ea24c97ULL};
  static constexpr const char* kName = "control";
  struct Shared {
    Cancel cancel;
    corpus::ReadProgress read;
    walks::WalkProgress walking;
    train::Progress training;
    std::atomic<uint64_t> linked{0};
  };
  std::shared_ptr<Shared> shared = std::make_shared<Shared>();
};

template <class Handle>
Napi::External<Handle> wrap(Napi::Env env, Handle handle) {
  auto external = Napi::External<Handle>::New(env, new Handle(std::move(handle)), [](Napi::Env, Handle* held) { delete held; });
  external.TypeTag(&Handle::kTag);
  return external;
}

template <class Handle>
Handle& unwrap(const Napi::Value& value) {
  if (value.IsExternal()) {
    auto external = value.As<Napi::External<Handle>>();
    if (external.CheckTypeTag(&Handle::kTag)) return *external.Data();
  }
  throw Napi::TypeError::New(value.Env(), std::string("expected the handle of a ") + Handle::kName);
}

inline std::shared_ptr<Cancel> cancel_of(const std::shared_ptr<ControlHandle::Shared>& shared) { return {shared, &shared->cancel}; }

// Keeps a JavaScript value, and the handle inside it, alive while a task works with it.
inline std::shared_ptr<Napi::Reference<Napi::Value>> keep(const Napi::Value& value) {
  return std::make_shared<Napi::Reference<Napi::Value>>(Napi::Persistent(value));
}

}  // namespace anyvec::addon
