// Offloading in the Program: what leaves, when its buffers live, and what stays.

#include <algorithm>

#include "base/error.hpp"
#include "plan/lower.hpp"
#include "plan/offload.hpp"
#include "plan/verify.hpp"
#include "tests/catch.hpp"
#include "tests/plan/models.hpp"

using namespace tandem;

namespace {

Program lowered(std::string policy, std::int64_t staging = 0, std::int64_t prefetch = 1) {
  Plan plan;
  plan.schedule = "gpipe";
  plan.pipeline = 1;
  plan.micro_batches = 4;
  plan.micro_batch_size = 3;
  plan.offload = std::move(policy);
  plan.offload_staging = staging;
  plan.offload_prefetch = prefetch;
  return lower(plan, equal_blocks(3), {}, {DeviceId{0}});
}

std::vector<StepId> steps_of(const Program& program, StepKind kind) {
  std::vector<StepId> steps;
  for (std::uint32_t i = 0; i < program.step_count(); ++i)
    if (program.steps()[i].kind == kind) steps.push_back(static_cast<StepId>(i));
  return steps;
}

const Buffer& buffer_of(const Program& program, BufferId id) { return program.buffers()[index_of(id)]; }

/// Of compute steps: in a program of one worker these come first.
std::uint32_t place_of(StepId step) { return index_of(step); }

}  // namespace

TEST_CASE("names of policies are read, and others are refused with a hint") {
  CHECK(parse_offload("none").kind == Offload::Kind::none);
  CHECK(parse_offload("stage").kind == Offload::Kind::stage);
  CHECK(parse_offload("layers:a,b.relu").names == std::vector<std::string>{"a", "b.relu"});

  CHECK_THROWS_AS(parse_offload("al"), QuantityError);
  CHECK_THROWS_AS(parse_offload("layers"), QuantityError);
  CHECK_THROWS_AS(parse_offload("layers:"), QuantityError);
  CHECK_THROWS_AS(parse_offload("all:3"), QuantityError);
}

TEST_CASE("a layer to offload that the model lacks is refused with a hint") {
  CHECK_THROWS_WITH(lowered("layers:relo1"), Catch::Contains("did you mean \"relu1\""));
}

TEST_CASE("a search is no policy to lower") { CHECK_THROWS_AS(lowered("dynamic"), InputError); }

TEST_CASE("each copy out has its copy in, of the same bytes by way of the same buffer of the host") {
  const Program program = lowered("stage");
  const auto out = steps_of(program, StepKind::copy_out), in = steps_of(program, StepKind::copy_in);

  REQUIRE(out.size() == 4);  // a unit for each of four micro-batches
  REQUIRE(in.size() == 4);
  for (std::size_t i = 0; i < 4; ++i) {
    const BufferId host = program.copy_end(out[i], Access::write);
    const BufferId first = program.copy_end(out[i], Access::read);
    const auto back = std::find_if(in.begin(), in.end(),
                                   [&](StepId copy) { return program.copy_end(copy, Access::read) == host; });
    REQUIRE(back != in.end());
    const BufferId second = program.copy_end(*back, Access::write);
    CHECK(program.spec(host).kind == BufferClass::host);
    CHECK(program.spec(first).bytes == program.spec(host).bytes);
    CHECK(program.spec(second).bytes == program.spec(host).bytes);
    CHECK(first != second);
    CHECK(program.copy(out[i]).bytes == program.copy(*back).bytes);
  }
}

TEST_CASE("the step after the last of forward that reads it waits for the copy out and frees the buffer") {
  const Program program = lowered("stage");  // compute: zero, F0, F1, F2, F3, B0, B1, B2, B3, update
  const StepId copy = steps_of(program, StepKind::copy_out)[0];
  const Buffer& first = buffer_of(program, program.copy_end(copy, Access::read));

  CHECK(place_of(first.allocated_by) == 1);  // F of micro-batch 0
  CHECK(place_of(first.freed_by) == 2);      // F of micro-batch 1
  CHECK(program.free_moment(program.copy_end(copy, Access::read)) == Moment::start);
}

TEST_CASE("a staging of one step lets one more begin before the copy must be over") {
  const Program program = lowered("stage", 1, 0);
  std::vector<std::uint32_t> freed;
  for (const StepId copy : steps_of(program, StepKind::copy_out))
    freed.push_back(place_of(buffer_of(program, program.copy_end(copy, Access::read)).freed_by));

  REQUIRE_FALSE(freed.empty());
  CHECK(freed[0] == 3);  // F0 at 1, F1 at 2, F2 at 3
}

TEST_CASE("a fetch begins as many steps ahead of the first that reads it as the plan says") {
  for (const std::int64_t prefetch : {0, 1}) {
    const Program program = lowered("all", 0, prefetch);
    const auto copies = steps_of(program, StepKind::copy_in);
    REQUIRE_FALSE(copies.empty());
    for (const StepId copy : copies) {
      const BufferId second = program.copy_end(copy, Access::write);
      const BufferId host = program.copy_end(copy, Access::read);
      const std::uint32_t first_read = place_of(buffer_of(program, host).freed_by);
      CHECK(place_of(buffer_of(program, second).allocated_by) + 1 + prefetch == first_read);
    }
  }
}

TEST_CASE("what would be back before it is gone does not leave") {
  Plan plan;
  plan.pipeline = 1;
  plan.micro_batches = 1;
  plan.micro_batch_size = 3;
  plan.offload = "stage";

  const Program program = lower(plan, equal_blocks(3), {}, {DeviceId{0}});

  CHECK(steps_of(program, StepKind::copy_out).empty());  // B is the step after F
  CHECK_NOTHROW(verify(program));
}

TEST_CASE("parts are cut where units begin and end, so that each can leave while the next is computed") {
  const Program whole = lowered("none"), cut = lowered("all");

  CHECK(whole.segments()[0].forward_parts.size() == 1);
  CHECK(cut.segments()[0].forward_parts.size() > 4);
  CHECK(cut.segments()[0].saved_bytes == Bytes{0});
}

TEST_CASE("all that backward needs is in the units, and they are as large as what was kept") {
  const Program whole = lowered("none"), cut = lowered("all");

  Bytes sum;
  for (const Bytes bytes : cut.segments()[0].offloaded_bytes) sum += bytes;

  CHECK(sum == whole.segments()[0].saved_bytes);
}
