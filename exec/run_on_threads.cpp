// Starts, watches and joins the threads of a run.

#include <system_error>

#include <fmt/format.h>

#include "base/error.hpp"
#include "exec/threaded_run.hpp"

namespace tandem {

Watchdog::Watch ThreadedRun::watch() {
  const auto progress = [this] {
    std::uint64_t sum = gate_.times_opened() == 0 ? static_cast<std::uint64_t>(now().time_since_epoch().count()) : 0;
    for (const Signal& signal : ended_) sum += signal.value();
    return sum;
  };
  const auto stalled = [this] {
    try {
      report_stall();
    } catch (...) {
      control_.fail(std::current_exception());
    }
  };
  return {options_.stall_after + pacer_.longest(), progress, stalled};
}

void ThreadedRun::report_stall() {
  say_what_messages_wait_for();
  const std::string report =
      fmt::format("the run stalled: no step ended for {:.3g} s (iteration {}){}",
                  std::chrono::duration<double>(options_.stall_after).count(), iteration_.load(), board_.report(now()));
  if (options_.on_stall) options_.on_stall(report);
  throw RunError(report);
}

void ThreadedRun::interrupt() {
  control_.fail(std::make_exception_ptr(RunError(
      fmt::format("the run was interrupted in iteration {}", iteration_.load(std::memory_order_relaxed)))));
}

void ThreadedRun::start_threads(std::vector<std::thread>& threads) try {
  for (const StreamId stream : busy_) {
    if (options_.before_thread) options_.before_thread(threads.size());
    threads.emplace_back([this, stream] { stream_main(stream); });
  }
} catch (const std::system_error& error) {
  control_.fail(std::make_exception_ptr(ResourceError(
      fmt::format("cannot make thread {} of {}: {}", threads.size() + 1, busy_.size(), error.what()))));
} catch (...) {
  control_.fail(std::current_exception());
}

std::unique_ptr<Watchdog> ThreadedRun::start_watchdog() try {
  return std::make_unique<Watchdog>(watch());
} catch (const std::system_error& error) {
  throw ResourceError(fmt::format("cannot make the watchdog's thread: {}", error.what()));
}

void ThreadedRun::start_postman() try {
  postman_.emplace(control_, pacer_, [this](MessageId message) {
    std::vector<MessageId> ready;
    ride_.delay(message, now());
    deliver(message, ready);
    move(ready);
  });
} catch (const std::system_error& error) {
  throw ResourceError(fmt::format("cannot make the postman's thread: {}", error.what()));
}

RunResult ThreadedRun::run() {
  std::vector<std::thread> threads;
  threads.reserve(busy_.size());
  {
    if (options_.pacing) start_postman();
    const std::unique_ptr<Watchdog> watchdog = start_watchdog();
    const std::stop_callback on_stop(options_.stop, [this] { interrupt(); });
    start_threads(threads);
    for (std::thread& thread : threads) thread.join();
    postman_.reset();
  }
  control_.rethrow();
  return std::move(ride_).result(static_cast<std::int64_t>(threads.size()));
}

RunResult run_on_threads(const Program& program, const Model& model, const Dataset& dataset,
                         const RunOptions& options) {
  return ThreadedRun(program, model, dataset, options).run();
}

}  // namespace tandem
