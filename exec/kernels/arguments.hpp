#pragma once
// What kernels ask of their arguments: typed inputs, sizes, and where a gradient goes.

#include <cstdint>
#include <vector>

#include "base/error.hpp"
#include "exec/kernel.hpp"

namespace tandem {

template <class Real>
const Real* real_input(const KernelArguments<Real>& arguments, std::size_t index = 0) {
  return static_cast<const Real*>(arguments.inputs[index]);
}

template <class Real>
const std::int32_t* integer_input(const KernelArguments<Real>& arguments, std::size_t index) {
  return static_cast<const std::int32_t*>(arguments.inputs[index]);
}

template <class Real>
std::int64_t input_elements(const KernelArguments<Real>& arguments) {
  return arguments.input_specs[0].elements(arguments.batch);
}

/// Where this rank's part begins along `dimension` of the tensor `index`; zero where it is the whole tensor.
inline std::int64_t origin(const std::vector<std::vector<std::int64_t>>& origins, std::size_t index,
                           std::size_t dimension) {
  if (index >= origins.size() || dimension >= origins[index].size()) return 0;
  return origins[index][dimension];
}
inline std::int64_t origin(const std::vector<std::int64_t>& origins, std::size_t dimension) {
  return dimension < origins.size() ? origins[dimension] : 0;
}

/// What F computes of the images of its output: the rectangle asked for, or all.
template <class Real>
OutputRectangle output_rectangle(const KernelArguments<Real>& arguments) {
  const auto& dims = arguments.output_spec->dims;
  const OutputRectangle all{{0, dims.at(kImageRows)}, {0, dims.at(kImageColumns)}};
  const OutputRectangle asked = arguments.rectangle.value_or(all);
  invariant(asked.rows.first >= 0 && asked.rows.end() <= all.rows.count && asked.columns.first >= 0 &&
                asked.columns.end() <= all.columns.count,
            "a rectangle asked for lies within the output");
  return asked;
}

/// The gradient of input 0, which I of a layer with one input always owes.
template <class Real>
Real* first_gradient(const KernelArguments<Real>& arguments) {
  Real* const gradient = arguments.input_gradients[0];
  invariant(gradient != nullptr, "I runs only where a gradient is due");
  return gradient;
}

/// `target = value`, or `target += value`.
template <class Real>
void put(Real& target, bool accumulate, Real value) {
  target = accumulate ? target + value : value;
}

}  // namespace tandem
