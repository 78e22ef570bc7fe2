// Metrics, traffic and charts of timelines with collectives, on numbers worked out by hand.

#include <stdexcept>
#include <string>
#include <vector>

#include "plan/program_builder.hpp"
#include "tests/catch.hpp"
#include "tests/timeline/pipeline.hpp"
#include "timeline/chart_row.hpp"
#include "timeline/metrics.hpp"

using namespace tandem;

namespace {

/// Ranks that compute F, sum a vector over all, compute B beside which the gradients are summed, and update.
struct Sums {
  Program program;
  std::vector<StepId> forward, sum, backward, gradients, update;  ///< by worker
};

CollectiveSpec spec_of(const std::vector<WorkerId>& members, std::int64_t elements, StreamKind stream) {
  const auto ranks = static_cast<std::uint32_t>(members.size());
  return {"sum", {CollectiveKind::all_reduce, ranks, 1, equal_bounds(elements, ranks), {}},
          &find_collective_algorithm("ring"), stream, members,
          std::vector<CollectivePayload>(ranks, {BufferContent::workspace, 0})};
}

/// Step by step of the finished Program, whose ids are those of its streams.
StepId step_of(const Program& program, std::uint32_t worker, StreamKind kind, std::uint32_t place) {
  for (const Stream& stream : program.streams())
    if (stream.worker == WorkerId{worker} && stream.kind == kind)
      return static_cast<StepId>(index_of(stream.first) + place);
  throw std::out_of_range("no such stream");
}

Sums sums_of(std::uint32_t ranks, std::int64_t elements) {
  ProgramBuilder builder;
  const SegmentId segment = builder.add_segment({});
  std::vector<WorkerId> workers;
  for (std::uint32_t rank = 0; rank < ranks; ++rank)
    workers.push_back(builder.add_worker("rank " + std::to_string(rank), rank, DeviceId{rank}));
  const CollectiveId sum =
      builder.add_collective(builder.add_collective_spec(spec_of(workers, elements, StreamKind::tensor)), 0);
  const CollectiveId gradients = builder.add_collective(
      builder.add_collective_spec(spec_of(workers, 2 * elements, StreamKind::reduce_gradients)), 0);
  for (std::uint32_t rank = 0; rank < ranks; ++rank) {
    const auto compute = [&](StepKind kind) {
      return builder.add_compute(builder.add_work({kind, workers[rank], segment}), 0);
    };
    builder.add_after(builder.step_of(sum, rank), compute(StepKind::forward));
    builder.add_after(compute(StepKind::backward), builder.step_of(sum, rank));
    builder.add_after(builder.step_of(gradients, rank), builder.step_of(sum, rank));
    builder.add_after(compute(StepKind::update), builder.step_of(gradients, rank));
  }
  Sums result{std::move(builder).finish(1), {}, {}, {}, {}, {}};
  for (std::uint32_t rank = 0; rank < ranks; ++rank) {
    result.forward.push_back(step_of(result.program, rank, StreamKind::compute, 0));
    result.backward.push_back(step_of(result.program, rank, StreamKind::compute, 1));
    result.update.push_back(step_of(result.program, rank, StreamKind::compute, 2));
    result.sum.push_back(step_of(result.program, rank, StreamKind::tensor, 0));
    result.gradients.push_back(step_of(result.program, rank, StreamKind::reduce_gradients, 0));
  }
  return result;
}

/// Rank 0 computes F in 2 us, the others in 4; the sum takes until 7, B until 11, the gradients' sum 8 to 12, the
/// update until 13.
Timeline timeline_of(const Sums& sums) {
  Timeline timeline;
  timeline.spans.resize(sums.program.step_count());
  const auto set = [&](StepId step, std::int64_t start, std::int64_t end) {
    timeline.spans[index_of(step)] = {microseconds(start), microseconds(end)};
  };
  for (std::size_t rank = 0; rank < sums.forward.size(); ++rank) {
    set(sums.forward[rank], 0, rank == 0 ? 2 : 4);
    set(sums.sum[rank], 4, 7);
    set(sums.backward[rank], 7, 11);
    set(sums.gradients[rank], 8, 12);
    set(sums.update[rank], 12, 13);
  }
  timeline.peaks.resize(sums.forward.size());
  return timeline;
}

Picoseconds idle_for(const WorkerMetrics& worker, IdleCause cause) {
  return worker.idle_by_cause[static_cast<std::size_t>(cause)];
}

}  // namespace

TEST_CASE("a collective is exposed as far as nothing is computed beside it") {
  const Sums sums = sums_of(2, 32);

  const Metrics metrics = measure(sums.program, timeline_of(sums));

  CHECK(metrics.iteration == microseconds(13));
  const WorkerMetrics &early = metrics.workers[0], &late = metrics.workers[1];
  CHECK(early.busy == microseconds(7));                   // 2 + 4 + 1
  CHECK(idle_for(early, IdleCause::collective) == microseconds(6));  // 2-7 and 11-12
  CHECK(early.exposed_communication == microseconds(4));  // 4-7 of the sum, 11-12 of the gradients; 8-11 hides behind B
  CHECK(early.other_idle == microseconds(2));             // 2-4, while the other rank computes
  CHECK(late.idle == microseconds(4));
  CHECK(late.exposed_communication == microseconds(4));
  CHECK(idle_for(late, IdleCause::collective) == microseconds(4));
}

TEST_CASE("the critical path leads through the collective to the member that came last") {
  const Sums sums = sums_of(2, 32);

  const CriticalPath path = critical_path(sums.program, timeline_of(sums));

  CHECK(path.steps == std::vector<StepId>{sums.forward[1], sums.sum[0], sums.gradients[0], sums.update[0]});
  CHECK(path.compute == microseconds(5));   // 0-4 and 12-13
  CHECK(path.transfer == microseconds(7));  // 4-7 and 8-12
  CHECK(path.waiting == microseconds(1));   // 7-8, when the gradients' sum could have begun
}

TEST_CASE("traffic counts the exchanges of collectives between the ranks that make them") {
  const Sums sums = sums_of(3, 4);  // blocks of 2, 1 and 1 values

  const Traffic traffic = traffic_of(sums.program);

  REQUIRE(traffic.collectives.size() == 2);
  CHECK(traffic.collectives[0].collectives == 1);
  CHECK(traffic.collectives[0].bytes == Bytes{64});   // 2 (3 - 1) times the vector of 16 bytes, by all ranks together
  CHECK(traffic.collectives[1].bytes == Bytes{128});  // of 8 values
  CHECK(traffic.channels.empty());
  REQUIRE(traffic.pairs.size() == 3);  // a ring
  Bytes sent;
  for (const PairTraffic& pair : traffic.pairs) {
    CHECK(index_of(pair.to) == (index_of(pair.from) + 1) % 3);
    CHECK(pair.sent == pair.received);
    sent += pair.sent;
  }
  CHECK(sent == Bytes{192});
}

TEST_CASE("a chart shows who waits for a collective, and not what hides behind a step") {
  const Sums sums = sums_of(2, 32);
  const Timeline timeline = timeline_of(sums);
  const ColumnScale scale(microseconds(13), 13);

  CHECK(to_text(paint_row(sums.program, timeline, WorkerId{0}, scale), false) == "00.....aaaa.=");
  CHECK(to_text(paint_row(sums.program, timeline, WorkerId{1}, scale), false) == "0000...aaaa.=");
}

TEST_CASE("a worker's transfers are its collectives' too, and what overlaps counts once") {
  const Sums sums = sums_of(2, 32);
  Timeline timeline = timeline_of(sums);

  CHECK(total(transfer_intervals(sums.program, timeline, WorkerId{0})) == microseconds(7));  // 4-7, 8-12
  timeline.spans[index_of(sums.gradients[0])] = {microseconds(5), microseconds(12)};
  CHECK(total(transfer_intervals(sums.program, timeline, WorkerId{0})) == microseconds(8));  // 4-12
}
