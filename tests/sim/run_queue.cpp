#include "sim/run_queue.hpp"

#include <algorithm>
#include <map>

#include "base/error.hpp"
#include "tests/catch.hpp"

using namespace tandem;

namespace {

using Span = std::pair<std::int64_t, std::int64_t>;  ///< begin and end
using Spans = std::map<std::uint32_t, Span>;         ///< by job

struct Arrival {
  std::int64_t time;
  std::uint32_t thread, job;
  std::int64_t work;
  bool urgent = false;
};

/// Begin and end of each job, when these join. Every thread is a worker of its own unless `worker_of` says otherwise.
Spans spans_of(RunQueue& queue, std::vector<Arrival> arrivals) {
  Spans spans;
  std::ranges::stable_sort(arrivals, {}, &Arrival::time);
  std::vector<std::uint32_t> finished;
  std::vector<RunQueue::Start> started;
  for (auto next = arrivals.begin(); next != arrivals.end() || queue.next() != RunQueue::kNever;) {
    const std::int64_t now = std::min(next == arrivals.end() ? RunQueue::kNever : next->time, queue.next());
    finished.clear(), started.clear();
    queue.finish_due(now, finished);
    for (const std::uint32_t job : finished) spans[job].second = now;
    for (; next != arrivals.end() && next->time == now; ++next)
      queue.add(next->thread, next->job, next->work, next->urgent);
    queue.settle(now, started);
    for (const RunQueue::Start& start : started) spans[start.job].first = start.time;
  }
  return spans;
}

Spans spans_of(const SharedResource& cores, const std::vector<Arrival>& arrivals,
               const std::vector<std::uint32_t>& worker_of = {0, 1, 2, 3}) {
  RunQueue queue(cores, worker_of);
  return spans_of(queue, arrivals);
}

SharedResource cores_of(std::int64_t count, std::int64_t tick = 1'000'000, std::int64_t slice = 1) {
  return {"cores", count, {}, {0}, {tick}, {slice}};
}

}  // namespace

TEST_CASE("a job alone on its cores takes exactly its price") {
  for (const std::int64_t price : {std::int64_t{1}, std::int64_t{999'999'999'999'999'937}, std::int64_t{1} << 61})
    CHECK(spans_of(cores_of(1), {{17, 0, 0, price}}) == Spans{{0, {17, 17 + price}}});
}

TEST_CASE("threads up to the number of cores do not slow each other") {
  CHECK(spans_of(cores_of(2), {{0, 0, 0, 100}, {0, 1, 1, 70}}) == Spans{{0, {0, 100}}, {1, {0, 70}}});
}

TEST_CASE("a thread that finds no idle core waits for the one that it was on") {
  // threads 0 and 2 begin on core 0, thread 1 on core 1
  CHECK(spans_of(cores_of(2), {{0, 0, 0, 100}, {0, 1, 1, 150}, {10, 2, 2, 30}}) ==
        Spans{{0, {0, 100}}, {1, {0, 150}}, {2, {100, 130}}});
}

TEST_CASE("who waits for a core gets it in the order of coming, those of one instant in that of their numbers") {
  const SharedResource core = cores_of(1, 1'000'000, 1'000'000);
  CHECK(spans_of(core, {{0, 0, 0, 100}, {5, 3, 3, 10}, {7, 2, 2, 10}, {7, 1, 1, 10}}) ==
        Spans{{0, {0, 100}}, {3, {100, 110}}, {1, {110, 120}}, {2, {120, 130}}});
}

TEST_CASE("at each tick threads that have had their slice take turns") {
  // 0: 0-10, 20-30, 40-45; 1: 10-20, 30-40, 45-50
  CHECK(spans_of(cores_of(1, 10, 4), {{0, 0, 0, 25}, {0, 1, 1, 25}}) == Spans{{0, {0, 45}}, {1, {10, 50}}});
}

TEST_CASE("a thread that has not had its slice at a tick stays until the next") {
  // 0 leaves at 8, so 1 has had 2 at the first tick: 8-20; 2: 20-30, then the rest of 1: 30-33, of 2: 33-38
  CHECK(spans_of(cores_of(1, 10, 4), {{0, 0, 0, 8}, {0, 1, 1, 15}, {0, 2, 2, 15}}) ==
        Spans{{0, {0, 8}}, {1, {8, 33}}, {2, {20, 38}}});
}

TEST_CASE("a thread that is woken on an idle core begins when it is awake, and one that waited at once") {
  SharedResource cores = cores_of(1);
  cores.wake = {7};
  CHECK(spans_of(cores, {{10, 0, 0, 100}, {20, 1, 1, 30}}) == Spans{{0, {17, 117}}, {1, {117, 147}}});
}

TEST_CASE("a thread goes from job to job without losing its core, what is urgent first") {
  SharedResource cores = cores_of(1);
  cores.wake = {7};
  // job 3 is under way; then the urgent one, then those of the lower numbers; thread 1 waits all the time
  CHECK(spans_of(cores, {{0, 0, 3, 10}, {1, 0, 5, 10}, {1, 0, 4, 10}, {2, 0, 9, 10, true}, {3, 1, 1, 10}}) ==
        Spans{{3, {7, 17}}, {9, {17, 27}}, {4, {27, 37}}, {5, {37, 47}}, {1, {47, 57}}});
}

TEST_CASE("a thread takes the place of one of its worker that leaves at the instant, before who waits") {
  SharedResource cores = cores_of(1);
  cores.wake = {7};
  CHECK(spans_of(cores, {{0, 0, 0, 10}, {5, 2, 2, 10}, {17, 1, 1, 10}}, {0, 0, 1}) ==
        Spans{{0, {7, 17}}, {1, {17, 27}}, {2, {27, 37}}});
}

TEST_CASE("a core that becomes idle takes who waits longest for another one, but serves its own first") {
  // threads 0 and 2 begin on core 0, 1 and 3 on core 1
  CHECK(spans_of(cores_of(2), {{0, 0, 0, 100}, {0, 1, 1, 15}, {5, 2, 2, 10}}).at(2) == Span{15, 25});
  CHECK(spans_of(cores_of(2), {{0, 0, 0, 100}, {0, 1, 1, 15}, {5, 2, 2, 10}, {7, 3, 3, 10}}) ==
        Spans{{0, {0, 100}}, {1, {0, 15}}, {3, {15, 25}}, {2, {25, 35}}});
}

TEST_CASE("slowdown applies by the number of threads that have work, and keeps its last value beyond the table") {
  SharedResource cores = cores_of(2);
  cores.slowdown = {1, 1, 1.25, 1.5};
  CHECK(spans_of(cores, {{0, 0, 0, 100}}).at(0) == Span{0, 100});
  CHECK(spans_of(cores, {{0, 0, 0, 100}, {0, 1, 1, 100}}).at(0) == Span{0, 125});
  // three until 150, of whom one waits; then one alone
  CHECK(spans_of(cores, {{0, 0, 0, 100}, {0, 1, 1, 100}, {0, 2, 2, 100}}) ==
        Spans{{0, {0, 150}}, {1, {0, 150}}, {2, {150, 250}}});
}

TEST_CASE("looking at cores in between, or adding jobs of an instant in another order, changes nothing") {
  SharedResource cores = cores_of(2, 700, 300);
  cores.slowdown = {1, 1, 1.3, 1.31};
  std::vector<Arrival> arrivals{{0, 0, 0, 1000}, {0, 1, 1, 1001}, {0, 2, 2, 1002}, {0, 3, 3, 999}, {400, 1, 4, 77}};
  const Spans expected = spans_of(cores, arrivals);
  RunQueue watched(cores, {0, 1, 2, 3});
  std::vector<std::uint32_t> finished;

  std::reverse(arrivals.begin(), arrivals.begin() + 4);
  CHECK(spans_of(cores, arrivals) == expected);

  for (std::int64_t time = 0; time < 390; time += 7) watched.finish_due(time, finished);
  CHECK(finished.empty());
  for (Arrival& arrival : arrivals) arrival.time += 700;
  for (const auto& [job, span] : spans_of(watched, arrivals))
    CHECK(span == Span{expected.at(job).first + 700, expected.at(job).second + 700});
}

TEST_CASE("a worker has left while nothing else of the instant has happened") {
  const SharedResource cores = cores_of(1);
  RunQueue queue(cores, {4, 5});
  std::vector<std::uint32_t> finished;
  std::vector<RunQueue::Start> started;
  queue.add(1, 0, 10);
  queue.settle(0, started);
  CHECK_FALSE(queue.has_left(5));

  queue.finish_due(10, finished);
  CHECK(queue.has_left(5));
  CHECK_FALSE(queue.has_left(4));

  queue.settle(10, started);
  CHECK_FALSE(queue.has_left(5));
}

TEST_CASE("cores count the time that they were taken") {
  const SharedResource cores = cores_of(2);
  RunQueue queue(cores, {0, 1});

  spans_of(queue, {{10, 0, 0, 100}, {10, 1, 1, 30}});  // two cores until 40, then one until 110

  CHECK(queue.occupancy() == 2 * 30 + 70);
}

TEST_CASE("a job that ends beyond the clock is refused") {
  const SharedResource cores = cores_of(1);
  RunQueue queue(cores, {0});

  CHECK_THROWS_AS(spans_of(queue, {{std::int64_t{1} << 62, 0, 0, std::int64_t{1} << 62}}), InputError);
}

TEST_CASE("cores that are none, and slowdowns of nothing, are our mistake") {
  const SharedResource none = cores_of(0), still = cores_of(1, 0);
  SharedResource stopped = cores_of(1);
  stopped.slowdown = {0};

  CHECK_THROWS_AS(RunQueue(none, {0}), InvariantError);
  CHECK_THROWS_AS(RunQueue(still, {0}), InvariantError);
  CHECK_THROWS_AS(RunQueue(stopped, {0}), InvariantError);
}
