// mean_squared_error and mean_absolute_error, fast: means over all elements, summed in double in the order of memory.

#include <cmath>

#include "exec/kernels/arguments.hpp"
#include "exec/kernels/arrays.hpp"

namespace tandem {

namespace {

using Arguments = KernelArguments<float>;

template <class Distance>
void mean_distance(const Arguments& arguments, Distance distance) {
  const auto count = input_elements(arguments);
  const float* const prediction = real_input(arguments, 0);
  const float* const target = real_input(arguments, 1);
  double total = 0;
  for (std::int64_t at = 0; at < count; ++at) {
    total += distance(static_cast<double>(prediction[at]) - static_cast<double>(target[at]));
  }
  *arguments.output = static_cast<float>(total / static_cast<double>(count));
}

void squared_forward(const Arguments& arguments) {
  mean_distance(arguments, [](double difference) { return difference * difference; });
}

void absolute_forward(const Arguments& arguments) {
  mean_distance(arguments, [](double difference) { return std::abs(difference); });
}

void squared_gradient(const Arguments& arguments) {
  const auto count = input_elements(arguments);
  const float factor = 2 * arguments.seed / static_cast<float>(count);
  Values gradient(first_gradient(arguments), count);
  store(gradient, arguments.accumulate[0],
        factor * (ConstValues(real_input(arguments, 0), count) - ConstValues(real_input(arguments, 1), count)));
}

void absolute_gradient(const Arguments& arguments) {
  const auto count = input_elements(arguments);
  const float factor = arguments.seed / static_cast<float>(count);
  Values gradient(first_gradient(arguments), count);
  store(gradient, arguments.accumulate[0],
        factor * (ConstValues(real_input(arguments, 0), count) - ConstValues(real_input(arguments, 1), count)).sign());
}

}  // namespace

KernelRow<float> mean_squared_error_kernels() {
  return {"mean_squared_error", squared_forward, squared_gradient, nullptr};
}

KernelRow<float> mean_absolute_error_kernels() {
  return {"mean_absolute_error", absolute_forward, absolute_gradient, nullptr};
}

}  // namespace tandem
