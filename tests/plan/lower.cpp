#include "plan/lower.hpp"

#include <algorithm>
#include <map>

#include "plan/program_builder.hpp"
#include "plan/verify.hpp"
#include "tests/catch.hpp"
#include "tests/plan/models.hpp"

using namespace tandem;

namespace {

/// "stage 0 weight 192": how many buffers of that worker, class and size.
std::map<std::string, int> buffer_table(const Program& program) {
  std::map<std::string, int> table;
  for (std::uint32_t i = 0; i < program.buffers().size(); ++i) {
    const BufferSpec& spec = program.spec(static_cast<BufferId>(i));
    ++table[program.workers()[index_of(spec.worker)].name + " " + std::string(name_of(spec.kind)) + " " +
            std::to_string(spec.bytes.count)];
  }
  return table;
}

std::size_t edge_count(const Program& program) {
  std::size_t edges = 0;
  for (std::uint32_t i = 0; i < program.step_count(); ++i) edges += program.after(static_cast<StepId>(i)).size();
  return edges;
}

std::vector<std::string> compute_steps(const Program& program, std::size_t worker) {
  std::vector<std::string> steps;
  const Stream& stream = program.stream(program.workers()[worker].compute);
  for (std::uint32_t i = 0; i < stream.count; ++i) {
    const Step& step = program.step(static_cast<StepId>(index_of(stream.first) + i));
    steps.push_back(std::string(name_of(step.kind)) + " " + std::to_string(step.micro_batch));
  }
  return steps;
}

Program lower_mlp(const Plan& plan) { return lower(plan, two_layer_mlp(), {3}, one_device_each(2)); }

/// x, a (16 x 16), b, c (16 x 16, tied to a or to b), targets, loss; layers 1, 2, 3 are linear.
Model tied_model(const std::string& owner) {
  LayerDefinition user = linear("c", 16, "b");
  user.tie = owner + ".weight";
  return Model("tied", {source("x", "values", 16), linear("a", 16, "x"), linear("b", 16, "a"), user,
                        source("targets", "target_values", 16), layer("loss", "mean_squared_error", {"c", "targets"})});
}

}  // namespace

TEST_CASE("a two-layer model on two stages has the buffers worked out by hand") {
  Plan plan = plan_of("1f1b", 2, 2);
  plan.micro_batch_size = 2;

  const Program program = lower_mlp(plan);

  // Sizes as in segments.cpp: a 8 x 4 and 8 values; b 2 x 8 and 2 values; Adam holds two values per weight.
  CHECK(buffer_table(program) == std::map<std::string, int>{
                                     {"stage 0 weight 192", 1},           // 128 + 32, each rounded up to 64
                                     {"stage 0 gradient 192", 1},
                                     {"stage 0 optimizer_state 384", 1},
                                     {"stage 0 activation 128", 2},       // x and r, per micro-batch
                                     {"stage 0 workspace 64", 4},         // of each F and each B
                                     {"stage 0 message 64", 4},           // r out, its gradient in
                                     {"stage 1 weight 128", 1},           // 64 + 8 -> 64
                                     {"stage 1 gradient 128", 1},
                                     {"stage 1 optimizer_state 256", 1},
                                     {"stage 1 activation 128", 2},       // y and targets
                                     {"stage 1 activation 64", 2},        // r, which W of b reads again
                                     {"stage 1 workspace 64", 4},
                                     {"stage 1 message 64", 2},           // r's gradient out
                                 });
}

TEST_CASE("steps, messages and edges of a two-stage program can be counted by hand") {
  const Program program = lower_mlp(plan_of("1f1b", 2, 2));

  CHECK(program.messages().size() == 4);  // one each way, for each of two micro-batches
  CHECK(program.step_count() == 20);      // 2 stages x (zero, 2 F, 2 B, update), and two steps of each message
  CHECK(edge_count(program) == 16);       // per message: send after producer, reuse after send, receive after room,
                                          // consumer after receive
  CHECK(program.channels().size() == 2);
  CHECK(program.channels()[0].bytes == Bytes{64});
  CHECK(program.micro_batches() == 2);
}

TEST_CASE("each stage zeroes its gradients, runs its row of the schedule and updates") {
  const Program program = lower_mlp(plan_of("1f1b", 2, 2));

  using Texts = std::vector<std::string>;
  CHECK(compute_steps(program, 0) == Texts{"zero gradients 0", "F 0", "F 1", "B 0", "B 1", "update 0"});
  CHECK(compute_steps(program, 1) == Texts{"zero gradients 0", "F 0", "B 0", "F 1", "B 1", "update 0"});
}

TEST_CASE("SGD holds no state, and one stage needs no messages") {
  Plan plan = plan_of("gpipe", 1, 3);
  plan.optimizer.kind = OptimizerKind::sgd;

  const Program program = lower(plan, two_layer_mlp(), {}, one_device_each(1));

  CHECK(program.messages().empty());
  CHECK(program.step_count() == 8);  // zero, 3 F, 3 B, update
  const auto specs = program.buffer_specs();
  CHECK(std::none_of(specs.begin(), specs.end(),
                     [](const auto& spec) { return spec.kind == BufferClass::optimizer_state; }));
}

TEST_CASE("no gradient message goes where no parameter waits for it") {
  const Model model("late",
                    {source("x", "values", 16), layer("r", "relu", {"x"}), linear("a", 16, "r"),
                     source("targets", "target_values", 16), layer("loss", "mean_squared_error", {"a", "targets"})});

  const Program program = lower(plan_of("1f1b", 2, 3), model, {2}, one_device_each(2));

  CHECK(program.messages().size() == 3);  // forward only
  CHECK(complaint([&] { verify(program); }) == "");
}

TEST_CASE("a tie within a stage is summed by one step before the update") {
  const Program program = lower(plan_of("1f1b", 1, 1), tied_model("a"), {}, one_device_each(1));

  CHECK(compute_steps(program, 0) ==
        std::vector<std::string>{"zero gradients 0", "F 0", "B 0", "add gradient 0", "update 0"});
  CHECK(complaint([&] { verify(program); }) == "");
}

TEST_CASE("a tie between stages sends each end's gradient to the other, which adds it") {
  const Program program = lower(plan_of("1f1b", 3, 2), tied_model("a"), {2, 3}, one_device_each(3));  // x a | b | c ...

  std::vector<Channel> ties;
  for (const Channel& channel : program.channels())
    if (channel.content == BufferContent::gradients) ties.push_back(channel);
  REQUIRE(ties.size() == 2);
  CHECK(ties[0].bytes == Bytes{1024});  // 16 x 16 x 4
  CHECK(index_of(ties[0].from) == 0);
  CHECK(index_of(ties[0].to) == 2);
  CHECK(index_of(ties[1].from) == 2);
  CHECK(compute_steps(program, 0).end()[-2] == "add gradient 0");
  CHECK(compute_steps(program, 2).end()[-2] == "add gradient 0");
  CHECK(compute_steps(program, 1).end()[-2] == "B 1");  // no part in it
  CHECK(complaint([&] { verify(program); }) == "");
}

TEST_CASE("a second tied parameter over the same stage's border is refused by name") {
  LayerDefinition second = linear("d", 16, "c"), first = linear("c", 16, "b");
  first.tie = "a.weight";
  second.tie = "b.weight";
  const Model model("two ties",
                    {source("x", "values", 16), linear("a", 16, "x"), linear("b", 16, "a"), first, second,
                     source("targets", "target_values", 16), layer("loss", "mean_squared_error", {"d", "targets"})});

  CHECK(complaint([&] { lower(plan_of("1f1b", 2, 1), model, {3}, one_device_each(2)); }) ==
        "error: a stage shares more than one tied parameter with other stages; got \"d.weight\", "
        "want cuts that leave stages 0 and 1 one each");
}

TEST_CASE("the count of steps is a bound, and exact but for ties") {
  for (const std::string schedule : {"sequential", "gpipe", "1f1b"})
    for (std::size_t stages = 1; stages <= 8; ++stages)
      for (std::int64_t batches = 1; batches <= 8; ++batches) {
        const Plan plan = plan_of(schedule, stages, batches);

        const Program program = lower(plan, equal_blocks(8), block_cuts(stages), one_device_each(stages));

        const std::int64_t ties = 4 * static_cast<std::int64_t>(stages);  // what ties could add, per stage
        REQUIRE(std::ssize(program.steps()) + ties == count_steps(plan));
      }
}

TEST_CASE("the count of steps covers a tie in every pair of stages and one within a stage") {
  const auto tied = [](const std::string& name, const std::string& input, const std::string& owner) {
    LayerDefinition definition = linear(name, 16, input);
    definition.tie = owner + ".weight";
    return definition;
  };
  const Model model("many ties",
                    {source("x", "values", 16), linear("a", 16, "x"), linear("e", 16, "a"), tied("f", "e", "e"),
                     linear("b", 16, "f"), tied("c", "b", "a"), tied("d", "c", "b"),
                     source("targets", "target_values", 16), layer("loss", "mean_squared_error", {"d", "targets"})});
  const Plan plan = plan_of("1f1b", 4, 1);

  const Program program = lower(plan, model, {4, 5, 6}, one_device_each(4));  // x a e f | b | c | d ...

  // 4 stages x 4, 3 cuts x 2 messages x 2, a sum within stage 0, and 2 ties x (2 messages x 2 + 2 sums).
  CHECK(program.step_count() == 16 + 12 + 1 + 12);
  CHECK(count_steps(plan) == 16 + 12 + 16);
  CHECK(complaint([&] { verify(program); }) == "");
}

TEST_CASE("a million workers and a million micro-batches are refused before anything is made of them") {
  Plan plan = plan_of("1f1b", 1'000'000, 1'000'000);
  const std::string want =
      "error: the plan has too many steps; got \"1000000 ranks x 1000000 micro-batches = 6e+12 steps\", "
      "want at most 100000000";

  CHECK(complaint([&] { count_steps(plan); }) == want);
  CHECK(complaint([&] { lower(plan, two_layer_mlp(), {}, {}); }) == want);
}

TEST_CASE("an unknown schedule is refused by lowering") {
  CHECK(complaint([] {
          lower(plan_of("1f2b", 1, 1), two_layer_mlp(), {}, one_device_each(1));
        }).find("no such schedule") != std::string::npos);
}

TEST_CASE("a plan that counts from zero is our own mistake") {
  for (std::int64_t Plan::*count : {&Plan::micro_batches, &Plan::micro_batch_size, &Plan::window}) {
    Plan plan = plan_of("1f1b", 1, 1);
    plan.*count = 0;

    CHECK_THROWS_AS(lower(plan, two_layer_mlp(), {}, one_device_each(1)), InvariantError);
  }
}

TEST_CASE("steps are described by worker, kind, micro-batch and what a message carries") {
  const Program program = lower_mlp(plan_of("1f1b", 2, 2));
  const Message forward = program.messages()[1], backward = program.messages()[2];

  CHECK(program.describe(static_cast<StepId>(0)) == R"(worker "stage 0", step zero gradients)");
  CHECK(program.describe(static_cast<StepId>(2)) == R"(worker "stage 0", step F of micro-batch 1)");
  CHECK(program.describe(forward.send) ==
        R"(worker "stage 0", step send to "stage 1" the activations of micro-batch 1)");
  CHECK(program.describe(backward.receive) ==
        R"(worker "stage 0", step receive from "stage 1" the activation gradients of micro-batch 0)");
}

TEST_CASE("streams hold contiguous steps, ordered by worker and kind") {
  const Program program = lower_mlp(plan_of("1f1b", 2, 2));

  std::uint32_t next = 0;
  for (std::size_t i = 0; i < program.streams().size(); ++i) {
    const Stream& stream = program.streams()[i];
    CHECK(index_of(stream.first) == next);
    next += stream.count;
    if (i > 0)
      CHECK(std::pair(program.streams()[i - 1].worker, program.streams()[i - 1].kind) <
            std::pair(stream.worker, stream.kind));
  }
  CHECK(next == program.step_count());
}
