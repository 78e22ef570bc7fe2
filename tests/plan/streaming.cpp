// Weights, gradients and optimizer states whose home is the host: what is on the device when, and what moves.

#include <map>

#include "plan/memory_script.hpp"
#include "plan/verify.hpp"
#include "tests/catch.hpp"
#include "tests/plan/meshes.hpp"
#include "tests/plan/models.hpp"

using namespace tandem;

namespace {

constexpr std::int64_t kBlock = 16 * 16 + 16;  ///< parameters of one of equal_blocks(): 1,088 bytes

/// A layer to a bucket.
Plan streaming(std::int64_t micro_batches, std::int64_t prefetch) {
  Plan plan;
  plan.schedule = "gpipe";
  plan.pipeline = 1;
  plan.micro_batches = micro_batches;
  plan.micro_batch_size = 3;
  plan.bucket = Bytes{1000};
  plan.offload_weights = true;
  plan.offload_prefetch = prefetch;
  return plan;
}

std::int64_t most(const Program& program, BufferClass kind) {
  return script_peaks(program)[0].by_class[static_cast<std::size_t>(kind)].count;
}

/// Copies of the program by what they move and where to.
std::map<std::pair<BufferContent, StepKind>, int> copies_of(const Program& program) {
  std::map<std::pair<BufferContent, StepKind>, int> counts;
  for (std::uint32_t i = 0; i < program.step_count(); ++i)
    if (is_copy(program.steps()[i].kind))
      ++counts[{program.copy(static_cast<StepId>(i)).content, program.steps()[i].kind}];
  return counts;
}

}  // namespace

TEST_CASE("of weights and gradients the buckets in use and under way are on the device, all are on the host") {
  struct Row {
    std::int64_t prefetch, buckets;  ///< most at once
  };
  const Row row = GENERATE(values<Row>({
      {0, 2},  // one in use that leaves when the next step begins, and the next one
      {1, 3},  // and one ahead
      {2, 4},
  }));

  const Program program = lower_on(streaming(2, row.prefetch), equal_blocks(6));

  CHECK(most(program, BufferClass::weight) == 4 * row.buckets * kBlock);
  CHECK(most(program, BufferClass::gradient) == 4 * row.buckets * kBlock);
  CHECK(most(program, BufferClass::optimizer_state) == 8 * 6 * kBlock);
  CHECK(most(program, BufferClass::host) == 4 * 2 * 6 * kBlock);
}

TEST_CASE("the optimizer's states come unit by unit of its update") {
  Plan plan = streaming(2, 0);
  plan.offload_optimizer = true;

  const Program streamed = lower_on(plan, equal_blocks(6));
  plan.offload_weights = false;
  const Program states_alone = lower_on(plan, equal_blocks(6));

  CHECK(most(streamed, BufferClass::optimizer_state) == 8 * 2 * kBlock);  // one that leaves, and the next
  CHECK(most(streamed, BufferClass::host) == 4 * 4 * 6 * kBlock);
  CHECK(most(states_alone, BufferClass::optimizer_state) == 8 * 2 * kBlock);
  CHECK(most(states_alone, BufferClass::host) == 8 * 6 * kBlock);
}

TEST_CASE("weights come for forward, backward and the update, and what backward finds there does not come again") {
  const Program program = lower_on(streaming(1, 1), equal_blocks(4));

  const auto copies = copies_of(program);

  using enum BufferContent;
  // 4 for forward; 3 for backward, as the last layer is still there; 4 for the update.
  CHECK(copies.at({weights, StepKind::copy_in}) == 11);
  CHECK(copies.at({weights, StepKind::copy_out}) == 4);     // once updated
  CHECK(copies.at({gradients, StepKind::copy_out}) == 4);
  CHECK(copies.at({gradients, StepKind::copy_in}) == 4);    // for the update
}

TEST_CASE("a further micro-batch fetches the sum of gradients, adds to it and brings it back") {
  using enum BufferContent;
  const auto of = [](std::int64_t micro_batches) {
    return copies_of(lower_on(streaming(micro_batches, 0), equal_blocks(4)));
  };

  CHECK(of(2).at({gradients, StepKind::copy_in}) == of(1).at({gradients, StepKind::copy_in}) + 4);
  CHECK(of(2).at({gradients, StepKind::copy_out}) == of(1).at({gradients, StepKind::copy_out}) + 4);
}

TEST_CASE("replicas that shard everything keep their own blocks on the host") {
  Plan plan = streaming(1, 0);
  plan.replicas = 2;
  plan.zero = 3;
  plan.offload_optimizer = true;

  const Program program = lower_on(plan, equal_blocks(4));

  CHECK(most(program, BufferClass::host) == 16 * 4 * kBlock / 2);
}

TEST_CASE("replicas that shard less keep all weights on the host, and their shares of the rest") {
  const std::int64_t parameters = 4 * kBlock;
  for (const std::int64_t zero : {1, 2}) {
    Plan plan = streaming(1, 0);
    plan.replicas = 2;
    plan.zero = zero;
    plan.offload_optimizer = true;

    const Program program = lower_on(plan, equal_blocks(4));

    const std::int64_t gradients = zero == 1 ? parameters : parameters / 2;
    CHECK(most(program, BufferClass::host) == 4 * parameters + 4 * gradients + 8 * parameters / 2);
    CHECK(most(program, BufferClass::weight) == 4 * 3 * kBlock);  // one in use, one ahead, one being gathered
  }
}

TEST_CASE("of an asynchronous schedule every version of the weights is on the host") {
  Plan plan = streaming(4, 0);
  plan.pipeline = 2;
  plan.schedule = "pipedream";
  plan.offload_optimizer = true;

  const Program program = lower_on(plan, equal_blocks(8), {9});

  CHECK(most(program, BufferClass::host) == (2 * 4 + 4 + 8) * 4 * kBlock);  // stage 0 of 2 has two versions
  CHECK(most(program, BufferClass::stash) == 0);
  CHECK(most(program, BufferClass::weight) <= 4 * 4 * kBlock);  // an update reads one version and writes the next one
}

TEST_CASE("what is computed again needs its weights bucket by bucket, too") {
  Plan plan = streaming(1, 0);
  plan.recompute = "full";

  const Program program = lower_on(plan, equal_blocks(6));

  CHECK(most(program, BufferClass::weight) == 4 * 2 * kBlock);
}

TEST_CASE("I without W needs its weights bucket by bucket, too") {
  Plan plan = streaming(4, 0);
  plan.pipeline = 2;
  plan.schedule = "zb-h1";

  const Program program = lower_on(plan, equal_blocks(8), {9});

  CHECK(most(program, BufferClass::weight) == 4 * 2 * kBlock);
}

TEST_CASE("what cannot be streamed is refused") {
  struct Row {
    std::int64_t replicas, zero;
    UpdateOn update_on;
    const char* schedule;
    const char* problem;
  };
  const Row row = GENERATE(values<Row>({
      {2, 1, UpdateOn::host, "gpipe", "offload_weights: what the host has updated is gathered on the device"},
      {2, 2, UpdateOn::host, "gpipe", "offload_weights: what the host has updated is gathered on the device"},
      {1, 0, UpdateOn::host, "pipedream", "update_on: the schedule updates weights more than once an iteration"},
  }));
  Plan plan = streaming(4, 0);
  plan.pipeline = 2;
  plan.replicas = row.replicas;
  plan.zero = row.zero;
  plan.schedule = row.schedule;
  plan.update_on = row.update_on;

  CHECK_THAT(complaint([&] { lower_on(plan, equal_blocks(2), block_cuts(2)); }),
             Catch::Matchers::Contains(row.problem));
}
