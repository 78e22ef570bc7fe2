#include <map>

#include "sim/simulate.hpp"
#include "tests/catch.hpp"
#include "tests/sim/chain.hpp"

using namespace tandem;
using namespace tandem::test;

namespace {

constexpr std::int64_t kForward = 1'000'003, kBackward = 2'000'017;

Timeline simulate_chain(const std::string& schedule, std::uint32_t stages, std::uint32_t micro_batches) {
  const Program program = lower_chain(schedule, stages, micro_batches);
  return simulate(program, price_chain(program, {.forward = kForward, .backward = kBackward}));
}

}  // namespace

TEST_CASE("a lowered plan takes what its schedule's closed form says") {
  for (const std::uint32_t p : {1u, 2u, 4u, 8u}) {
    for (const std::uint32_t m : {1u, 2u, 7u, 16u}) {
      const std::int64_t both = kForward + kBackward, stages = p, batches = m;

      CHECK(simulate_chain("sequential", p, m).makespan().count == batches * stages * both);
      CHECK(simulate_chain("gpipe", p, m).makespan().count == (batches + stages - 1) * both);
      CHECK(simulate_chain("1f1b", p, m).makespan().count == (batches + stages - 1) * both);
    }
  }
}

TEST_CASE("1F1B stays at its closed form on many stages") {
  CHECK(simulate_chain("1f1b", 64, 100).makespan().count == (100 + 64 - 1) * (kForward + kBackward));
}

TEST_CASE("SimGrid gave the same makespan for 1F1B with messages") {
  const Program program = lower_chain("1f1b", 64, 512);
  const Prices prices = price_chain(
      program, {.forward = 1'000'000'000, .backward = 2'000'000'000, .latency = 5'000'000, .transfer = 40'000'000});

  // SimGrid 3.32, network/model:CM02, network/crosstraffic:0, by tests/bench/simgrid_pipeline.cpp: 1.775940000 s
  CHECK(simulate(program, prices).makespan().count == 1'775'940'000'000);
}

TEST_CASE("after a lowered iteration only what is persistent is still held") {
  for (const std::string schedule : {"sequential", "gpipe", "1f1b"}) {
    const Program program = lower_chain(schedule, 4, 6);
    std::map<BufferClass, std::int64_t> persistent, held;
    for (std::uint32_t i = 0; i < program.buffers().size(); ++i) {
      const BufferSpec& spec = program.spec(static_cast<BufferId>(i));
      if (program.buffers()[i].allocated_by == kNone<StepId>) persistent[spec.kind] += spec.bytes.count;
    }

    const Timeline timeline = simulate(program, price_chain(program, {.forward = kForward, .backward = kBackward}));

    for (const MemoryEvent& event : timeline.memory) held[event.kind] += event.bytes;
    for (const auto& [kind, bytes] : held) CHECK(bytes == persistent[kind]);
    CHECK(persistent[BufferClass::weight] == 4 * (16 * 16 + 16) * 4);  // a linear layer of 16 on each of 4 stages
  }
}

TEST_CASE("a worker's peak memory does not depend on how long anything takes") {
  const Program program = lower_chain("1f1b", 4, 9);

  const Timeline compute_bound = simulate(program, price_chain(program, {.forward = 1000, .backward = 2000}));
  const Timeline message_bound = simulate(
      program, price_chain(program, {.forward = 10, .backward = 3, .latency = 7, .transfer = 900, .spread = 5}));

  CHECK(compute_bound.peaks == message_bound.peaks);
}
