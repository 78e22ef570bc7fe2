// Which version of the weights each micro-batch uses under schedules without a flush, and where they lie.

#include "plan/weight_versions.hpp"

#include <algorithm>
#include <map>
#include <set>

#include "plan/lower.hpp"
#include "plan/memory_script.hpp"
#include "plan/program_builder.hpp"
#include "plan/verify.hpp"
#include "tests/catch.hpp"
#include "tests/plan/models.hpp"

using namespace tandem;

namespace {

WeightVersions versions_of(std::string_view name, std::uint32_t ranks, std::uint32_t batches) {
  const Schedule& schedule = find_schedule(name);
  return weight_versions(schedule.order({ranks, batches}), schedule, batches);
}

Program program_of(const std::string& schedule, std::size_t ranks, std::int64_t batches) {
  return lower(plan_of(schedule, ranks, batches), equal_blocks(ranks), block_cuts(ranks), one_device_each(ranks));
}

/// By worker: persistent buffers of weights.
std::vector<std::size_t> buffers_of_weights(const Program& program) {
  std::vector<std::size_t> count(program.workers().size(), 0);
  for (std::uint32_t i = 0; i < program.buffers().size(); ++i) {
    const BufferSpec& spec = program.spec(static_cast<BufferId>(i));
    if (spec.content == BufferContent::weights) ++count[index_of(spec.worker)];
  }
  return count;
}

}  // namespace

TEST_CASE("a synchronous schedule has one version") {
  for (const std::string_view name : {"gpipe", "1f1b", "zb-h1"}) {
    const WeightVersions versions = versions_of(name, 4, 8);

    CHECK(versions.rounds == 1);
    CHECK(versions.round == 8);
    for (const auto& used : versions.used) CHECK(used == std::vector<std::uint32_t>(8, 0));
  }
}

TEST_CASE("PipeDream's stage s computes gradient t with the weights after update t - (p - 1 - s)") {
  for (const std::uint32_t ranks : {1u, 2u, 4u, 7u}) {
    const WeightVersions versions = versions_of("pipedream", ranks, 16);

    for (std::uint32_t stage = 0; stage < ranks; ++stage)
      for (std::uint32_t batch = 0; batch < 16; ++batch)
        CHECK(versions.staleness(stage, batch) == std::min(batch, ranks - 1 - stage));  // fewer while it fills
  }
}

TEST_CASE("with vertical sync every stage is as far behind as the first") {
  const WeightVersions versions = versions_of("pipedream-vertical-sync", 4, 16);

  for (std::uint32_t stage = 0; stage < 4; ++stage)
    for (std::uint32_t batch = 0; batch < 16; ++batch) CHECK(versions.staleness(stage, batch) == std::min(batch, 3u));
}

TEST_CASE("2BW updates each p micro-batches, and every stage is one group behind") {
  const WeightVersions versions = versions_of("pipedream-2bw", 4, 16);

  CHECK(versions.rounds == 4);
  for (std::uint32_t stage = 0; stage < 4; ++stage)
    for (std::uint32_t batch = 0; batch < 16; ++batch)
      CHECK(versions.staleness(stage, batch) == (batch < 4 ? 0 : 1));
}

TEST_CASE("2BW refuses micro-batches that are no whole groups") {
  CHECK(complaint([] { versions_of("pipedream-2bw", 4, 10); }) ==
        "error: pipedream-2bw updates after each group of as many micro-batches as ranks; got \"10 micro-batches\", "
        "want a multiple of the 4 ranks");
}

TEST_CASE("PipeDream stashes p - s versions, 2BW two") {
  CHECK(buffers_of_weights(program_of("pipedream", 4, 12)) == std::vector<std::size_t>{4, 3, 2, 1});
  CHECK(buffers_of_weights(program_of("pipedream-vertical-sync", 4, 12)) == std::vector<std::size_t>{4, 4, 4, 4});
  for (const std::size_t count : buffers_of_weights(program_of("pipedream-2bw", 4, 12))) CHECK(count <= 2);
  CHECK(buffers_of_weights(program_of("1f1b", 4, 12)) == std::vector<std::size_t>{1, 1, 1, 1});
}

TEST_CASE("the last update of an iteration writes where the next one begins") {
  for (const std::string schedule : {"pipedream", "pipedream-vertical-sync", "pipedream-2bw"})
    for (const std::int64_t batches : {4, 8, 12, 20}) {
      const Program program = program_of(schedule, 4, batches);
      CAPTURE(schedule, batches);

      CHECK(complaint([&] { verify(program); }) == "");

      std::map<WorkerId, BufferId> first, last;
      for (std::uint32_t i = 0; i < program.step_count(); ++i) {
        const auto id = static_cast<StepId>(i);
        for (const BufferUse use : program.uses(id)) {
          if (program.spec(use.id()).content != BufferContent::weights) continue;
          if (program.step(id).kind == StepKind::forward) first.try_emplace(program.worker_of(id), use.id());
          if (program.step(id).kind == StepKind::update && use.mode() != Access::read)
            last[program.worker_of(id)] = use.id();
        }
      }
      CHECK(first == last);
    }
}

TEST_CASE("what backward gathers, or fetches, is of the version that forward had, or verify names it") {
  const bool stale = GENERATE(false, true), streamed = GENERATE(false, true);
  ProgramBuilder builder;
  const WorkerId worker = builder.add_worker("only", 0, static_cast<DeviceId>(0));
  const SegmentId segment = builder.add_segment({});
  const auto buffer = [&](BufferClass kind, BufferContent content) {
    return builder.add_buffer({worker, segment, kind, content, {64}}, 0);
  };
  const auto step = [&](StepKind kind) { return builder.add_compute(builder.add_work({kind, worker, segment}), 0); };
  const auto content = streamed ? BufferContent::weights : BufferContent::weight_shard;
  const CopySpec copy{worker, StepKind::copy_in, segment, 0, {64}, content};
  const CopySpecId spec = builder.add_copy_spec(copy);
  const auto bring_for = [&](StepKind kind, BufferId version) {
    const BufferId here = buffer(BufferClass::weight, BufferContent::weights);
    const StepId room = step(streamed ? StepKind::settle : StepKind::own_block), reader = step(kind);
    const StepId fill = streamed ? builder.add_copy(spec, 0) : room;
    builder.allocate(here, room, streamed ? Moment::end : Moment::start);
    builder.release(here, reader, Moment::end);
    builder.use(fill, version, Access::read);
    builder.use(fill, here, Access::write);
    builder.use(reader, here, Access::read);
    if (!streamed) return;
    builder.add_after(fill, room);
    builder.add_after(reader, fill);
  };
  const BufferClass place = streamed ? BufferClass::host : BufferClass::weight;
  const BufferId first = buffer(place, content);
  const BufferId second = buffer(streamed ? BufferClass::host : BufferClass::stash, content);
  bring_for(StepKind::forward, first);
  bring_for(StepKind::backward, stale ? second : first);
  if (streamed && !stale) bring_for(StepKind::settle, second);
  const Program program = std::move(builder).finish(1);

  const std::string problem = complaint([&] { verify(program); });

  CHECK(problem == (stale ? "error: the program is wrong: uses another version of the weights than its F: "
                            "worker \"only\", step B of micro-batch 0"
                          : ""));
}
