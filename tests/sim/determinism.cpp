#include <bit>
#include <set>
#include <thread>

#include "sim/simulate.hpp"
#include "tests/catch.hpp"
#include "tests/sim/pipeline.hpp"
#include "tests/sim/star.hpp"

using namespace tandem;
using namespace tandem::test;

namespace {

/// FNV-1a over every number of a timeline.
class Hash {
 public:
  void add(std::uint64_t value) {
    for (int byte = 0; byte < 8; ++byte) hash_ = (hash_ ^ (value >> (8 * byte) & 0xff)) * 0x100000001b3u;
  }
  void add(std::int64_t value) { add(static_cast<std::uint64_t>(value)); }
  std::uint64_t value() const { return hash_; }

 private:
  std::uint64_t hash_ = 0xcbf29ce484222325u;
};

std::uint64_t hash_of(const Timeline& timeline) {
  Hash hash;
  for (const Span& span : timeline.spans) hash.add(span.start.count), hash.add(span.end.count);
  for (const StepId step : timeline.order) hash.add(std::uint64_t{index_of(step)});
  for (const MemoryEvent& event : timeline.memory) {
    hash.add(event.time.count);
    hash.add(event.bytes);
    hash.add(std::uint64_t{index_of(event.worker)} << 8 | static_cast<std::uint64_t>(event.kind));
  }
  for (const MemoryPeak& peak : timeline.peaks) {
    for (std::size_t kind = 0; kind < kBufferClasses; ++kind)  // these rides leave nothing on the host
      if (on_device(static_cast<BufferClass>(kind))) hash.add(peak.by_class[kind].count);
    hash.add(peak.total.count);
  }
  for (const Joules energy : timeline.energy) hash.add(std::bit_cast<std::uint64_t>(energy.value));
  return hash.value();
}

/// Eight uneven stages on three cores with a slowdown, messages copied by the same cores: everything that rounds.
Ride crowded_host() {
  std::vector<StageTimes> stages;
  for (std::int64_t i = 0; i < 8; ++i) stages.push_back({1'000'003 + 17 * i, 2'000'029 - 31 * i});
  Ride ride = build_pipeline({"1f1b", 24, stages, {977, 40'009}, 4096});
  ride.prices.resources.assign(1, {"cores", 3, {1, 1, 1.01, 1.07, 1.1}, {9'001}, {4'000'000}, {1'500'000}});
  ride.prices.worker_resource.assign(8, 0);
  for (RoutePrice& route : ride.prices.routes) route.resource = 0, route.link_count = 0;
  ride.prices.power.assign(8, DevicePower{{30}, {90}});
  return ride;
}

/// Five workers on shared cores whose collectives of uneven blocks meet late members and each other on uneven links.
Ride crowded_star() {
  Scenario scenario;
  const std::uint32_t cores = scenario.cores(3, {1, 1, 1.01, 1.07});
  Star star(scenario, 5, {977, 0.9e12}, cores);
  star.out_of(3) = 0.31e12;
  const CollectiveSpecId specs[] = {
      star.spec(shape_of(CollectiveKind::all_reduce, 5, 1013), "ring"),
      star.spec(shape_of(CollectiveKind::all_gather, 5, 77), "direct", StreamKind::data),
      star.spec(shape_of(CollectiveKind::all_reduce, 5, 409), "halving_doubling", StreamKind::reduce_gradients)};
  for (std::int64_t turn = 0; turn < 12; ++turn) {
    const CollectiveId collective = star.collective(specs[turn % 3]);
    for (std::uint32_t rank = 0; rank < 5; ++rank)
      scenario.after(star.step(collective, rank), scenario.compute(star.workers[rank], 1'003 + 211 * turn * rank));
    if (turn % 4 == 0) star.message(1, 3);
  }
  scenario.prices().power.assign(5, DevicePower{{30}, {90}});
  return scenario.finish();
}

}  // namespace

TEST_CASE("twenty simulations of one ride give the same bytes") {
  const Ride ride = crowded_host();

  std::set<std::uint64_t> hashes;
  for (int i = 0; i < 20; ++i) hashes.insert(hash_of(simulate(ride.program, ride.prices)));

  CHECK(hashes.size() == 1);
}

TEST_CASE("threads that simulate one ride at once all get the same bytes") {
  const Ride ride = crowded_host();
  const std::uint64_t alone = hash_of(simulate(ride.program, ride.prices));
  for (const std::size_t threads : {1u, 2u, 4u, 8u}) {
    std::vector<std::uint64_t> hashes(threads);
    {
      std::vector<std::jthread> running;
      for (std::uint64_t& hash : hashes)
        running.emplace_back([&ride, &hash] { hash = hash_of(simulate(ride.program, ride.prices)); });
    }

    CHECK(hashes == std::vector<std::uint64_t>(threads, alone));
  }
}

TEST_CASE("a changed price changes the hash") {
  Ride ride = crowded_host();
  const std::uint64_t before = hash_of(simulate(ride.program, ride.prices));

  ride.prices.works[3].time.count += 1;

  CHECK(hash_of(simulate(ride.program, ride.prices)) != before);
}

TEST_CASE("a ride on crowded cores keeps its hash") {
  const Ride ride = crowded_host();

  CHECK(hash_of(simulate(ride.program, ride.prices)) == 0x9d8db673c77dfb55u);
}

TEST_CASE("a ride whose collectives share links and cores keeps its hash") {
  const Ride ride = crowded_star();

  std::set<std::uint64_t> hashes;
  for (int i = 0; i < 20; ++i) hashes.insert(hash_of(simulate(ride.program, ride.prices)));

  CHECK(hashes == std::set<std::uint64_t>{0x45defd202c76522fu});
}
