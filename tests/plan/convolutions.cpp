// Algorithms of convolutions in a plan: which layer has which, and what a plan may not ask for.

#include "plan/convolutions.hpp"

#include <algorithm>

#include "models/model.hpp"
#include "plan/lower.hpp"
#include "plan/memory_script.hpp"
#include "plan/shard.hpp"
#include "plan/verify.hpp"
#include "tests/catch.hpp"
#include "tests/plan/models.hpp"

using namespace tandem;

namespace {

Plan plan_of(const std::string& text) { return read_plan(parse_yaml(text, "plan.yaml")); }

/// Kinds of vgg-nano's convolutions in the rank's own model.
std::vector<std::string> kinds(const Plan& plan, const Model& model) {
  const Sharding sharding = shard(choose_layouts(plan, model), model, mesh_of(plan), Coordinate{}, 4);
  std::vector<std::string> found;
  for (const Layer& layer : sharding.local.model.layers())
    if (is_convolution(*layer.kind)) found.emplace_back(layer.kind->name);
  return found;
}

std::string refused(const std::string& keys, const std::string& model = "vgg-nano") {
  return complaint([&] { choose_layouts(plan_of("model: " + model + "\n" + keys), load_model(model)); });
}

}  // namespace

TEST_CASE("a plan names the algorithm of all convolutions, and of single ones") {
  const Model model = load_model("vgg-nano");

  CHECK(kinds(plan_of("model: vgg-nano\n"), model) == std::vector<std::string>(4, "conv2d"));
  CHECK(kinds(plan_of("model: vgg-nano\nconvolution_algorithm: winograd\nconvolutions: {conv1_2: panels}\n"), model) ==
        std::vector<std::string>{"conv2d_winograd", "conv2d", "conv2d_winograd", "conv2d_winograd"});
}

TEST_CASE("an algorithm for all convolutions is that of those that it suits") {
  const Model model = load_model("resnet50");

  const auto all = kinds(plan_of("model: resnet50\nconvolution_algorithm: winograd\n"), model);

  // 3 + 4 + 6 + 3 blocks with one 3 x 3 convolution each, of which three move by two
  CHECK(std::ranges::count(all, "conv2d_winograd") == 13);
  CHECK(std::ranges::count(all, "conv2d") == 53 - 13);
}

TEST_CASE("a plan with algorithms is written and read back, and a flag's list is the same") {
  const std::string text =
      "model: vgg-nano\nconvolution_algorithm: winograd\nconvolutions: {conv1_2: panels, conv2_1: winograd}\n";
  const Plan plan = plan_of(text), again = plan_of(write_plan(plan));

  CHECK(again.convolution_algorithm == "winograd");
  CHECK(again.convolutions == plan.convolutions);
  CHECK(parse_convolutions("conv1_2=panels,conv2_1=winograd") == plan.convolutions);
  CHECK_THROWS_AS(parse_convolutions("conv1_2"), QuantityError);
  CHECK_THROWS_AS(parse_convolutions("conv1_2=panels,"), QuantityError);
}

TEST_CASE("algorithms that are unknown, unsuitable, or of no convolution are refused by name") {
  CHECK(refused("convolution_algorithm: winogard\n") ==
        "plan.yaml:2:24: error: no such algorithm of convolutions; did you mean \"winograd\"?; got \"winogard\", want panels "
        "or winograd");
  CHECK_THAT(refused("convolutions: {conv9: winograd}\n"), Catch::Contains("no such convolution"));
  CHECK_THAT(refused("convolutions: {fc3: winograd}\n"), Catch::Contains("no such convolution"));
  CHECK_THAT(refused("convolutions: {conv1: winograd}\n", "resnet50"), Catch::Contains("does not suit conv1"));
}

TEST_CASE("an algorithm's scratch is in the workspace of the buffer table") {
  const Model model = load_model("vgg-nano");
  const auto peak = [&](const std::string& keys) {
    const Plan plan = plan_of("model: vgg-nano\nmicro_batch_size: 16\n" + keys);
    const Program program = lower(plan, model, {}, {DeviceId{0}});
    verify(program);
    return script_peaks(program)[0];
  };
  constexpr auto kWorkspace = static_cast<std::size_t>(BufferClass::workspace);

  const MemoryPeak panels = peak(""), tiles = peak("convolutions: {conv1_2: winograd}\n");

  // conv1_2: 16 values of 16 + 16 channels and 16 x 64 tiles, in floats
  CHECK(tiles.by_class[kWorkspace] > Bytes{4 * 16 * 32 * 1024});
  CHECK(panels.by_class[kWorkspace] < tiles.by_class[kWorkspace]);
}

TEST_CASE("ranks over space and over filters compute by the plan's algorithm") {
  const Model model = load_model("vgg-nano");
  for (const std::string mesh : {"{spatial: [2, 1]}", "{tensor: 2}", "{data: 2, spatial: [1, 2]}"}) {
    INFO(mesh);
    const Plan plan = plan_of("model: vgg-nano\nmesh: " + mesh + "\nconvolution_algorithm: winograd\n");

    CHECK(kinds(plan, model) == std::vector<std::string>(4, "conv2d_winograd"));
  }
}
