#include <cmath>

#include "exec/whole_model.hpp"
#include "tests/catch.hpp"
#include "tests/exec/tiny_models.hpp"

namespace tandem {

namespace {

Optimizer sgd(double rate) { return {.kind = OptimizerKind::sgd, .learning_rate = rate}; }

}  // namespace

TEST_CASE("the first loss of a language model that knows nothing is the logarithm of its vocabulary") {
  const auto model = load_model("gpt-nano");
  const Dataset dataset(model, std::string(kTinyText) + kTinyText, 1);

  const auto result = train_whole_model(model, dataset, sgd(0), 1, 1, 1, 1);

  CHECK(result.losses.at(0) == Approx(std::log(256.0)).epsilon(0.02));
}

TEST_CASE("one step of SGD is the initial weight minus rate times gradient") {
  const auto model = tiny_mlp();
  const Dataset dataset(model, "", 1);

  const auto result = train_whole_model(model, dataset, sgd(0.5), 1, 2, 3, 9);

  for (std::uint32_t i = 0; i < result.weights.size(); ++i) {
    for (std::size_t at = 0; at < result.weights[i].size(); ++at) {
      const double start =
          static_cast<double>(initial_value(model, static_cast<ParameterId>(i), 9, static_cast<std::int64_t>(at)));
      CHECK(result.weights[i][at] == Approx(start - 0.5 * result.gradients[i][at]).epsilon(1e-12).margin(1e-15));
    }
  }
}

TEST_CASE("a tied use has no weights of its own, and its owner's gradient is that of both uses") {
  const auto model = tiny_gpt();
  const Dataset dataset(model, kTinyText, 1);

  const auto result = train_whole_model(model, dataset, sgd(0.1), 1, 1, 2, 1);

  for (std::uint32_t i = 0; i < result.weights.size(); ++i) {
    const auto& parameter = model.parameter(static_cast<ParameterId>(i));
    const auto held = parameter.tied_to ? 0 : static_cast<std::size_t>(parameter.spec.elements());
    CHECK(result.weights[i].size() == held);
    CHECK(result.gradients[i].size() == held);
  }
}

TEST_CASE("a line through noisy points is found") {
  const auto model = tiny_line();
  const Dataset dataset(model, "", 3);

  const auto result = train_whole_model(model, dataset, sgd(0.3), 60, 4, 64, 1);

  CHECK(result.losses.front() > 0.1);
  CHECK(result.losses.back() == Approx(0.01).epsilon(0.3));  // the noise's variance is 0.1^2
}

TEST_CASE("Adam teaches a tiny transformer its text") {
  const auto model = tiny_gpt();
  const Dataset dataset(model, kTinyText, 1);

  const auto result =
      train_whole_model(model, dataset, {.kind = OptimizerKind::adam, .learning_rate = 0.02}, 60, 2, 4, 1);

  CHECK(result.losses.front() > 5);
  CHECK(result.losses.back() < 3.5);
}

TEST_CASE("training twice gives the same bits") {
  const auto model = tiny_gpt();
  const Dataset dataset(model, kTinyText, 1);

  const auto first = train_whole_model(model, dataset, {}, 3, 2, 2, 1);
  const auto second = train_whole_model(model, dataset, {}, 3, 2, 2, 1);

  CHECK(first.losses == second.losses);
  CHECK((first.weights == second.weights));
}

}  // namespace tandem
