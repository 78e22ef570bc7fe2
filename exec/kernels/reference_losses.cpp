// The losses, reference: softmax_cross_entropy, mean_squared_error, mean_absolute_error.

#include <algorithm>
#include <cmath>

#include "exec/kernels/arguments.hpp"
#include "exec/kernels/tokens.hpp"

namespace tandem {

namespace {

/// Writes softmax(scores) to `probabilities` and returns -log of the target's.
template <class Real>
Real row_entropy(const Real* scores, std::int64_t columns, std::int32_t target, Real* probabilities) {
  const Real largest = *std::max_element(scores, scores + columns);
  Real sum = 0;
  for (std::int64_t at = 0; at < columns; ++at) sum += probabilities[at] = std::exp(scores[at] - largest);
  for (std::int64_t at = 0; at < columns; ++at) probabilities[at] /= sum;
  return std::log(sum) - (scores[target] - largest);
}

template <class Real>
void entropy_forward(const KernelArguments<Real>& arguments) {
  const auto columns = arguments.input_specs[0].columns();
  const auto targets = tokens_below(arguments, 1, columns);
  Real total = 0;
  for (std::size_t row = 0; row < targets.size(); ++row) {
    const auto at = static_cast<std::int64_t>(row) * columns;
    total += row_entropy(real_input(arguments) + at, columns, targets[row], arguments.extra[0] + at);
  }
  *arguments.output = total / static_cast<Real>(targets.size());
}

template <class Real>
void entropy_gradient(const KernelArguments<Real>& arguments) {
  const auto columns = arguments.input_specs[0].columns();
  const auto targets = tokens_below(arguments, 1, columns);
  const Real factor = arguments.seed / static_cast<Real>(targets.size());
  for (std::int64_t at = 0; at < input_elements(arguments); ++at) {
    const Real wanted = targets[static_cast<std::size_t>(at / columns)] == at % columns ? 1 : 0;
    put(first_gradient(arguments)[at], arguments.accumulate[0], factor * (arguments.extra[0][at] - wanted));
  }
}

template <class Real>
Real difference_at(const KernelArguments<Real>& arguments, std::int64_t at) {
  return real_input(arguments, 0)[at] - real_input(arguments, 1)[at];
}

/// The mean over all elements of `distance(prediction - target)`.
template <class Real, class Distance>
void mean_distance(const KernelArguments<Real>& arguments, Distance distance) {
  const auto count = input_elements(arguments);
  Real total = 0;
  for (std::int64_t at = 0; at < count; ++at) total += distance(difference_at(arguments, at));
  *arguments.output = total / static_cast<Real>(count);
}

/// Its gradient: seed / elements times `slope(prediction - target)`.
template <class Real, class Slope>
void mean_distance_gradient(const KernelArguments<Real>& arguments, Slope slope) {
  const auto count = input_elements(arguments);
  const Real factor = arguments.seed / static_cast<Real>(count);
  for (std::int64_t at = 0; at < count; ++at) {
    put(first_gradient(arguments)[at], arguments.accumulate[0], factor * slope(difference_at(arguments, at)));
  }
}

template <class Real>
void squared_forward(const KernelArguments<Real>& arguments) {
  mean_distance(arguments, [](Real difference) { return difference * difference; });
}

template <class Real>
void squared_gradient(const KernelArguments<Real>& arguments) {
  mean_distance_gradient(arguments, [](Real difference) { return 2 * difference; });
}

template <class Real>
void absolute_forward(const KernelArguments<Real>& arguments) {
  mean_distance(arguments, [](Real difference) { return std::abs(difference); });
}

template <class Real>
void absolute_gradient(const KernelArguments<Real>& arguments) {
  mean_distance_gradient(arguments,
                         [](Real difference) { return static_cast<Real>((difference > 0) - (difference < 0)); });
}

}  // namespace

template <class Real>
KernelRow<Real> softmax_cross_entropy_reference() {
  return {"softmax_cross_entropy", entropy_forward<Real>, entropy_gradient<Real>, nullptr};
}

template <class Real>
KernelRow<Real> mean_squared_error_reference() {
  return {"mean_squared_error", squared_forward<Real>, squared_gradient<Real>, nullptr};
}

template <class Real>
KernelRow<Real> mean_absolute_error_reference() {
  return {"mean_absolute_error", absolute_forward<Real>, absolute_gradient<Real>, nullptr};
}

template KernelRow<float> softmax_cross_entropy_reference<float>();
template KernelRow<double> softmax_cross_entropy_reference<double>();
template KernelRow<float> mean_squared_error_reference<float>();
template KernelRow<double> mean_squared_error_reference<double>();
template KernelRow<float> mean_absolute_error_reference<float>();
template KernelRow<double> mean_absolute_error_reference<double>();

}  // namespace tandem
