#include "sim/event_queue.hpp"

#include <rapidcheck.h>

#include <algorithm>
#include <map>

#include "tests/catch.hpp"

using namespace tandem;

TEST_CASE("an empty event queue has nothing to hand out") {
  EventQueue queue;
  std::vector<Event> batch{{1, 2, 3}};

  const bool any = queue.pop_batch(batch);

  CHECK_FALSE(any);
  CHECK(batch.empty());
}

TEST_CASE("all events of an instant leave together") {
  EventQueue queue;
  for (const std::int64_t time : {700, 5, 700, 5, 700}) queue.push({time, 0, 0});
  std::vector<Event> batch;

  std::vector<std::pair<std::int64_t, std::size_t>> instants;
  while (queue.pop_batch(batch)) instants.emplace_back(queue.now(), batch.size());

  CHECK(instants == std::vector<std::pair<std::int64_t, std::size_t>>{{5, 2}, {700, 3}});
}

TEST_CASE("an event pushed for the present instant leaves in the next batch") {
  EventQueue queue;
  queue.push({9, 1, 0});
  std::vector<Event> batch;
  queue.pop_batch(batch);

  queue.push({9, 2, 0});
  queue.pop_batch(batch);

  CHECK(queue.now() == 9);
  REQUIRE(batch.size() == 1);
  CHECK(batch[0].id == 2);
}

TEST_CASE("the last picosecond of the clock can be queued") {
  constexpr std::int64_t kLast = std::numeric_limits<std::int64_t>::max();
  EventQueue queue;
  queue.push({kLast, 1, 0});
  queue.push({kLast - 1, 2, 0});
  std::vector<Event> batch;

  queue.pop_batch(batch);
  CHECK(batch[0].id == 2);
  queue.pop_batch(batch);
  CHECK(batch[0].id == 1);
}

TEST_CASE("whatever is pushed leaves once, in the order of time") {
  const bool holds = rc::check([] {
    EventQueue queue;
    std::multimap<std::int64_t, std::uint32_t> expected;
    std::vector<Event> batch;
    const auto delays = *rc::gen::container<std::vector<std::pair<std::uint64_t, int>>>(
        rc::gen::pair(rc::gen::arbitrary<std::uint64_t>(), rc::gen::inRange(1, 60)));
    std::uint32_t id = 0;
    for (const auto& [bits, scale] : delays) {  // delays of all magnitudes, a pop after every third push
      const auto delay = static_cast<std::int64_t>(bits >> (63 - scale) >> 2);
      queue.push({queue.now() + delay, id, 0});
      expected.emplace(queue.now() + delay, id);
      if (++id % 3 != 0) continue;
      RC_ASSERT(queue.pop_batch(batch));
      RC_ASSERT(queue.now() == expected.begin()->first);
      RC_ASSERT(batch.size() == expected.count(queue.now()));
      expected.erase(queue.now());
    }
    while (queue.pop_batch(batch)) {
      RC_ASSERT(queue.now() == expected.begin()->first);
      std::vector<std::uint32_t> got, want;
      for (const Event& event : batch) got.push_back(event.id);
      for (auto [at, end] = expected.equal_range(queue.now()); at != end; ++at) want.push_back(at->second);
      std::sort(got.begin(), got.end());
      RC_ASSERT(got == want);
      expected.erase(queue.now());
    }
    RC_ASSERT(expected.empty());
  });
  CHECK(holds);
}
