#include <algorithm>
#include <cmath>

#include "tests/catch.hpp"
#include "tests/exec/kernel_case.hpp"

namespace tandem {

namespace {

constexpr double kStep = 1e-5;       // central differences err by about step^2 and 1e-16 / step
constexpr double kTolerance = 1e-7;

/// What the gradients are gradients of: the loss times its seed, or the sum of output times output gradient.
double objective(KernelCase<double>& layer, const KernelRow<double>& row) {
  layer.run(row, Pass::forward);
  if (layer.kind.is_loss) return layer.output[0] * layer.seed_of_loss;
  double sum = 0;
  for (std::size_t at = 0; at < layer.output.size(); ++at) sum += layer.output[at] * layer.output_gradient[at];
  return sum;
}

double slope(KernelCase<double>& layer, const KernelRow<double>& row, double& value) {
  const double before = value;
  value = before + kStep;
  const double above = objective(layer, row);
  value = before - kStep;
  const double below = objective(layer, row);
  value = before;
  return (above - below) / (2 * kStep);
}

/// Checks at most 40 values, spread over the tensor.
double worst_error(KernelCase<double>& layer, const KernelRow<double>& row, Tensor<double>& values,
                   const Tensor<double>& gradient) {
  double worst = 0;
  const auto stride = std::max<std::size_t>(1, values.size() / 40);
  for (std::size_t at = 0; at < values.size(); at += stride) {
    const double expected = slope(layer, row, values[at]);
    worst = std::max(worst, std::abs(gradient[at] - expected) / std::max(1.0, std::abs(expected)));
  }
  return worst;
}

}  // namespace

TEST_CASE("every reference kernel's gradients are the slopes of its forward pass") {
  for (const auto& scene : all_scenes()) {
    INFO(scene.name());
    const auto& row = find_kernels(reference_kernels<double>(), scene.kind);
    KernelCase<double> layer(scene);
    for (auto& values : layer.inputs) {  // away from the kinks at zero
      for (auto& value : values) value += value < 0 ? -0.01 : 0.01;
    }

    layer.run_all(row);

    for (std::size_t i = 0; i < layer.results().size() && i < layer.inputs.size(); ++i) {
      if (layer.kind.is_constant || (layer.kind.is_loss && i > 0)) continue;
      CHECK(worst_error(layer, row, layer.inputs[i], layer.input_gradients[i]) < kTolerance);
    }
    for (std::size_t i = 0; i < layer.parameters.size(); ++i) {
      CHECK(worst_error(layer, row, layer.parameters[i], layer.parameter_gradients[i]) < kTolerance);
    }
    CHECK(layer.fences_stand());
  }
}

}  // namespace tandem
