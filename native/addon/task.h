#pragma once
// Work away from the event loop, whose end settles a promise.

#include <napi.h>

#include <functional>
#include <memory>

#include "base/result.h"
#include "base/threads.h"

namespace anyvec::addon {

// Makes the promise's value, on the JavaScript thread.
using Settle = std::function<Napi::Value(Napi::Env)>;

// Runs `work` on a thread of its own - not on libuv's few, which file and network work of the whole program share.
// `cancel` is requested when the environment goes down, which then waits for the thread.
// `ended` is called on the JavaScript thread before the promise settles, however the work ended.
Napi::Promise run_task(Napi::Env env, std::shared_ptr<Cancel> cancel, std::function<Result<Settle>()> work,
                       std::function<void()> ended = nullptr);

}  // namespace anyvec::addon
