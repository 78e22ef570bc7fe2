// The models of the zoo, partitioned, lowered and verified as `tandem check` does it.

#include "hardware_profiles/cluster.hpp"
#include "plan/partition.hpp"
#include "plan/verify.hpp"
#include "tests/catch.hpp"
#include "tests/plan/models.hpp"
#include "tests/plan/suitable_schedules.hpp"
#include "tests/plan/symbolic.hpp"

using namespace tandem;

TEST_CASE("mlp and gpt-nano verify on 1, 2, 4 and 8 ranks under every schedule") {
  const Device device = load_device("tesla-k80");
  for (const std::string name : {"mlp", "gpt-nano"})
    for (const std::size_t ranks : {1u, 2u, 4u, 8u})
      for (const std::string& schedule : suitable_schedules(ranks, 8, 16)) {
        CAPTURE(name, ranks, schedule);
        const Model model = load_model(name);
        const Plan plan = plan_of(schedule, ranks, 8);
        if (model.name() == "mlp" && stage_count(plan) > 8) continue;  // fewer places to cut
        const std::vector<const Device*> devices(stage_count(plan), &device);
        const Partition split = partition(model, devices, CostModel(), 4);

        const Program program =
            lower(plan, model, split.cuts, one_device_each(ranks));

        CHECK(complaint([&] { verify(program); }) == "");
      }
}

TEST_CASE("gpt-nano's gradients sum alike wherever it is cut once, inside attention and over its residual edges, too") {
  const Model model = load_model("gpt-nano");
  const std::size_t layers = model.layer_count();
  const auto whole = run_symbolically(model, {lay_out(model, 0, layers, 2)});

  for (std::size_t cut = 1; cut < layers; ++cut) {
    if (!model.may_cut(cut)) continue;
    CAPTURE(cut);

    const std::vector<Segment> parts{lay_out(model, 0, cut, 2), lay_out(model, cut, layers, 2)};
    CHECK(run_symbolically(model, parts) == whole);
  }
}

TEST_CASE("gpt-nano's output projection and its embedding exchange gradients where they lie apart") {
  const Model model = load_model("gpt-nano");
  const Device device = load_device("tesla-k80");
  const std::vector<const Device*> devices(4, &device);

  const Program program =
      lower(plan_of("1f1b", 4, 8), model, partition(model, devices, CostModel(), 4).cuts, one_device_each(4));

  std::vector<Bytes> ties;
  for (const Channel& channel : program.channels())
    if (channel.content == BufferContent::gradients) ties.push_back(channel.bytes);
  CHECK(ties == std::vector<Bytes>{{131'072}, {131'072}});  // 256 x 128 x 4, each way
}

TEST_CASE("more pipeline ranks than gpt-nano has layers are refused") {
  const Device device = load_device("tesla-k80");
  const std::vector<const Device*> devices(1'000, &device);

  CHECK(complaint([&] { partition(load_model("gpt-nano"), devices, CostModel(), 4); }).find(
            R"(error: the model has too few places to cut; got "1000 stages", want at most )") == 0);
}
