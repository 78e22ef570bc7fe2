// Ranks that run several stages, stages with several copies, and backward in halves: the same numbers as ever.

#include <algorithm>
#include <bit>
#include <functional>

#include "exec/run.hpp"
#include "plan/lower.hpp"
#include "plan/verify.hpp"
#include "tests/catch.hpp"
#include "tests/exec/same_training.hpp"

using namespace tandem;

namespace {

/// Where each micro-batch runs each stage, and whether backward is split.
struct Placing {
  std::uint32_t ranks, stages, batches;
  std::function<std::uint32_t(std::uint32_t stage, std::uint32_t batch)> rank_of;
  bool splits = false;
};

/// An order by list scheduling: in each slot each rank runs the first ready action, backward before forward, W last.
class Ordering {
 public:
  explicit Ordering(const Placing& placing)
      : placing_(placing), done_(std::size_t{placing.stages} * placing.batches * 3, false), grid_(placing.ranks) {}

  Grid run() && {
    const std::size_t all = std::size_t{placing_.stages} * placing_.batches * (placing_.splits ? 3 : 2);
    for (std::size_t count = 0; count < all;) {
      std::vector<Action> chosen;
      for (std::uint32_t rank = 0; rank < placing_.ranks; ++rank) choose(rank, chosen);
      for (const Action& action : chosen) done(action.stage, action.kind, action.micro_batch) = true;
      count += chosen.size();
    }
    return std::move(grid_);
  }

 private:
  StepKind backward() const { return placing_.splits ? StepKind::input_gradient : StepKind::backward; }
  std::vector<bool>::reference done(std::uint32_t stage, StepKind kind, std::uint32_t batch) {
    const std::size_t slot = kind == StepKind::forward ? 0 : kind == StepKind::weight_gradient ? 2 : 1;
    return done_[(std::size_t{stage} * placing_.batches + batch) * 3 + slot];
  }
  bool ready(const Action& action) {
    const auto [stage, kind, batch] = action;
    if (kind == StepKind::weight_gradient && !placing_.splits) return false;
    if (done(stage, kind, batch)) return false;
    if (kind == StepKind::forward) return stage == 0 || done(stage - 1, kind, batch);
    if (kind == StepKind::weight_gradient) return done(stage, StepKind::input_gradient, batch);
    return done(stage, StepKind::forward, batch) &&
           (stage + 1 == placing_.stages || done(stage + 1, backward(), batch));
  }
  void choose(std::uint32_t rank, std::vector<Action>& chosen) {
    for (const StepKind kind : {backward(), StepKind::forward, StepKind::weight_gradient})
      for (std::uint32_t batch = 0; batch < placing_.batches; ++batch)
        for (std::uint32_t stage = placing_.stages; stage-- > 0;) {
          if (placing_.rank_of(stage, batch) != rank || !ready({stage, kind, batch})) continue;
          grid_[rank].push_back({stage, kind, batch});
          return chosen.push_back({stage, kind, batch});
        }
  }

  const Placing& placing_;
  std::vector<bool> done_;
  Grid grid_;
};

Program program_of(const Model& model, const Placing& placing) {
  Plan plan;
  plan.pipeline = placing.ranks;
  plan.micro_batches = placing.batches;
  plan.micro_batch_size = 3;
  std::vector<DeviceId> devices;
  for (std::uint32_t i = 0; i < placing.ranks; ++i) devices.push_back(static_cast<DeviceId>(i));
  return lower(plan, model, even_cuts(model, placing.stages), devices, Ordering(placing).run());
}

RunOptions three_iterations() {
  RunOptions options;
  options.iterations = 3;
  return options;
}

RunResult plain_run(const Model& model, const Dataset& dataset) {
  const tandem::Job plain{.schedule = "sequential", .ranks = 1};
  return run_on_one_thread(program_of(model, plain), model, dataset, three_iterations());
}

/// Lowers, proves, runs both ways.
RunResult checked_run(const Model& model, const Dataset& dataset, const Placing& placing) {
  const Program program = program_of(model, placing);
  verify(program);

  const RunResult threaded = run_on_threads(program, model, dataset, three_iterations());
  const RunResult single = run_on_one_thread(program, model, dataset, three_iterations());

  CHECK(same_bits(threaded.losses, single.losses));
  CHECK(same_bits(threaded.weights, single.weights));
  CHECK(same_bits(threaded.gradients, single.gradients));
  return threaded;
}

std::uint32_t round_robin(std::uint32_t stage, std::uint32_t) { return stage % 2; }
std::uint32_t there_and_back(std::uint32_t stage, std::uint32_t) { return stage < 2 ? stage : 3 - stage; }

}  // namespace

TEST_CASE("ranks that run several stages compute the same bits") {
  for (const Model& model : {small_mlp(), small_gpt()}) {
    const Dataset dataset = small_data(model);
    const RunResult want = plain_run(model, dataset);
    for (const bool splits : {false, true})
      for (const auto& rank_of : {round_robin, there_and_back}) {
        INFO(model.name() << (splits ? ", split backward" : ""));

        const RunResult got = checked_run(model, dataset, {2, 4, 4, rank_of, splits});

        CHECK(same_bits(got.losses, want.losses));
        CHECK(same_bits(got.weights, want.weights));
      }
  }
}

TEST_CASE("one rank that runs all stages needs no message") {
  const Model model = small_mlp();
  const Dataset dataset = small_data(model);
  const Placing placing{1, 4, 4, [](std::uint32_t, std::uint32_t) { return 0u; }};

  const RunResult got = checked_run(model, dataset, placing);

  CHECK(program_of(model, placing).messages().empty());
  CHECK(same_bits(got.weights, plain_run(model, dataset).weights));
}

TEST_CASE("copies of a stage run their own micro-batches and end with the same weights") {
  // Even micro-batches go from rank 0 to rank 1, odd ones back: each rank has both stages. The gradient of a stage is the
  // sum of two sums of two: the same numbers, up to rounding.
  for (const Model& model : {small_mlp(), small_gpt()})
    for (const bool splits : {false, true}) {
      const Dataset dataset = small_data(model);
      const RunResult want = plain_run(model, dataset);

      const RunResult got = checked_run(
          model, dataset,
          {2, 2, 4, [](std::uint32_t stage, std::uint32_t batch) { return (stage + batch) % 2; }, splits});

      CHECK(got.losses[0] == want.losses[0]);
      for (std::size_t i = 1; i < 3; ++i) CHECK(got.losses[i] == Approx(want.losses[i]).epsilon(1e-5));
    }
}

TEST_CASE("I and W of a micro-batch may lie apart, and what W reads waits for it") {
  const Model model = small_mlp();
  const Placing whole{2, 2, 4, round_robin, false}, split{2, 2, 4, round_robin, true};

  const Program one = program_of(model, whole), two = program_of(model, split);

  const auto count = [](const Program& program, StepKind kind) {
    return std::ranges::count_if(program.steps(), [kind](const Step& step) { return step.kind == kind; });
  };
  CHECK(count(one, StepKind::backward) == 8);
  CHECK(count(two, StepKind::backward) == 0);
  CHECK(count(two, StepKind::input_gradient) == 8);
  CHECK(count(two, StepKind::weight_gradient) == 8);
}
