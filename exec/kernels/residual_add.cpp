// residual_add, fast: y = a + b.

#include "exec/kernels/arguments.hpp"
#include "exec/kernels/arrays.hpp"

namespace tandem {

namespace {

void forward(const KernelArguments<float>& arguments) {
  const auto count = input_elements(arguments);
  Values(arguments.output, count) =
      ConstValues(real_input(arguments, 0), count) + ConstValues(real_input(arguments, 1), count);
}

void input_gradient(const KernelArguments<float>& arguments) {
  const auto count = input_elements(arguments);
  for (std::size_t input = 0; input < arguments.input_gradients.size(); ++input) {
    if (arguments.input_gradients[input] == nullptr) continue;
    Values gradient(arguments.input_gradients[input], count);
    store(gradient, arguments.accumulate[input], ConstValues(arguments.output_gradient, count));
  }
}

}  // namespace

KernelRow<float> residual_add_kernels() { return {"residual_add", forward, input_gradient, nullptr}; }

}  // namespace tandem
