#pragma once
// Search, as JavaScript calls it.

#include <napi.h>

namespace anyvec::addon {

// (matrix, data, control, queries, k, metric, rows, filter or null, threads) -> promise of { ids, scores }
Napi::Value top_k(const Napi::CallbackInfo& info);
// (matrix, data, control, connectivity, expansion, storage, threads) -> promise of { handle, size }
Napi::Value build_index(const Napi::CallbackInfo& info);
// (control) -> rows that build_index has linked
Napi::Value index_progress(const Napi::CallbackInfo& info);
// (matrix, data, file, offset, length) -> promise of { handle, size, connectivity, expansion, storage }
Napi::Value open_index(const Napi::CallbackInfo& info);
// (index, data, control, queries, k, expansion, rows, filter or null, threads, always) -> promise of { ids, scores, exact }
Napi::Value walk_index(const Napi::CallbackInfo& info);
// (index, data, control, rows, add, threads) -> promise of the rows that can be answers then
Napi::Value change_index(const Napi::CallbackInfo& info);
// (index, data) -> promise of bytes
Napi::Value save_index(const Napi::CallbackInfo& info);
// (matrix, data) -> seconds that reading the matrix once takes
Napi::Value pass_seconds(const Napi::CallbackInfo& info);

}  // namespace anyvec::addon
