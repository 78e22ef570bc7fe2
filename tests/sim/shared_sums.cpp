// Sums over shared memory in virtual time: cases worked out by hand, and laws.

#include <rapidcheck.h>

#include <algorithm>
#include <vector>

#include "base/error.hpp"
#include "sim/shared_line.hpp"
#include "sim/shared_sum.hpp"
#include "sim/thread_scheduler.hpp"
#include "tests/catch.hpp"

using namespace tandem;

namespace {

using Predict = Picoseconds (*)(const SharingJob&, const SharingCosts&);
constexpr Predict kThreaded[] = {predict_per_thread_sum, predict_unsynchronised_sum, predict_atomic_sum,
                                 predict_mutex_sum};

/// A machine that a hand can reckon with; threads start at once.
SharingCosts round_costs() {
  return {{100e-9}, {0}, {2e-9}, {5e-9}, {10e-9}, {20e-9}, {200e-9}, {160e-9}, {1000e-9}};
}

std::int64_t nanoseconds(Picoseconds time) { return time.count / 1000; }

Seconds any_time(std::int64_t least_ns, std::int64_t most_ns) {
  return {1e-9 * static_cast<double>(*rc::gen::inRange(least_ns, most_ns))};
}

SharingCosts any_costs() {
  return {any_time(1, 300), any_time(0, 50), any_time(1, 10),  any_time(1, 20), any_time(2, 400),
          any_time(0, 60),  any_time(1, 50), any_time(0, 300), any_time(1, 2000)};
}

SharingJob any_job() {
  return {*rc::gen::inRange<std::int64_t>(1, 120), *rc::gen::inRange<std::int64_t>(1, 9),
          *rc::gen::inRange<std::int64_t>(1, 5)};
}

std::int64_t terms_of_fullest_core(const SharingJob& job) {
  std::vector<std::int64_t> by_core(static_cast<std::size_t>(job.cores));
  for (std::int64_t term = 0; term < job.terms; ++term)
    ++by_core[static_cast<std::size_t>(term % job.threads % job.cores)];
  return *std::max_element(by_core.begin(), by_core.end());
}

}  // namespace

TEST_CASE("a serial sum takes a term's time for each") {
  CHECK(nanoseconds(predict_serial_sum({1000, 4, 2}, round_costs())) == 100'000);  // 1000 x 100
}

TEST_CASE("a sum per thread takes its share of the serial time, and an update a thread") {
  CHECK(nanoseconds(predict_per_thread_sum({1000, 4, 4}, round_costs())) == 25'008);  // 1000 / 4 x 100 + 4 x 2
  CHECK(nanoseconds(predict_per_thread_sum({1000, 4, 2}, round_costs())) == 50'008);  // two threads a core
  CHECK(nanoseconds(predict_per_thread_sum({1000, 3, 2}, round_costs())) == 66'706);  // 334 + 333 terms on a core, + 6
}

TEST_CASE("each thread's start is waited for by the next") {
  SharingCosts costs = round_costs();
  costs.thread_start = {1e-6};

  CHECK(nanoseconds(predict_per_thread_sum({1000, 4, 4}, costs)) == 29'008);
  CHECK(nanoseconds(predict_mutex_sum({1, 3, 4}, costs)) == 3'000);  // 1130 for the one term; two threads without any
}

TEST_CASE("one thread pays for its updates alone, and fetches the line once") {
  const SharingJob job{1000, 1, 2};

  CHECK(nanoseconds(predict_atomic_sum(job, round_costs())) == 105'030);          // 1000 x (100 + 5), 20 read, 10 owned
  CHECK(nanoseconds(predict_mutex_sum(job, round_costs())) == 110'020);           // 1000 x (100 + 10), 20
  CHECK(nanoseconds(predict_unsynchronised_sum(job, round_costs())) == 100'020);  // updates beside terms; 20 read
}

TEST_CASE("of two compare-exchanges at once the second finds another value and tries again") {
  // Both read at 100..120; one owns at 130, writes until 135; the other has the line at 155, fails until 160, writes
  // until 165.
  CHECK(nanoseconds(predict_atomic_sum({2, 2, 2}, round_costs())) == 165);
}

TEST_CASE("a lock that was wanted twice costs its last owner a needless wake") {
  // Both want to write at 100: A locks 120..125, B finds that 145..150. A wants to unlock at 125, behind B: 170..175. B
  // wants to mark at 150: 195..200, marks a free lock, which is its own then; unlocks 200..205, and wakes nobody: 365.
  CHECK(nanoseconds(predict_mutex_sum({2, 2, 2}, round_costs())) == 365);
}

TEST_CASE("a store that waits for the line does not make its thread wait") {
  SharingCosts costs = round_costs();
  costs.term = {10e-9};

  // Both read by 30. A owns at 40, and B has been promised the line for 60: A's second load, at 40, misses until 60. B's
  // second load, at 40, sees its own store in the buffer.
  CHECK(nanoseconds(predict_unsynchronised_sum({4, 2, 2}, costs)) == 60);
  CHECK(nanoseconds(predict_unsynchronised_sum({2, 2, 2}, costs)) == 30);  // nobody waits for the stores
}

TEST_CASE("threads on one core take turns and never move the line") {
  // The line comes once: 20 to read, 10 to own; or 20 to own.
  CHECK(nanoseconds(predict_atomic_sum({1000, 4, 1}, round_costs())) == 105'030);
  CHECK(nanoseconds(predict_mutex_sum({1000, 4, 1}, round_costs())) == 110'020);
}

TEST_CASE("a core gives another thread its turn after a slice") {
  ThreadScheduler scheduler(1);
  constexpr std::int64_t kStep = ThreadScheduler::kSlice / 2;
  std::vector<std::uint32_t> order;
  std::vector<int> left{4, 2};
  scheduler.ready(0, 0);
  scheduler.ready(1, 0);

  const std::int64_t end = scheduler.run([&](std::uint32_t thread, std::uint32_t, std::int64_t time) -> Turn {
    order.push_back(thread);
    return {time + kStep, --left[thread] == 0 ? Turn::Next::end : Turn::Next::go_on};
  });

  CHECK(order == std::vector<std::uint32_t>{0, 0, 1, 1, 0, 0});
  CHECK(end == 6 * kStep);
}

TEST_CASE("a line goes to those who ask, in the order of asking") {
  SharedLine line(3, 20);

  CHECK(line.write(0, 100, 5) == 125);
  CHECK(line.write(1, 101, 5) == 150);
  CHECK(line.awaits(1, 144));
  CHECK(line.write(2, 102, 0) == 170);
  CHECK(line.write(2, 102, 5) == 175);
  CHECK(line.write(0, 180, 5) == 205);
  CHECK(line.read(0, 205) == 205);
  CHECK(line.read(1, 205) == 225);
}

TEST_CASE("a line just read is owned in half the time, unless another has written since") {
  SharedLine line(3, 20);

  CHECK(line.read(0, 100) == 120);
  CHECK(line.write_after_read(0, 120, 5) == 135);  // 10 to declare the copies invalid
  CHECK(line.write_after_read(1, 120, 5) == 160);  // 135 + 20, for the line has gone to core 0
  CHECK(line.write_after_read(1, 170, 5) == 175);
}

TEST_CASE("updates behind a lock are one after the other") {
  CHECK(rc::check("mutex >= terms x locked update", [] {
    const SharingJob job = any_job();
    const SharingCosts costs = any_costs();

    const Picoseconds time = predict_mutex_sum(job, costs);

    const Picoseconds access = to_picoseconds(costs.locked_update * 0.5);
    RC_ASSERT(time.count >= 2 * job.terms * access.count);
  }));
}

TEST_CASE("where waking is free a lock goes from thread to thread, and each update pays the hand-over") {
  SharingCosts costs = round_costs();
  costs.term = {1e-9};
  costs.futex_refused = costs.futex_wake = costs.wake_latency = {0};

  const Picoseconds alone = predict_mutex_sum({10'000, 1, 2}, costs);
  const Picoseconds together = predict_mutex_sum({10'000, 2, 2}, costs);

  CHECK(nanoseconds(alone) == 110'020);          // 10,000 x (1 + 10) + 20
  CHECK(nanoseconds(together) >= 10'000 * 30);   // a lock and an unlock, and the line from core to core
}

TEST_CASE("no way beats the terms of the fullest core") {
  CHECK(rc::check("time >= terms of the fullest core x term", [] {
    const SharingJob job = any_job();
    const SharingCosts costs = any_costs();
    const Predict predict = kThreaded[*rc::gen::inRange(0, 4)];

    const Picoseconds time = predict(job, costs);

    RC_ASSERT(time.count >= terms_of_fullest_core(job) * to_picoseconds(costs.term).count);
  }));
}

TEST_CASE("the same sum is predicted alike each time") {
  for (const Predict predict : kThreaded)
    CHECK(predict({5000, 5, 3}, round_costs()) == predict({5000, 5, 3}, round_costs()));
}

TEST_CASE("costs twice as high double the time") {
  CHECK(rc::check("time(2 x costs) = 2 x time(costs)", [] {
    const SharingJob job = any_job();
    const SharingCosts costs = any_costs();
    const SharingCosts doubled{costs.term * 2,          costs.thread_start * 2,  costs.plain_update * 2,
                               costs.atomic_update * 2, costs.locked_update * 2, costs.line_transfer * 2,
                               costs.futex_refused * 2, costs.futex_wake * 2,    costs.wake_latency * 2};
    const Predict predict = kThreaded[*rc::gen::inRange(0, 4)];

    // Short of the operating system's slice, which does not scale.
    RC_ASSERT(predict(job, doubled).count == 2 * predict(job, costs).count);
  }));
}

TEST_CASE("a sum without terms, threads or cores is refused") {
  for (const Predict predict : kThreaded)
    for (const SharingJob job : {SharingJob{0, 1, 1}, SharingJob{1, 0, 1}, SharingJob{1, 1, 0}})
      CHECK_THROWS_AS(predict(job, round_costs()), InvariantError);
}
