#include <cmath>

#include "exec/whole_model.hpp"
#include "tests/catch.hpp"

namespace tandem {

TEST_CASE("small convolutional networks learn the classes of their images") {
  for (const auto* name : {"vgg-nano", "resnet-nano"}) {
    INFO(name);
    const auto model = load_model(name);
    const Dataset dataset(model, "", 1);

    const auto result =
        train_whole_model(model, dataset, {.kind = OptimizerKind::adam, .learning_rate = 0.003}, 20, 1, 16, 1);

    CHECK(result.losses.front() > 0.8 * std::log(8));  // eight classes, nothing known
    CHECK(result.losses.back() < 0.6 * result.losses.front());
  }
}

}  // namespace tandem
