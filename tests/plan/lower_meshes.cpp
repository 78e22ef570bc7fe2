// Programs of plans that divide data, tensors and images: their workers, steps, collectives and edges.

#include <algorithm>
#include <map>

#include "plan/verify.hpp"
#include "tests/catch.hpp"
#include "tests/plan/meshes.hpp"
#include "tests/plan/random_models.hpp"

using namespace tandem;

namespace {

using Texts = std::vector<std::string>;

StepId step_at(const Stream& stream, std::uint32_t index) {
  return static_cast<StepId>(index_of(stream.first) + index);
}

/// Names of the collectives that a worker enters on its stream of this kind, in order.
Texts entered(const Program& program, std::uint32_t worker, StreamKind kind) {
  Texts names;
  for (const Stream& stream : program.streams())
    if (index_of(stream.worker) == worker && stream.kind == kind)
      for (std::uint32_t i = 0; i < stream.count; ++i)
        names.push_back(program.spec(program.collective(step_at(stream, i))).name);
  return names;
}

std::map<std::string, int> specs(const Program& program) {
  std::map<std::string, int> counts;
  for (const CollectiveSpec& spec : program.collective_specs()) ++counts[spec.name];
  return counts;
}

std::vector<std::size_t> cuts_of(Dice& dice, const Model& model, std::int64_t pipeline) {
  std::vector<std::size_t> cuts;
  while (std::ssize(cuts) + 1 != pipeline) cuts = random_cuts(dice, model, pipeline - 1);
  return cuts;
}

}  // namespace

TEST_CASE("two replicas do the same steps, and reduce their gradients before they update") {
  Plan plan = plan_on(2, 1, 1, 1);
  plan.micro_batches = 2;

  const Program program = lower_on(plan, two_layer_mlp());

  REQUIRE(program.workers().size() == 2);
  CHECK(program.workers()[1].name == "stage 0, data 1");
  CHECK(program.step_count() == 2 * (1 + 2 + 2 + 1) + 2);  // zero, F and B twice, update; one collective of two steps
  REQUIRE(program.collectives().size() == 1);              // once an iteration, not once a micro-batch
  const CollectiveSpec& spec = program.collective_specs()[0];
  CHECK(spec.name == "gradients 0 all_reduce");
  CHECK(spec.stream == StreamKind::reduce_gradients);
  CHECK(spec.shape.elements() == (192 + 128) / 4);  // a: 128 + 64 bytes, b: 64 + 64
  for (const CollectiveMember& member : program.members(program.collectives()[0])) {
    const Stream& compute = program.stream(program.workers()[index_of(program.worker_of(member.step))].compute);
    const StepId last_backward = step_at(compute, compute.count - 2), update = step_at(compute, compute.count - 1);
    CHECK(program.after(member.step)[0] == last_backward);
    CHECK(program.after(update)[0] == member.step);
  }
}

TEST_CASE("a tensor group's collectives stand between the parts of its steps, on a stream of their own") {
  Plan plan = plan_on(1, 1, 1, 2);
  plan.tensor_split = TensorSplit::naive;

  const Program program = lower_on(plan, two_layer_mlp());

  // Layer by layer as in segment_parts.cpp: F in 3 parts, B in 3; sums after a and b, r's gradient gathered.
  CHECK(specs(program) == std::map<std::string, int>{{"a.tensor.all_reduce all_reduce", 1},
                                                     {"b.tensor.all_reduce all_reduce", 1},
                                                     {"r.tensor.pack.tensor.part backward all_gather", 1}});
  CHECK(program.step_count() == 2 * (1 + 3 + 3 + 1) + 3 * 2);
  CHECK(entered(program, 0, StreamKind::tensor) ==
        Texts{"a.tensor.all_reduce all_reduce", "b.tensor.all_reduce all_reduce",
              "r.tensor.pack.tensor.part backward all_gather"});
  const StepId sum = program.members(program.collectives()[0])[0].step;
  const StepId before = program.after(sum)[0];
  CHECK(program.step(before).kind == StepKind::forward);
  CHECK(program.work(before).part == 0);
  const StepId next = static_cast<StepId>(index_of(before) + 1);
  CHECK(program.work(next).part == 1);
  CHECK(program.after(next)[0] == sum);
}

TEST_CASE("a bucket leaves as soon as the last micro-batch has computed its gradients, or with all at the end") {
  Plan plan = plan_on(2, 1, 1, 1);
  plan.micro_batches = 2;
  plan.bucket = {128};
  for (const bool overlap : {true, false}) {
    plan.overlap = overlap;

    const Program program = lower_on(plan, two_layer_mlp());

    const StepId first = program.members(program.collectives().front())[0].step;
    const StepId awaited = program.after(first)[0];
    const auto& segment = program.segments()[0];
    CHECK(program.step(awaited).kind == StepKind::backward);
    CHECK(program.step(awaited).micro_batch == 1);
    CHECK((program.work(awaited).part + 1 < segment.backward_parts.size()) == overlap);
  }
}

TEST_CASE("groups are the workers that differ along the collective's axis alone") {
  Plan plan = plan_on(2, 1, 1, 2);

  const Program program = lower_on(plan, load_model("gpt-nano"));

  for (const CollectiveSpec& spec : program.collective_specs()) {
    std::vector<std::uint32_t> members;
    for (const WorkerId member : spec.members) members.push_back(index_of(member));
    REQUIRE(members.size() == 2);
    // Ranks: data 0 is 0 and 1, data 1 is 2 and 3.
    CHECK(members[1] - members[0] == (spec.stream == StreamKind::tensor ? 1 : 2));
  }
}

TEST_CASE("a norm under sequence parallelism reduces its gradient over replicas and tensor ranks at once") {
  Plan plan = plan_on(2, 1, 1, 2);
  plan.sequence_parallel = true;

  const Program program = lower_on(plan, load_model("gpt-nano"));

  const auto four = [](const CollectiveSpec& spec) { return spec.members.size() == 4; };
  const auto specs_of_all = program.collective_specs();
  REQUIRE(std::any_of(specs_of_all.begin(), specs_of_all.end(), four));
  for (const CollectiveSpec& spec : specs_of_all)
    if (four(spec)) CHECK(spec.stream == StreamKind::reduce_gradients);
}

TEST_CASE("whatever the mesh, lowering makes a Program that verifies, and members enter collectives in one order") {
  const std::vector<std::string> names{"gpt-nano", "llama-nano", "vgg-nano", "resnet-nano", "mlp"};
  std::vector<Model> models;
  for (const std::string& name : names) models.push_back(load_model(name));
  for (std::uint64_t number = 0; number < 60; ++number) {
    Dice dice(number);
    const auto choice = static_cast<std::size_t>(dice.between(0, 4));
    const bool images = choice == 2 || choice == 3;
    Plan plan = plan_on(dice.between(1, 2), images ? dice.between(1, 2) : 1, images ? dice.between(1, 2) : 1,
                        dice.between(1, 2));
    plan.pipeline = dice.between(1, 3);
    plan.micro_batches = dice.between(1, 3);
    plan.tensor_split = dice.chance(3) ? TensorSplit::naive : TensorSplit::megatron;
    plan.sequence_parallel = dice.chance(2);
    plan.after_space = static_cast<AfterSpace>(dice.between(0, 2));
    plan.synchronised_batch_norm = dice.chance(2);
    plan.overlap = dice.chance(2);
    plan.bucket = {1LL << dice.between(10, 24)};
    const std::vector<std::size_t> cuts = cuts_of(dice, models[choice], plan.pipeline);
    std::string text = "case " + std::to_string(number) + ": " + names[choice] + " cut at";
    for (const std::size_t cut : cuts) text += " " + models[choice].layer(static_cast<LayerId>(cut)).name;
    INFO(text << "\n" << write_plan(plan));

    Program program;
    REQUIRE(complaint([&] { program = lower_on(plan, models[choice], cuts); }) == "");

    REQUIRE(complaint([&] { verify(program); }) == "");
    for (const Collective& row : program.collectives()) {
      const CollectiveSpec& spec = program.spec(row);
      const Mesh mesh = mesh_of(plan);
      for (const WorkerId member : spec.members)  // groups never reach over stages
        REQUIRE(mesh.coordinate_of(index_of(member))[MeshAxis::pipeline] ==
                mesh.coordinate_of(index_of(spec.members[0]))[MeshAxis::pipeline]);
    }
    REQUIRE(program.mesh().workers() == program.workers().size());
  }
}
