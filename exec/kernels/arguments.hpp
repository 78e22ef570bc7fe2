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

inline constexpr std::size_t kHeight = 1;  ///< dimension of an image [channels, height, width]

/// The output rows that F computes: those asked for, or all. A window's ranges are of its image's height.
template <class Real>
OutputRows output_rows(const KernelArguments<Real>& arguments, std::size_t dimension) {
  const OutputRows all{dimension, 0, arguments.output_spec->dims.at(dimension)};
  const OutputRows rows = arguments.rows.value_or(all);
  invariant(rows.dimension == dimension && rows.first >= 0 && rows.first + rows.count <= all.count,
            "rows asked for are rows of the output, along the dimension that its kernel splits");
  return rows;
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
