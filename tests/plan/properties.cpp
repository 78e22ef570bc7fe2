// Laws over random models, cuts, schedules, windows and numbers of micro-batches. Each case replays from its number.

#include <cstdlib>

#include "plan/memory_script.hpp"
#include "plan/verify.hpp"
#include "tests/catch.hpp"
#include "tests/plan/random_models.hpp"
#include "tests/plan/suitable_schedules.hpp"
#include "tests/plan/symbolic.hpp"

using namespace tandem;

namespace {

std::uint64_t case_count() {
  const char* const text = std::getenv("TANDEM_PROPERTY_CASES");
  return text == nullptr ? 10'000 : std::strtoull(text, nullptr, 10);
}

Plan random_plan(Dice& dice, std::size_t stages) {
  const std::int64_t batches = dice.between(1, 9);
  const std::vector<std::string> names = suitable_schedules(stages, batches, stages);
  Plan plan = plan_of(names[static_cast<std::size_t>(dice.between(0, std::ssize(names) - 1))], stages, batches);
  plan.window = dice.between(1, 4);
  plan.micro_batch_size = dice.between(1, 3);
  plan.optimizer.kind = dice.chance(2) ? OptimizerKind::adam : OptimizerKind::sgd;
  return plan;
}

/// Is `order` a permutation of all steps in which every step stands after its stream's predecessor and all that it
/// waits for, and a message's two steps side by side?
std::string wrong_in_order(const Program& program, const std::vector<StepId>& order) {
  if (order.size() != program.step_count()) return "not every step";
  std::vector<std::size_t> place(order.size(), order.size());
  for (std::size_t i = 0; i < order.size(); ++i) {
    if (place[index_of(order[i])] != order.size()) return "a step twice";
    place[index_of(order[i])] = i;
  }
  for (const Stream& stream : program.streams())
    for (std::uint32_t i = 1; i < stream.count; ++i)
      if (place[index_of(stream.first) + i] < place[index_of(stream.first) + i - 1]) return "a stream out of order";
  for (std::uint32_t i = 0; i < program.step_count(); ++i)
    for (const StepId earlier : program.after(static_cast<StepId>(i)))
      if (place[i] < place[index_of(earlier)]) return "a step before one that it waits for";
  for (const Message& message : program.messages()) {
    const std::size_t send = place[index_of(message.send)], receive = place[index_of(message.receive)];
    if (std::max(send, receive) - std::min(send, receive) != 1) return "the ends of a message apart";
  }
  return "";
}

/// Walks each worker's compute stream and its allocations. Says what is wrong.
std::string wrong_in_memory(const Program& program) {
  const MemoryScript script(program);
  std::vector<int> alive(program.buffers().size(), 0);
  for (const Worker& worker : program.workers()) {
    const Stream& stream = program.stream(worker.compute);
    for (std::uint32_t i = 0; i < stream.count; ++i)
      for (const Moment moment : {Moment::start, Moment::end})
        for (const MemoryAction action : script.at(static_cast<StepId>(index_of(stream.first) + i), moment)) {
          int& state = alive[action.buffer];
          if (state != (action.frees ? 1 : 0)) return action.frees ? "freed while dead" : "allocated twice";
          state = action.frees ? 2 : 1;
        }
  }
  for (std::size_t i = 0; i < alive.size(); ++i) {
    const bool persistent = program.buffers()[i].allocated_by == kNone<StepId>;
    if (alive[i] != (persistent ? 0 : 2)) return "not freed at the end";
  }
  return "";
}

std::vector<Segment> lay_out_all(const Model& model, const std::vector<std::size_t>& cuts, std::int64_t batch) {
  std::vector<Segment> segments;
  for (std::size_t s = 0; s <= cuts.size(); ++s)
    segments.push_back(
        lay_out(model, s == 0 ? 0 : cuts[s - 1], s == cuts.size() ? model.layer_count() : cuts[s], batch));
  return segments;
}

}  // namespace

TEST_CASE("whatever the model, the cuts, the schedule and the window, lowering makes a Program that verifies") {
  std::uint64_t refused = 0, stages_seen = 0;
  const std::uint64_t cases = case_count();
  for (std::uint64_t number = 0; number < cases; ++number) {
    Dice dice(number);
    const Model model = RandomModel(dice).build();
    const std::vector<std::size_t> cuts = random_cuts(dice, model, 7);
    const Plan plan = random_plan(dice, cuts.size() + 1);
    Program program;

    const std::string complaint_of_lowering =
        complaint([&] { program = lower(plan, model, cuts, one_device_each(cuts.size() + 1)); });

    if (complaint_of_lowering.find("more than one tied parameter") != std::string::npos) {
      ++refused;
      continue;
    }
    INFO("case " << number);
    REQUIRE(complaint_of_lowering == "");
    REQUIRE(complaint([&] { verify(program); }) == "");
    REQUIRE(wrong_in_order(program, topological_order(program)) == "");
    REQUIRE(wrong_in_memory(program) == "");
    REQUIRE(std::ssize(program.steps()) <= count_steps(plan));
    stages_seen = std::max<std::uint64_t>(stages_seen, cuts.size() + 1);
  }

  CHECK(refused < cases / 4);  // the property is not empty
  if (cases >= 1'000) CHECK(stages_seen == 8);
}

TEST_CASE("whatever the model and the cuts, no tensor is overwritten before its last reader, and gradients sum alike") {
  const std::uint64_t cases = case_count();
  for (std::uint64_t number = 0; number < cases; ++number) {
    Dice dice(number);
    const Model model = RandomModel(dice).build();
    const std::vector<std::size_t> cuts = random_cuts(dice, model, 7);
    INFO("case " << number);

    const auto whole = run_symbolically(model, lay_out_all(model, {}, 2));
    const auto parted = run_symbolically(model, lay_out_all(model, cuts, 2));

    REQUIRE(whole == parted);
    for (std::size_t i = 0; i + 1 < model.layer_count(); ++i) {
      const auto id = static_cast<LayerId>(i);
      std::vector<std::string> want;  // every reader's part once, later readers first
      for (auto reader = model.layer(id).readers.rbegin(); reader != model.layer(id).readers.rend(); ++reader)
        for (std::size_t input = 0; input < model.layer(*reader).inputs.size(); ++input)
          if (model.layer(*reader).inputs[input] == id)
            want.push_back("I of " + std::to_string(index_of(*reader)) + "." + std::to_string(input));
      const bool due = model.needs_gradient(id) || !model.layer(id).parameters.empty();
      REQUIRE(whole[i] == (due ? want : std::vector<std::string>{}));
    }
  }
}
