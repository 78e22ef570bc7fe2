// position_embedding, fast: y = x + weight for every sample.

#include "exec/kernels/arguments.hpp"
#include "exec/kernels/arrays.hpp"

namespace tandem {

namespace {

void forward(const KernelArguments<float>& arguments) {
  const auto count = arguments.input_specs[0].elements_per_sample();
  const ConstValues weight(arguments.parameters[0], count);
  for (std::int64_t at = 0; at < arguments.batch * count; at += count) {
    Row(arguments.output + at, count) = ConstRow(real_input(arguments) + at, count) + weight;
  }
}

void input_gradient(const KernelArguments<float>& arguments) {
  const auto count = input_elements(arguments);
  Values dx(first_gradient(arguments), count);
  store(dx, arguments.accumulate[0], ConstValues(arguments.output_gradient, count));
}

void weight_gradient(const KernelArguments<float>& arguments) {
  const auto count = arguments.input_specs[0].elements_per_sample();
  Values sum(arguments.parameter_gradients[0], count);
  for (std::int64_t at = 0; at < arguments.batch * count; at += count)
    sum += ConstRow(arguments.output_gradient + at, count);
}

}  // namespace

KernelRow<float> position_embedding_kernels() {
  return {"position_embedding", forward, input_gradient, weight_gradient};
}

}  // namespace tandem
