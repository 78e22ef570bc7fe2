// What ZeRO's stages divide among the replicas, counted in the buffers of Programs.

#include <map>

#include "plan/memory_script.hpp"
#include "plan/verify.hpp"
#include "tests/catch.hpp"
#include "tests/plan/meshes.hpp"

using namespace tandem;

namespace {

Plan sharded(std::int64_t replicas, std::int64_t zero) {
  Plan plan = plan_on(replicas, 1, 1, 1);
  plan.zero = zero;
  plan.micro_batches = 2;
  return plan;
}

constexpr std::int64_t kBlock = 16 * 16 + 16;  ///< parameters of one of equal_blocks()

}  // namespace

TEST_CASE("the first stage divides the optimizer state alone") {
  const std::int64_t replicas = GENERATE(2, 4, 8);
  const std::int64_t parameters = 4 * kBlock;  // 1088: 17 x 64 divides evenly

  const Program program = lower_on(sharded(replicas, 1), equal_blocks(4));

  for (std::uint32_t worker = 0; worker < replicas; ++worker) {
    CHECK(held(program, worker, BufferClass::weight) == 4 * parameters);
    CHECK(held(program, worker, BufferClass::gradient) == 4 * parameters);
    CHECK(held(program, worker, BufferClass::optimizer_state) == 8 * parameters / replicas);  // of 16 bytes 8 + 8 / N
  }
}

TEST_CASE("each stage divides one thing more, to the byte") {
  const std::int64_t replicas = GENERATE(2, 4, 8);
  const std::int64_t parameters = 4 * kBlock, share = parameters / replicas;

  const Program second = lower_on(sharded(replicas, 2), equal_blocks(4));
  const Program third = lower_on(sharded(replicas, 3), equal_blocks(4));

  for (std::uint32_t worker = 0; worker < replicas; ++worker) {
    CHECK(held(second, worker, BufferClass::weight) == 4 * parameters);  // of 16 bytes 4 + 12 / N
    CHECK(held(second, worker, BufferClass::gradient) == 4 * share);
    CHECK(held(second, worker, BufferClass::optimizer_state) == 8 * share);
    CHECK(held(third, worker, BufferClass::weight) == 4 * share);        // 16 / N
    CHECK(held(third, worker, BufferClass::gradient) == 4 * share);
    CHECK(held(third, worker, BufferClass::optimizer_state) == 8 * share);
  }
}

TEST_CASE("of whole buckets only those in use are there") {
  struct Row {
    std::int64_t prefetch;
    bool reshard, overlap;
    std::int64_t weights, gradients;  ///< most buckets at once
  };
  const Row row = GENERATE(values<Row>({
      {0, true, true, 1, 2},   // gradients: one being computed, one being summed
      {1, true, true, 2, 2},   // weights: one in use, one ahead
      {2, true, true, 3, 2},
      {1, false, true, 4, 2},  // weights: all, as backward reads them again
      {1, true, false, 2, 1},
  }));
  Plan plan = sharded(2, 3);
  plan.bucket = Bytes{1000};  // a layer each
  plan.prefetch = row.prefetch;
  plan.reshard = row.reshard;
  plan.overlap = row.overlap;

  const Program program = lower_on(plan, equal_blocks(4));

  const MemoryPeak peak = script_peaks(program)[0];
  const auto most = [&](BufferClass kind) { return peak.by_class[static_cast<std::size_t>(kind)].count; };
  CHECK(most(BufferClass::weight) == 4 * (4 * kBlock / 2 + row.weights * kBlock));
  CHECK(most(BufferClass::gradient) == 4 * (4 * kBlock / 2 + row.gradients * kBlock));
}

TEST_CASE("every micro-batch gathers weights twice and sums gradients once") {
  Plan plan = sharded(2, 3);
  plan.bucket = Bytes{1000};

  const Program program = lower_on(plan, equal_blocks(4));

  std::map<std::string, int> entered;
  for (const Collective& collective : program.collectives()) ++entered[program.spec(collective).name];
  CHECK(entered.size() == 8);  // four buckets, two collectives each
  for (const char* number : {"0", "1", "2", "3"}) {
    CHECK(entered["weights " + std::string(number) + " all_gather"] == 2 * 2);
    CHECK(entered["gradients " + std::string(number) + " reduce_scatter"] == 2);
  }
}

TEST_CASE("blocks of a bucket that does not divide differ by one value") {
  const Program program = lower_on(sharded(3, 1), equal_blocks(4));

  CHECK(held(program, 0, BufferClass::optimizer_state) == 8 * 363);  // 1088 = 363 + 363 + 362
  CHECK(held(program, 1, BufferClass::optimizer_state) == 8 * 363);
  CHECK(held(program, 2, BufferClass::optimizer_state) == 8 * 362);
}

TEST_CASE("sgd has no state to divide") {
  Plan plan = sharded(2, 1);
  plan.optimizer.kind = OptimizerKind::sgd;

  const Program program = lower_on(plan, equal_blocks(4));

  CHECK(held(program, 0, BufferClass::optimizer_state) == 0);
}

TEST_CASE("replicas that share a copy in twos halve the state") {
  Plan plan = sharded(8, 1);
  plan.shard_ranks = 2;

  const Program program = lower_on(plan, equal_blocks(4));

  std::map<std::string, int> specs;
  for (const CollectiveSpec& spec : program.collective_specs()) ++specs[spec.name];
  CHECK(held(program, 0, BufferClass::optimizer_state) == 8 * 1088 / 2);
  CHECK(specs == std::map<std::string, int>{{"gradients 0 reduce_scatter", 4},  // in each pair
                                            {"gradients 0 all_reduce", 2},      // among the four owners of each half
                                            {"weights 0 all_gather", 4}});
}

TEST_CASE("what cannot be sharded is refused") {
  struct Row {
    std::int64_t replicas, zero, shard_ranks;
    const char* problem;
  };
  const Row row = GENERATE(values<Row>({
      {1, 1, 0, "there is one replica, so nothing to shard over"},
      {4, 1, 3, "the replicas cannot be divided like this"},
      {4, 1, 1, "the replicas cannot be divided like this"},
      {4, 1, 8, "the replicas cannot be divided like this"},
      {4, 0, 2, "replicas share one copy only where something is sharded"},
  }));
  Plan plan = sharded(row.replicas, row.zero);
  plan.shard_ranks = row.shard_ranks;

  CHECK_THAT(complaint([&] { lower_on(plan, equal_blocks(4)); }), Catch::Matchers::Contains(row.problem));
}

TEST_CASE("copies of a stage share the state as replicas do, and each sums its gradients in shards of its own") {
  const std::int64_t replicas = GENERATE(2, 4);
  const char* schedule = GENERATE("chimera", "dualpipe");
  const std::int64_t parameters = 4 * kBlock;  // each rank has a copy of both stages
  const auto held_by = [&](std::int64_t zero, BufferClass kind) {
    Plan plan = sharded(replicas, zero);
    plan.pipeline = 2;
    plan.micro_batches = 4;
    plan.schedule = schedule;
    return held(lower_on(plan, equal_blocks(4), {5}), 0, kind);
  };

  CHECK(held_by(1, BufferClass::weight) == 4 * parameters);
  CHECK(held_by(1, BufferClass::gradient) == 4 * parameters);
  CHECK(held_by(1, BufferClass::optimizer_state) == 8 * parameters / (2 * replicas));  // two copies
  CHECK(held_by(2, BufferClass::weight) == 4 * parameters);
  CHECK(held_by(2, BufferClass::gradient) == 4 * parameters / replicas);
  CHECK(held_by(2, BufferClass::optimizer_state) == 8 * parameters / replicas);
  CHECK(held_by(3, BufferClass::weight) == 4 * parameters / replicas);
  CHECK(held_by(3, BufferClass::gradient) == 4 * parameters / replicas);
  CHECK(held_by(3, BufferClass::optimizer_state) == 8 * parameters / replicas);
}

TEST_CASE("shards are summed over the copies once an iteration, each block among its owners") {
  Plan plan = sharded(2, 2);
  plan.pipeline = 2;
  plan.micro_batches = 4;
  plan.schedule = "chimera";

  const Program program = lower_on(plan, equal_blocks(2), block_cuts(2));

  std::map<std::string, int> entered;
  for (const Collective& collective : program.collectives()) ++entered[program.spec(collective).name];
  CHECK(entered == std::map<std::string, int>{{"gradients 0 reduce_scatter", 4 * 2},  // micro-batches, stages
                                              {"gradients 0 of copies", 2 * 2},       // blocks, stages
                                              {"weights 0 all_gather", 2 * 2}});      // copies, stages
}

TEST_CASE("without replicas the copies of a stage alone share its state, where every stage has some") {
  using enum StepKind;
  Plan plan = sharded(1, 1);
  plan.pipeline = 2;
  const Grid grid{{{0, forward, 0}, {0, backward, 0}},
                  {{1, forward, 0}, {1, backward, 0}, {0, forward, 1}, {1, forward, 1}, {1, backward, 1}, {0, backward, 1}}};
  const auto lowered = [&] { return lower(plan, equal_blocks(2), block_cuts(2), one_device_each(2), grid); };

  CHECK_THAT(complaint([&] { lowered(); }), Catch::Matchers::Contains("there is one replica, so nothing to shard over"));
  plan.replicas = 2;
  const Program both = lower(plan, equal_blocks(2), block_cuts(2), one_device_each(4), grid);
  plan.replicas = 1;
  plan.schedule = "chimera";
  const Program copies = lower_on(plan, equal_blocks(2), block_cuts(2));

  verify(both);
  CHECK(held(both, 0, BufferClass::optimizer_state) == 8 * kBlock / 4);                   // stage 0: copies and replicas
  CHECK(held(both, 2, BufferClass::optimizer_state) == 8 * kBlock / 4 + 8 * kBlock / 2);  // and stage 1: replicas
  CHECK(held(copies, 0, BufferClass::optimizer_state) == 2 * 8 * kBlock / 2);             // two stages
}

TEST_CASE("gradients and weights are not shared with copies of the stage, which run other micro-batches") {
  Plan plan = sharded(1, GENERATE(2, 3));
  plan.pipeline = 2;
  plan.schedule = "chimera";

  CHECK_THAT(complaint([&] { lower_on(plan, equal_blocks(2), block_cuts(2)); }),
             Catch::Matchers::Contains("copies of a stage run other micro-batches"));
}

TEST_CASE("where weights have versions each update is divided, and of sharded weights each version") {
  const std::int64_t replicas = GENERATE(2, 4);
  const std::int64_t parameters = 2 * kBlock;  // of a stage
  const auto lowered = [&](std::int64_t zero) {
    Plan plan = sharded(replicas, zero);
    plan.pipeline = 2;
    plan.micro_batches = 4;
    plan.schedule = "pipedream";
    return lower_on(plan, equal_blocks(4), {5});
  };

  const Program first = lowered(1), second = lowered(2), third = lowered(3);

  CHECK(held(first, 0, BufferClass::weight) == 4 * parameters);
  CHECK(held(first, 0, BufferClass::stash) == 4 * parameters);  // stage 0 of 2 keeps two versions
  CHECK(held(first, 0, BufferClass::optimizer_state) == 8 * parameters / replicas);
  CHECK(held(second, 0, BufferClass::gradient) == 4 * parameters / replicas);
  CHECK(held(third, 0, BufferClass::weight) == 4 * parameters / replicas);
  CHECK(held(third, 0, BufferClass::stash) == 4 * parameters / replicas);
  std::map<std::string, int> entered;
  for (const Collective& collective : first.collectives()) ++entered[first.spec(collective).name];
  CHECK(entered == std::map<std::string, int>{{"gradients 0 reduce_scatter", 4 * 2},  // updates, stages
                                              {"weights 0 all_gather", 4 * 2}});
}
