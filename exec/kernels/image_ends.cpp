// global_average_pool and flatten, fast.

#include <algorithm>

#include "exec/kernels/arguments.hpp"
#include "exec/kernels/arrays.hpp"

namespace tandem {

namespace {

using Arguments = KernelArguments<float>;

void mean(const Arguments& arguments) {
  const auto planes = arguments.output_spec->elements(arguments.batch), size = input_elements(arguments) / planes;
  for (std::int64_t plane = 0; plane < planes; ++plane) {
    arguments.output[plane] = ConstRow(real_input(arguments) + plane * size, size).sum() / static_cast<float>(size);
  }
}

void mean_gradient(const Arguments& arguments) {
  const auto planes = arguments.output_spec->elements(arguments.batch), size = input_elements(arguments) / planes;
  for (std::int64_t plane = 0; plane < planes; ++plane) {
    Row dx(first_gradient(arguments) + plane * size, size);
    const float share = arguments.output_gradient[plane] / static_cast<float>(size);
    store(dx, arguments.accumulate[0], Eigen::ArrayXf::Constant(size, share));
  }
}

void copy(const Arguments& arguments) {
  std::copy_n(real_input(arguments), input_elements(arguments), arguments.output);
}

void copy_gradient(const Arguments& arguments) {
  const auto count = input_elements(arguments);
  Values dx(first_gradient(arguments), count);
  store(dx, arguments.accumulate[0], ConstValues(arguments.output_gradient, count));
}

}  // namespace

KernelRow<float> global_average_pool_kernels() { return {"global_average_pool", mean, mean_gradient, nullptr}; }

KernelRow<float> flatten_kernels() { return {"flatten", copy, copy_gradient, nullptr}; }

}  // namespace tandem
