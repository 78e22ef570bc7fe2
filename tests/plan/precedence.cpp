// Who precedes whom on one worker, and which bytes of a shared buffer each step touches.

#include "plan/precedence.hpp"

#include "plan/program_builder.hpp"
#include "plan/touched_ranges.hpp"
#include "tests/catch.hpp"
#include "tests/plan/meshes.hpp"

using namespace tandem;

namespace {

/// Two workers with four steps each on their compute streams, and two collectives of both on two streams of their own.
struct Pair {
  ProgramBuilder builder;
  std::vector<StepId> compute;
  std::vector<CollectiveId> early, late;  ///< on the tensor stream; on that of gradients

  Pair() {
    std::vector<WorkerId> workers;
    const SegmentId segment = builder.add_segment({});
    for (const char* name : {"left", "right"})
      workers.push_back(builder.add_worker(name, static_cast<std::uint32_t>(workers.size()), DeviceId{0}));
    for (const WorkerId worker : workers)
      for (int i = 0; i < 4; ++i)
        compute.push_back(builder.add_compute(builder.add_work({StepKind::forward, worker, segment}), 0));
    early.push_back(builder.add_collective(builder.add_collective_spec(spec(workers, StreamKind::tensor)), 0));
    late.push_back(builder.add_collective(builder.add_collective_spec(spec(workers, StreamKind::reduce_gradients)), 0));
  }

  static CollectiveSpec spec(const std::vector<WorkerId>& workers, StreamKind stream) {
    CollectiveSpec spec;
    spec.name = "sum";
    spec.shape.ranks = 2;
    spec.shape.bounds = {0, 2, 4};
    spec.algorithm = &find_collective_algorithm("ring");
    spec.stream = stream;
    spec.members = workers;
    spec.payloads.resize(2);
    return spec;
  }
};

/// The steps of the left worker after renumbering: four on compute, then one on each of the other streams.
constexpr StepId kFirst{0}, kSecond{1}, kThird{2}, kTensor{4}, kGradients{5};

}  // namespace

TEST_CASE("a step of one stream precedes one of another where a compute step lies between them") {
  Pair pair;
  pair.builder.add_after(pair.compute[1], pair.builder.step_of(pair.early[0], 0));  // tensor before the second
  pair.builder.add_after(pair.builder.step_of(pair.late[0], 0), pair.compute[2]);   // gradients after the third
  const Program program = std::move(pair.builder).finish(1);

  const Precedence precedence(program);

  CHECK(precedence.before(kTensor, kGradients));  // tensor < second < third < gradients
  CHECK_FALSE(precedence.before(kGradients, kTensor));
  CHECK(precedence.before(kTensor, kThird));
  CHECK(precedence.before(kSecond, kGradients));
  CHECK_FALSE(precedence.before(kFirst, kTensor));  // the first may still run
}

TEST_CASE("a step precedes what waits for a later one of its stream") {
  Pair pair;
  const WorkerId left{0}, right{1};
  const CollectiveSpecId another = pair.builder.add_collective_spec(Pair::spec({left, right}, StreamKind::tensor));
  const CollectiveId second = pair.builder.add_collective(another, 0);
  pair.builder.add_after(pair.builder.step_of(pair.late[0], 0), pair.builder.step_of(second, 0));
  const Program program = std::move(pair.builder).finish(1);

  const Precedence precedence(program);

  constexpr StepId first_tensor{4}, second_tensor{5}, gradients{6};
  CHECK(precedence.before(first_tensor, gradients));
  CHECK(precedence.before(second_tensor, gradients));
  CHECK_FALSE(precedence.before(gradients, first_tensor));
}

TEST_CASE("one compute step between two others suffices") {
  Pair pair;
  pair.builder.add_after(pair.compute[1], pair.builder.step_of(pair.early[0], 0));
  pair.builder.add_after(pair.builder.step_of(pair.late[0], 0), pair.compute[1]);
  const Program program = std::move(pair.builder).finish(1);

  CHECK(Precedence(program).before(kTensor, kGradients));
}

TEST_CASE("steps of two streams that only follow the same compute step are in no order") {
  Pair pair;
  pair.builder.add_after(pair.builder.step_of(pair.early[0], 0), pair.compute[1]);
  pair.builder.add_after(pair.builder.step_of(pair.late[0], 0), pair.compute[1]);
  const Program program = std::move(pair.builder).finish(1);
  const Precedence precedence(program);

  CHECK_FALSE(precedence.before(kTensor, kGradients));
  CHECK_FALSE(precedence.before(kGradients, kTensor));
}

TEST_CASE("a compute step that comes too early proves nothing about two others") {
  Pair pair;
  pair.builder.add_after(pair.compute[2], pair.builder.step_of(pair.early[0], 0));  // tensor before the third
  pair.builder.add_after(pair.builder.step_of(pair.late[0], 0), pair.compute[1]);   // gradients after the second
  const Program program = std::move(pair.builder).finish(1);

  CHECK_FALSE(Precedence(program).before(kTensor, kGradients));
}

TEST_CASE("a direct edge between two streams orders their steps") {
  Pair pair;
  pair.builder.add_after(pair.builder.step_of(pair.late[0], 0), pair.builder.step_of(pair.early[0], 0));
  const Program program = std::move(pair.builder).finish(1);

  CHECK(Precedence(program).before(kTensor, kGradients));
}

TEST_CASE("a reduction touches its bucket, and a part of backward the gradients of its own layers") {
  Plan plan = plan_on(2, 1, 1, 1);
  plan.bucket = {128};
  const Program program = lower(plan, two_layer_mlp(), {}, one_device_each(2));
  const Segment& segment = program.segments()[0];
  REQUIRE(segment.buckets.size() == 2);  // b: 64 + 64 bytes at 192; a: 128 + 64 at 0

  std::vector<std::vector<std::pair<std::int64_t, std::int64_t>>> backward, reductions;
  for (std::uint32_t i = 0; i < program.step_count(); ++i) {
    const auto id = static_cast<StepId>(i);
    const StepKind kind = program.step(id).kind;
    if (index_of(program.worker_of(id)) != 0 || (kind != StepKind::backward && kind != StepKind::collective)) continue;
    for (const BufferUse use : program.uses(id)) {
      if (program.spec(use.id()).content != BufferContent::gradients) continue;
      auto& rows = kind == StepKind::backward ? backward : reductions;
      rows.emplace_back();
      for (const ByteRange range : touched_ranges(program, id, use.id()))
        rows.back().emplace_back(range.first, range.end);
    }
  }

  using Ranges = std::vector<std::pair<std::int64_t, std::int64_t>>;
  REQUIRE(backward.size() >= 2);
  CHECK(backward[0] == Ranges{{192, 256}, {256, 264}});  // values, not their padding
  CHECK(backward[1] == Ranges{{0, 128}, {128, 160}});
  CHECK(reductions == std::vector<Ranges>{{{192, 320}}, {{0, 192}}});
}

TEST_CASE("ranges overlap where they have a byte in common") {
  CHECK(overlap({{0, 4}}, {{3, 8}}));
  CHECK_FALSE(overlap({{0, 4}}, {{4, 8}}));
  CHECK(overlap({{0, 4}, {16, 20}}, {{8, 12}, {12, 17}}));
  CHECK_FALSE(overlap({}, {{0, 100}}));
}
