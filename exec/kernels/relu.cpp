// relu, fast: y = max(x, 0), and NaN stays NaN. Plain loops: the compiler turns each into a few vector instructions.

#include "exec/kernels/arguments.hpp"

namespace tandem {

namespace {

void forward(const KernelArguments<float>& arguments) {
  const auto count = input_elements(arguments);
  const float* const x = real_input(arguments);
  float* const y = arguments.output;
  for (std::int64_t at = 0; at < count; ++at) y[at] = x[at] < 0 ? 0 : x[at];
}

void input_gradient(const KernelArguments<float>& arguments) {
  const auto count = input_elements(arguments);
  const float* const y = arguments.output;
  const float* const dy = arguments.output_gradient;
  float* const dx = first_gradient(arguments);
  if (arguments.accumulate[0]) {
    for (std::int64_t at = 0; at < count; ++at) dx[at] += y[at] > 0 ? dy[at] : 0;
  } else {
    for (std::int64_t at = 0; at < count; ++at) dx[at] = y[at] > 0 ? dy[at] : 0;
  }
}

}  // namespace

KernelRow<float> relu_kernels() { return {"relu", forward, input_gradient, nullptr}; }

}  // namespace tandem
