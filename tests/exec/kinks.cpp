// Decisions of kinks that rounding could turn are turned, and no others; backward then goes the other way.

#include <algorithm>

#include "tests/catch.hpp"
#include "tests/exec/kernel_case.hpp"

using namespace tandem;

namespace {

/// F, the turning of what lies within `margin`, and I with gradients of 1.
struct Turned {
  Turned(Scene scene, std::initializer_list<double> x, double margin) : layer(std::move(scene)) {
    const KernelRow<double>& row = find_kernels(reference_kernels<double>(), layer.scene.kind);
    layer.inputs[0].set(x);
    layer.run(row, Pass::forward);
    const void* input = layer.inputs[0].data();
    double* extra = layer.extra.empty() ? nullptr : layer.extra[0].data();
    KernelArguments<double> arguments;
    arguments.attributes = &layer.attributes;
    arguments.input_specs = layer.scene.inputs;
    arguments.output_spec = &layer.output_spec;
    arguments.batch = layer.scene.batch;
    arguments.inputs = {&input, 1};
    arguments.output = layer.output.data();
    arguments.extra = {&extra, extra == nullptr ? 0u : 1u};
    count = row.turn(arguments, margin);
    std::fill(layer.output_gradient.begin(), layer.output_gradient.end(), 1.0);
    layer.run(row, Pass::input_gradient);
  }
  std::vector<double> gradient() const { return {layer.input_gradients[0].begin(), layer.input_gradients[0].end()}; }

  KernelCase<double> layer;
  std::int64_t count;
};

Scene relu(std::int64_t values) { return {"relu", {}, {real_tensor({values})}, 1}; }

/// Windows of 2 x 2 values, side by side.
Scene maximum() {
  Scene scene = scene_of("max_pool2d");
  scene.inputs = {real_tensor({1, 2, 4})};
  scene.batch = 1;
  return scene;
}

}  // namespace

TEST_CASE("the sign of a value within the margin is turned, that of an exact zero is not") {
  const Turned turned(relu(5), {-1e-9, 2e-9, 0, 0.5, -0.5}, 1e-8);

  CHECK(turned.count == 2);
  CHECK(turned.gradient() == std::vector<double>{1, 0, 0, 1, 0});
}

TEST_CASE("a maximum gives way to the next value within the margin, not to an equal one") {
  const Turned turned(maximum(), {1, 1 - 1e-9, 3, 3,  //
                                  0, 0,        3, 2},
                      1e-8);

  CHECK(turned.count == 1);
  CHECK(turned.layer.output[0] == 1 - 1e-9);
  CHECK(turned.gradient() == std::vector<double>{0, 1, 1, 0, 0, 0, 0, 0});
}
