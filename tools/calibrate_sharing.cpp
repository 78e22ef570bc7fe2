#include "tools/calibrate_sharing.hpp"

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <mutex>
#include <thread>

#include "exec/bound_threads.hpp"
#include "exec/clock.hpp"
#include "tools/stopwatch.hpp"

namespace tandem {
namespace {

constexpr int kCalls = 20'000;     // per reading
constexpr std::size_t kReadings = 9;

/// Time of one call in a loop of many, on a thread bound to a core.
template <class Action>
Seconds time_of_call(Action action, int calls = kCalls) {
  Seconds median{};
  on_bound_threads(1, [&](std::int64_t) {
    median = time_of(
        [&] {
          for (int i = 0; i < calls; ++i) action();
        },
        kReadings);
  });
  return median / calls;
}

Seconds time_of_term(const LinearRegression& problem) {
  constexpr std::int64_t kTerms = 64 * LinearRegression::kSamples;
  const SumJob job{&problem, kTerms, 1};
  double sum = 0;
  Seconds median{};
  on_bound_threads(1, [&](std::int64_t) {
    median = time_of([&] { sum += kSerialSum.sum(job).sum; }, kReadings, {0.05});
  });
  return median / static_cast<double>(kTerms);
}

/// Starts and ends several times as many threads as there are cores, as the sums do.
Seconds time_of_thread(std::int64_t cores) {
  const std::int64_t threads = 4 * cores;
  return time_of([&] { on_bound_threads(threads, [](std::int64_t) {}); }, 25) / static_cast<double>(threads);
}

Seconds time_of_plain_update() {
  std::atomic<double> value{0};
  return time_of_call([&] { value.store(value.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed); });
}

Seconds time_of_atomic_update() {
  std::atomic<double> value{0};
  return time_of_call([&] {
    double seen = value.load(std::memory_order_relaxed);
    while (!value.compare_exchange_weak(seen, seen + 1, std::memory_order_relaxed)) {
    }
  });
}

Seconds time_of_locked_update() {
  std::mutex mutex;
  double value = 0;
  return time_of_call([&] {
    const std::lock_guard lock(mutex);
    value += 1;
  });
}

/// Two threads on two cores pass a number back and forth. A pass takes one and a half transfers: the writer, which has
/// read the line, has the other's copy declared invalid, then the reader reads it.
Seconds time_of_line_transfer() {
  constexpr int kPasses = 64;  // in a few microseconds: seldom with an interruption
  constexpr int kBatches = 1'000;
  alignas(64) std::atomic<int> ball{0};
  std::vector<double> seconds;
  on_bound_threads(2, [&](std::int64_t thread) {
    const auto side = static_cast<int>(thread);
    for (int batch = 0; batch < kBatches; ++batch) {
      const Instant start = now();
      const int first = batch * 2 * kPasses;
      for (int i = first + side; i < first + 2 * kPasses; i += 2) {
        while (ball.load(std::memory_order_acquire) != i) {
        }
        ball.store(i + 1, std::memory_order_release);
      }
      if (side == 0) seconds.push_back(to_seconds(between(start, now())).value / (2 * kPasses));
    }
  });
  return median_of(std::move(seconds)) / 1.5;
}

long futex(std::atomic<int>& word, int operation, int value) {
  return syscall(SYS_futex, &word, operation | FUTEX_PRIVATE_FLAG, value, nullptr, nullptr, 0);
}

Seconds time_of_refused_sleep() {
  std::atomic<int> word{0};
  return time_of_call([&] { futex(word, FUTEX_WAIT, 1); }, 1'000);
}

Seconds time_of_idle_wake() {
  std::atomic<int> word{0};
  return time_of_call([&] { futex(word, FUTEX_WAKE, 1); }, 1'000);
}

/// One thread sleeps until another wakes it, on two cores where there are two; from the waking call to when it runs.
Seconds time_to_wake() {
  constexpr int kWakes = 50, kCallsUntilAsleep = 300;
  std::atomic<int> word{0};  // 2 i + 1: wake number i; 2 i + 2: it has been noticed
  std::atomic<Instant> called{Instant{}};
  std::vector<double> seconds;
  on_bound_threads(2, [&](std::int64_t thread) {
    for (int asleep = 0; asleep < 2 * kWakes; asleep += 2) {
      if (thread == 0) {
        while (word.load() != asleep + 1) futex(word, FUTEX_WAIT, asleep);
        seconds.push_back(to_seconds(between(called.load(), now())).value);
        word.store(asleep + 2);
        continue;
      }
      for (int call = 0; call < kCallsUntilAsleep; ++call) futex(word, FUTEX_WAIT, -1);
      called.store(now());
      word.store(asleep + 1);
      futex(word, FUTEX_WAKE, 1);
      while (word.load() != asleep + 2) std::this_thread::yield();
    }
  });
  return median_of(std::move(seconds));
}

}  // namespace

SharingCosts measure_sharing_costs(const LinearRegression& problem, std::int64_t cores) {
  SharingCosts costs;
  costs.term = time_of_term(problem);
  costs.thread_start = time_of_thread(cores);
  costs.plain_update = time_of_plain_update();
  costs.atomic_update = time_of_atomic_update();
  costs.locked_update = time_of_locked_update();
  costs.line_transfer = cores > 1 ? time_of_line_transfer() : Seconds{0};
  costs.futex_refused = time_of_refused_sleep();
  costs.futex_wake = time_of_idle_wake();
  costs.wake_latency = time_to_wake();
  return costs;
}

}  // namespace tandem
