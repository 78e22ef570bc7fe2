#include "base/error.hpp"
#include "plan/layouts.hpp"
#include "tests/catch.hpp"

using namespace tandem;

TEST_CASE("ranks over the height of images are refused where a model has none") {
  const Model model = load_model("gpt-nano");
  Plan plan;
  plan.height = 2;

  CHECK_THROWS_WITH(choose_layouts(plan, model),
                    Catch::Contains("gpt-nano has no images to divide over their height; got \"2 height ranks\", want 1"));
}

TEST_CASE("ranks over the width of images divide a model that has some") {
  const Model model = load_model("vgg-nano");
  Plan plan;
  plan.width = 2;

  const LayoutChoice choice = choose_layouts(plan, model);

  CHECK_FALSE(repeats_work(choice.rules[0][static_cast<std::size_t>(MeshAxis::width)]));  // the source of images
}
