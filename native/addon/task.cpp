#include "addon/task.h"

#include <exception>
#include <new>
#include <string>
#include <system_error>
#include <thread>
#include <utility>

#include "addon/convert.h"

namespace anyvec::addon {

namespace {

class Task {
 public:
  Task(Napi::Env env, std::shared_ptr<Cancel> cancel, std::function<Result<Settle>()> work, std::function<void()> ended)
      : env_(env), deferred_(Napi::Promise::Deferred::New(env)), cancel_(std::move(cancel)), work_(std::move(work)), ended_(std::move(ended)) {}

  Napi::Promise start() {
    const Napi::Promise promise = deferred_.Promise();
    const auto name = Napi::String::New(env_, "anyvec");
    napi_threadsafe_function bell = nullptr;
    if (napi_create_threadsafe_function(env_, nullptr, nullptr, name, 0, 1, nullptr, nullptr, this, rung, &bell) != napi_ok) {
      finish(Error{Code::kInternal, "Node has no thread-safe function to give", {}});
      return promise;
    }
    bell_ = bell;
    // Hooks run last in, first out: this one, which ends the thread, comes before the one that takes the bell away.
    napi_add_env_cleanup_hook(env_, teardown, this);
    try {
      thread_ = std::thread([this] { run(); });
    } catch (const std::system_error&) {
      // No thread to be had: work here, slowly, rather than fail.
      run();
    }
    return promise;
  }

 private:
  // On the task's thread.
  void run() {
    try {
      result_ = work_();
    } catch (const std::bad_alloc&) {
      result_ = Error{Code::kMemory, "memory ran out", {}};
    } catch (const std::exception& failure) {
      result_ = Error{Code::kInternal, std::string("a defect in anyvec: ") + failure.what(), {}};
    } catch (...) {
      result_ = Error{Code::kInternal, "a defect in anyvec", {}};
    }
    napi_call_threadsafe_function(bell_, nullptr, napi_tsfn_nonblocking);
    napi_release_threadsafe_function(bell_, napi_tsfn_release);
  }

  // On the JavaScript thread, when the work is over. env is null while the environment goes down.
  static void rung(napi_env env, napi_value, void* context, void*) {
    auto* task = static_cast<Task*>(context);
    if (env == nullptr) return;  // teardown() owns the task now
    napi_remove_env_cleanup_hook(env, teardown, task);
    task->join();
    Napi::HandleScope scope(env);
    task->finish(std::move(task->result_));
  }

  static void teardown(void* data) {
    auto* task = static_cast<Task*>(data);
    if (task->cancel_) task->cancel_->request();
    task->join();
    // Its bell may still be in the queue with a pointer to it, so it stays where it is, emptied.
    task->result_ = Error{};
    task->work_ = nullptr;
  }

  void join() {
    if (thread_.joinable()) thread_.join();
  }

  void finish(Result<Settle> result) {
    std::unique_ptr<Task> end(this);
    if (ended_) ended_();
    try {
      if (result.ok()) {
        deferred_.Resolve(result.value()(env_));
      } else {
        deferred_.Reject(to_error(env_, result.error()).Value());
      }
    } catch (const Napi::Error& error) {
      deferred_.Reject(error.Value());
    } catch (const std::bad_alloc&) {
      deferred_.Reject(to_error(env_, Error{Code::kMemory, "memory ran out", {}}).Value());
    }
  }

  Napi::Env env_;
  Napi::Promise::Deferred deferred_;
  std::shared_ptr<Cancel> cancel_;
  std::function<Result<Settle>()> work_;
  std::function<void()> ended_;
  Result<Settle> result_ = Error{};
  napi_threadsafe_function bell_ = nullptr;
  std::thread thread_;
};

}  // namespace

Napi::Promise run_task(Napi::Env env, std::shared_ptr<Cancel> cancel, std::function<Result<Settle>()> work, std::function<void()> ended) {
  return (new Task(env, std::move(cancel), std::move(work), std::move(ended)))->start();
}

}  // namespace anyvec::addon
