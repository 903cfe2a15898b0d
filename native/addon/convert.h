#pragma once
// Arguments from JavaScript, results and errors to it. What does not fit throws a JavaScript error; lib/engine/native.ts never lets that happen.

#include <napi.h>

#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "corpus/corpus.h"

namespace anyvec::addon {

// An Error with `code` and `details`, which lib/engine/native.ts turns into an AnyvecError.
Napi::Error to_error(Napi::Env env, const Error& error);

// A whole number of 0 .. 2^53 - 1.
uint64_t to_size(const Napi::Value& value, const char* name);
double to_number(const Napi::Value& value, const char* name);
int to_threads(const Napi::Value& value);
bool to_flag(const Napi::Value& value, const char* name);
std::string to_text(const Napi::Value& value, const char* name);

struct Bytes {
  const char* data;
  size_t size;
};
// The bytes of a Uint8Array; valid while JavaScript does not run.
Bytes to_bytes(const Napi::Value& value, const char* name);
// A copy of a Float32Array.
std::vector<float> to_floats(const Napi::Value& value, const char* name);
// A copy of a Uint32Array.
std::vector<uint32_t> to_words(const Napi::Value& value, const char* name);
// A copy of { bytes, offsets }, with rising offsets inside the bytes.
corpus::KeyBytes to_keys(const Napi::Value& value);

// Memory of the core as an ArrayBuffer: without a copy where the runtime allows that, else a copy.
Napi::ArrayBuffer to_array_buffer(Napi::Env env, std::shared_ptr<const void> owner, void* data, size_t size);
template <class Element>
Napi::ArrayBuffer to_array_buffer(Napi::Env env, std::vector<Element>&& values) {
  auto owner = std::make_shared<std::vector<Element>>(std::move(values));
  return to_array_buffer(env, owner, owner->data(), owner->size() * sizeof(Element));
}
Napi::Object to_object(Napi::Env env, corpus::KeyBytes&& keys);

}  // namespace anyvec::addon
