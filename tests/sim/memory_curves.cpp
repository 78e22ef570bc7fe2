#include <map>

#include "base/error.hpp"
#include "sim/simulate.hpp"
#include "tests/catch.hpp"
#include "tests/sim/pipeline.hpp"

using namespace tandem;
using namespace tandem::test;

namespace {

using EventText = std::tuple<std::int64_t, std::int64_t, BufferClass>;

std::vector<EventText> events_of(const Timeline& timeline) {
  std::vector<EventText> events;
  for (const MemoryEvent& event : timeline.memory) events.emplace_back(event.time.count, event.bytes, event.kind);
  return events;
}

Bytes peak_of(const Timeline& timeline, std::size_t worker, BufferClass kind) {
  return timeline.peaks[worker].by_class[static_cast<std::size_t>(kind)];
}

}  // namespace

TEST_CASE("a worker's memory follows its compute steps: frees before allocations, persistent buffers at zero") {
  Scenario scenario;
  const WorkerId worker = scenario.worker();
  const StepId forward = scenario.compute(worker, 10), backward = scenario.compute(worker, 30, StepKind::backward);
  ProgramBuilder& builder = scenario.builder();
  const auto add = [&](BufferClass kind, BufferContent content, std::int64_t bytes) {
    return builder.add_buffer({worker, SegmentId{}, kind, content, {bytes}}, 0);
  };
  add(BufferClass::weight, BufferContent::weights, 1000);
  const BufferId saved = add(BufferClass::activation, BufferContent::saved, 200);
  builder.allocate(saved, forward, Moment::start);
  builder.release(saved, backward, Moment::end);
  const BufferId scratch = add(BufferClass::workspace, BufferContent::workspace, 50);
  builder.allocate(scratch, forward, Moment::start);
  builder.release(scratch, backward, Moment::start);
  const BufferId message = add(BufferClass::message, BufferContent::outbox, 30);
  builder.allocate(message, backward, Moment::start);
  builder.release(message, backward, Moment::end);
  const Ride ride = scenario.finish();

  const Timeline timeline = simulate(ride.program, ride.prices);

  CHECK(events_of(timeline) == std::vector<EventText>{{0, 1000, BufferClass::weight},
                                                      {0, 200, BufferClass::activation},
                                                      {0, 50, BufferClass::workspace},
                                                      {10, -50, BufferClass::workspace},
                                                      {10, 30, BufferClass::message},
                                                      {40, -200, BufferClass::activation},
                                                      {40, -30, BufferClass::message}});
  CHECK(peak_of(timeline, 0, BufferClass::workspace).count == 50);
  CHECK(peak_of(timeline, 0, BufferClass::message).count == 30);
  CHECK(timeline.peaks[0].total.count == 1250);  // 1000 + 200 + 50, though the classes' peaks add up to 1280
}

TEST_CASE("memory events are grouped by worker and never run backwards within one") {
  const Ride ride = build_pipeline({"1f1b", 9, {{10, 25}, {14, 20}, {9, 31}}, {2, 3}, 64});

  const Timeline timeline = simulate(ride.program, ride.prices);

  REQUIRE(timeline.memory.size() == 2 * 9 * 3);
  for (std::size_t i = 1; i < timeline.memory.size(); ++i) {
    const MemoryEvent &before = timeline.memory[i - 1], &event = timeline.memory[i];
    CHECK(before.worker <= event.worker);
    if (before.worker == event.worker) CHECK(before.time <= event.time);
  }
}

TEST_CASE("memory ends where it began") {
  for (const std::string schedule : {"sequential", "gpipe", "1f1b"}) {
    const Ride ride = build_pipeline({schedule, 5, {{10, 25}, {14, 20}, {9, 31}}, {2, 3}, 64});

    const Timeline timeline = simulate(ride.program, ride.prices);

    std::map<WorkerId, std::int64_t> held;
    for (const MemoryEvent& event : timeline.memory) held[event.worker] += event.bytes;
    for (const auto& [worker, bytes] : held) CHECK(bytes == 0);
  }
}

TEST_CASE("stage s holds the activations of as many micro-batches as its schedule says") {
  const std::int64_t p = 4, bytes = 1000;
  const std::vector<StageTimes> stages(static_cast<std::size_t>(p), {10, 20});
  for (const std::int64_t m : {1, 2, 3, 4, 9}) {
    const auto peak = [&](const std::string& schedule, std::int64_t s) {
      const Ride ride = build_pipeline({schedule, static_cast<std::uint32_t>(m), stages, {}, bytes});
      const Timeline timeline = simulate(ride.program, ride.prices);
      return peak_of(timeline, static_cast<std::size_t>(s), BufferClass::activation).count;
    };
    for (std::int64_t s = 0; s < p; ++s) {
      CHECK(peak("sequential", s) == bytes);
      CHECK(peak("gpipe", s) == m * bytes);
      CHECK(peak("1f1b", s) == std::min(m, p - s) * bytes);
    }
  }
}

TEST_CASE("a worker that frees what it does not hold is our mistake") {
  Scenario scenario;
  const WorkerId worker = scenario.worker();
  const StepId first = scenario.compute(worker, 10), second = scenario.compute(worker, 10);
  const BufferId buffer = scenario.builder().add_buffer(
      {worker, SegmentId{}, BufferClass::activation, BufferContent::saved, {8}}, 0);
  scenario.builder().allocate(buffer, second, Moment::start);
  scenario.builder().release(buffer, first, Moment::end);
  const Ride ride = scenario.finish();

  CHECK_THROWS_AS(simulate(ride.program, ride.prices), InvariantError);
}
