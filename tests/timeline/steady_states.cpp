#include "timeline/steady_state.hpp"

#include <rapidcheck.h>

#include <algorithm>
#include <cstdlib>
#include <map>

#include "plan/program_builder.hpp"
#include "plan/schedule.hpp"
#include "tests/catch.hpp"
#include "tests/timeline/pipeline.hpp"
#include "timeline/metrics.hpp"

using namespace tandem;

namespace {

struct StageTimes {
  std::int64_t forward, backward;
};

struct Streamed {
  Program program;
  Timeline timeline;
};

/// 1F1B's order without a flush, every step as early as its rank and its predecessors allow; messages are free.
Streamed stream_through(const std::vector<StageTimes>& stages, std::uint32_t micro_batches) {
  const auto ranks = static_cast<std::uint32_t>(stages.size());
  const Grid grid = find_schedule("pipedream").order({ranks, micro_batches});
  ProgramBuilder builder;
  const SegmentId segment = builder.add_segment({});
  for (std::uint32_t rank = 0; rank < ranks; ++rank) builder.add_worker("stage", rank, DeviceId{rank});
  for (std::uint32_t rank = 0; rank < ranks; ++rank)
    for (const Action& action : grid[rank])
      builder.add_compute(builder.add_work({action.kind, WorkerId{rank}, segment}), action.micro_batch);
  Streamed stream{std::move(builder).finish(micro_batches, micro_batches), {}};
  std::map<std::pair<StepKind, std::pair<std::int64_t, std::uint32_t>>, std::int64_t> ended;
  std::vector<std::size_t> next(ranks, 0);
  std::vector<std::int64_t> free(ranks, 0);
  stream.timeline.spans.resize(stream.program.step_count());
  for (std::size_t left = stream.program.step_count(); left > 0;)
    for (std::uint32_t rank = 0; rank < ranks; ++rank) {
      if (next[rank] == grid[rank].size()) continue;
      const auto [stage, kind, batch] = grid[rank][next[rank]];
      const bool forward = kind == StepKind::forward;
      const std::int64_t from = forward ? std::int64_t{rank} - 1 : std::int64_t{rank} + 1;
      const bool waits = from >= 0 && from < ranks;
      const auto input = ended.find({kind, {from, batch}});
      if (waits && input == ended.end()) continue;
      const std::int64_t start = std::max(free[rank], waits ? input->second : 0);
      free[rank] = start + (forward ? stages[rank].forward : stages[rank].backward);
      ended[{kind, {rank, batch}}] = free[rank];
      const StepId first = stream.program.stream(stream.program.workers()[rank].compute).first;
      stream.timeline.spans[index_of(first) + next[rank]++] = {{start}, {free[rank]}};
      --left;
    }
  return stream;
}

}  // namespace

TEST_CASE("equal stages without a flush fill for p f + (p-1) b, then pass a micro-batch every f + b without a bubble") {
  for (const std::int64_t p : {1, 2, 4, 8}) {
    const std::int64_t f = 1'000'003, b = 2'000'017, m = 3 * p;
    const Streamed stream = stream_through(std::vector<StageTimes>(static_cast<std::size_t>(p), {f, b}),
                                         static_cast<std::uint32_t>(m));

    const SteadyState state = *steady_state(stream.program, stream.timeline);

    CHECK(state.warm_up.count == p * f + (p - 1) * b);  // to stage 0's first backward
    CHECK(state.micro_batches == m - p);                // the last p have all entered by then
    CHECK(state.time_per_micro_batch() == Picoseconds{f + b});
    CHECK(state.bubble == 0);
    CHECK(state.drain.count == (p - 1) * f + p * b);    // (m + p - 1)(f + b) in all
  }
}

TEST_CASE("unequal stages pass one micro-batch in the time of the slowest") {
  const Streamed stream = stream_through({{30, 70}, {55, 60}, {10, 95}, {40, 41}}, 40);  // slowest: 55 + 60

  CHECK(steady_state(stream.program, stream.timeline)->time_per_micro_batch() == Picoseconds{115});
}

TEST_CASE("whichever stage is the slowest, the steady state is off its pace by one pass of the pipeline at most") {
  const bool holds = rc::check("micro-batches x largest f + b, up to what the fill has left", [] {
    const auto time = rc::gen::inRange<std::int64_t>(1, 1000);
    std::vector<StageTimes> stages;
    std::int64_t slowest = 0, pass = 0;
    const auto ranks = *rc::gen::inRange(1, 9);
    for (int rank = 0; rank < ranks; ++rank) {
      stages.push_back({*time, *time});
      slowest = std::max(slowest, stages.back().forward + stages.back().backward);
      pass += stages.back().forward + stages.back().backward;
    }
    const auto more = *rc::gen::inRange(1, 40);
    const Streamed stream = stream_through(stages, static_cast<std::uint32_t>(ranks + more));

    const SteadyState state = *steady_state(stream.program, stream.timeline);

    RC_ASSERT(state.micro_batches == static_cast<std::uint32_t>(more));
    RC_ASSERT(std::abs(state.steady.count - more * slowest) <= pass);
    RC_ASSERT((state.warm_up + state.steady + state.drain) == stream.timeline.makespan());
  });
  CHECK(holds);
}

TEST_CASE("a stream of no more micro-batches than ranks fills and drains, and has no steady state") {
  const Streamed stream = stream_through({{1, 2}, {1, 2}, {1, 2}}, 3);

  const SteadyState state = *steady_state(stream.program, stream.timeline);

  CHECK(state.micro_batches == 0);
  CHECK_FALSE(state.time_per_micro_batch());
  CHECK(state.warm_up + state.drain == stream.timeline.makespan());
}

TEST_CASE("a schedule that flushes has no steady state to tell apart") {
  const Program program = gpipe_program(2, 2);

  CHECK_FALSE(measure(program, ride(program, kWorkedTimes)).steady);
}
