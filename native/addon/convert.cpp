#include "addon/convert.h"

#include <cmath>
#include <cstring>

namespace anyvec::addon {

Napi::Error to_error(Napi::Env env, const Error& error) {
  Napi::Error out = Napi::Error::New(env, error.message);
  out.Set("code", Napi::String::New(env, std::string("ERR_ANYVEC_") + code_text(error.code)));
  Napi::Object details = Napi::Object::New(env);
  for (const Detail& detail : error.details) {
    if (const auto* number = std::get_if<double>(&detail.value)) {
      details.Set(detail.name, Napi::Number::New(env, *number));
    } else {
      details.Set(detail.name, Napi::String::New(env, std::get<std::string>(detail.value)));
    }
  }
  out.Set("details", details);
  return out;
}

namespace {
[[noreturn]] void refuse(const Napi::Value& value, const char* name, const char* expected) {
  throw Napi::TypeError::New(value.Env(), std::string("expected ") + name + " to be " + expected);
}
}  // namespace

uint64_t to_size(const Napi::Value& value, const char* name) {
  constexpr double kMost = 9007199254740991.0;
  if (!value.IsNumber()) refuse(value, name, "a number");
  const double number = value.As<Napi::Number>().DoubleValue();
  if (!(number >= 0 && number <= kMost) || number != std::floor(number)) refuse(value, name, "a whole number of 0 .. 2^53 - 1");
  return static_cast<uint64_t>(number);
}

double to_number(const Napi::Value& value, const char* name) {
  if (!value.IsNumber()) refuse(value, name, "a number");
  return value.As<Napi::Number>().DoubleValue();
}

int to_threads(const Napi::Value& value) {
  const uint64_t threads = to_size(value, "threads");
  if (threads < 1 || threads > 1024) refuse(value, "threads", "1..1024");
  return static_cast<int>(threads);
}

bool to_flag(const Napi::Value& value, const char* name) {
  if (!value.IsBoolean()) refuse(value, name, "true or false");
  return value.As<Napi::Boolean>().Value();
}

std::string to_text(const Napi::Value& value, const char* name) {
  if (!value.IsString()) refuse(value, name, "a string");
  return value.As<Napi::String>().Utf8Value();
}

Bytes to_bytes(const Napi::Value& value, const char* name) {
  if (!value.IsTypedArray() || value.As<Napi::TypedArray>().TypedArrayType() != napi_uint8_array) refuse(value, name, "a Uint8Array");
  auto array = value.As<Napi::Uint8Array>();
  return {reinterpret_cast<const char*>(array.Data()), array.ByteLength()};
}

namespace {
template <class Element>
std::vector<Element> to_vector(const Napi::Value& value, napi_typedarray_type type, const char* name, const char* expected) {
  if (!value.IsTypedArray() || value.As<Napi::TypedArray>().TypedArrayType() != type) refuse(value, name, expected);
  const auto array = value.As<Napi::TypedArrayOf<Element>>();
  return {array.Data(), array.Data() + array.ElementLength()};
}
}  // namespace

std::vector<float> to_floats(const Napi::Value& value, const char* name) { return to_vector<float>(value, napi_float32_array, name, "a Float32Array"); }
std::vector<uint32_t> to_words(const Napi::Value& value, const char* name) { return to_vector<uint32_t>(value, napi_uint32_array, name, "a Uint32Array"); }

corpus::KeyBytes to_keys(const Napi::Value& value) {
  if (!value.IsObject()) refuse(value, "keys", "an object");
  const auto object = value.As<Napi::Object>();
  const Bytes bytes = to_bytes(object.Get("bytes"), "keys.bytes");
  const Napi::Value offsets = object.Get("offsets");
  if (!offsets.IsTypedArray() || offsets.As<Napi::TypedArray>().TypedArrayType() != napi_biguint64_array) {
    refuse(value, "keys.offsets", "a BigUint64Array");
  }
  const auto array = offsets.As<Napi::BigUint64Array>();
  const uint64_t* data = array.Data();
  const size_t count = array.ElementLength();
  if (count == 0 || data[0] != 0 || data[count - 1] > bytes.size) refuse(value, "keys.offsets", "from 0 to the length of keys.bytes");
  for (size_t i = 1; i < count; ++i) {
    if (data[i] < data[i - 1]) refuse(value, "keys.offsets", "rising");
  }
  corpus::KeyBytes keys;
  keys.bytes.assign(bytes.data, bytes.data + data[count - 1]);
  keys.offsets.assign(data, data + count);
  return keys;
}

Napi::ArrayBuffer to_array_buffer(Napi::Env env, std::shared_ptr<const void> owner, void* data, size_t size) {
  if (size == 0) return Napi::ArrayBuffer::New(env, 0);
  auto* share = new std::shared_ptr<const void>(std::move(owner));
  napi_value buffer = nullptr;
  const napi_status status = napi_create_external_arraybuffer(
      env, data, size, [](napi_env, void*, void* hint) { delete static_cast<std::shared_ptr<const void>*>(hint); }, share, &buffer);
  if (status == napi_ok) return Napi::ArrayBuffer(env, buffer);
  // A runtime whose heap must hold all memory (Electron's sandbox).
  if (env.IsExceptionPending()) env.GetAndClearPendingException();
  Napi::ArrayBuffer copy = Napi::ArrayBuffer::New(env, size);
  std::memcpy(copy.Data(), data, size);
  delete share;
  return copy;
}

Napi::Object to_object(Napi::Env env, corpus::KeyBytes&& keys) {
  Napi::Object out = Napi::Object::New(env);
  const size_t bytes = keys.bytes.size(), offsets = keys.offsets.size();
  out.Set("bytes", Napi::Uint8Array::New(env, bytes, to_array_buffer(env, std::move(keys.bytes)), 0));
  out.Set("offsets", Napi::BigUint64Array::New(env, offsets, to_array_buffer(env, std::move(keys.offsets)), 0));
  return out;
}

}  // namespace anyvec::addon
