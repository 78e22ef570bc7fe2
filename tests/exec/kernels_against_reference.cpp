#include <algorithm>
#include <cmath>
#include <limits>

#include "tests/catch.hpp"
#include "tests/exec/kernel_case.hpp"

namespace tandem {

namespace {

// A float carries 6e-8; products sum up to 130 terms of both signs, the exponentials and tanh are good to a few ulp.
constexpr double kFloatTolerance = 1e-5;

template <class Real>
KernelCase<Real> reference_case(const Scene& scene) {
  KernelCase<Real> result(scene);
  result.run_all(find_kernels(reference_kernels<Real>(), scene.kind));
  return result;
}

template <class Real>
double largest_distance(const KernelCase<float>& fast, const KernelCase<Real>& reference) {
  double largest = 0;
  for (std::size_t i = 0; i < fast.results().size(); ++i) {
    largest = std::max(largest, distance(*fast.results()[i], *reference.results()[i]));
  }
  return largest;
}

}  // namespace

TEST_CASE("every fast kernel computes what its reference does") {
  for (const auto& scene : all_scenes()) {
    INFO(scene.name());
    KernelCase<float> fast(scene);

    fast.run_all(find_kernels(fast_kernels(), scene.kind));

    CHECK(largest_distance(fast, reference_case<float>(scene)) < kFloatTolerance);
    CHECK(largest_distance(fast, reference_case<double>(scene)) < kFloatTolerance);
    CHECK(fast.fences_stand());
  }
}

TEST_CASE("I adds to a gradient that is there already, where it is told to") {
  for (const auto& scene : all_scenes()) {
    INFO(scene.name());
    const auto& row = find_kernels(fast_kernels(), scene.kind);
    KernelCase<float> written(scene), added(scene);
    if (!written.has_pass(Pass::input_gradient)) continue;
    written.run(row, Pass::forward);
    added.run(row, Pass::forward);

    written.run(row, Pass::input_gradient);
    for (auto& gradient : added.input_gradients) std::ranges::fill(gradient, 2.0F);
    added.accumulate = true;
    added.run(row, Pass::input_gradient);

    const std::size_t due = written.kind.is_loss ? 1 : written.inputs.size();
    for (std::size_t i = 0; i < due; ++i) {
      for (auto& value : written.input_gradients[i]) value += 2.0F;
      CHECK(distance(added.input_gradients[i], written.input_gradients[i]) < kFloatTolerance);
    }
  }
}

TEST_CASE("W always adds to a parameter's gradient") {
  for (const auto& scene : all_scenes()) {
    INFO(scene.name());
    const auto& row = find_kernels(fast_kernels(), scene.kind);
    KernelCase<float> once(scene), onto(scene);
    if (!once.has_pass(Pass::weight_gradient)) continue;
    for (auto& gradient : onto.parameter_gradients) std::ranges::fill(gradient, 3.0F);

    once.run_all(row);
    onto.run_all(row);

    for (std::size_t i = 0; i < once.parameter_gradients.size(); ++i) {
      for (auto& value : once.parameter_gradients[i]) value += 3.0F;
      CHECK(distance(onto.parameter_gradients[i], once.parameter_gradients[i]) < kFloatTolerance);
    }
  }
}

TEST_CASE("not-a-number in an input shows in the output of every fast kernel") {
  for (const auto& scene : all_scenes()) {
    INFO(scene.name());
    KernelCase<float> fast(scene);
    if (!fast.has_pass(Pass::input_gradient)) continue;
    fast.inputs[0][fast.inputs[0].size() / 2] = std::numeric_limits<float>::quiet_NaN();

    fast.run(find_kernels(fast_kernels(), scene.kind), Pass::forward);

    CHECK(std::ranges::any_of(fast.output, [](float value) { return std::isnan(value); }));
  }
}

TEST_CASE("the tables hold each kind that is no source of data, with the passes that it needs") {
  for (const auto& kind : layer_kinds()) {
    if (kind.inputs == 0) continue;
    INFO(kind.name);
    const KernelCase<float> layer(scene_of(std::string(kind.name)));
    const auto& fast = find_kernels(fast_kernels(), kind.name);
    const auto& reference = find_kernels(reference_kernels<double>(), kind.name);
    for (const auto pass : {Pass::forward, Pass::input_gradient, Pass::weight_gradient}) {
      CHECK((fast.of(pass) != nullptr) == layer.has_pass(pass));
      CHECK((reference.of(pass) != nullptr) == layer.has_pass(pass));
    }
  }
  CHECK(std::ranges::is_sorted(fast_kernels(), {}, &KernelRow<float>::kind));
  CHECK(std::ranges::is_sorted(reference_kernels<double>(), {}, &KernelRow<double>::kind));
}

}  // namespace tandem
