// global_average_pool and flatten, reference.

#include "exec/kernels/arguments.hpp"

namespace tandem {

namespace {

template <class Real>
void mean(const KernelArguments<Real>& arguments) {
  const auto planes = arguments.output_spec->elements(arguments.batch), size = input_elements(arguments) / planes;
  for (std::int64_t plane = 0; plane < planes; ++plane) {
    Real sum = 0;
    for (std::int64_t at = 0; at < size; ++at) sum += real_input(arguments)[plane * size + at];
    arguments.output[plane] = sum / static_cast<Real>(size);
  }
}

template <class Real>
void mean_gradient(const KernelArguments<Real>& arguments) {
  const auto size = input_elements(arguments) / arguments.output_spec->elements(arguments.batch);
  for (std::int64_t at = 0; at < input_elements(arguments); ++at) {
    put(first_gradient(arguments)[at], arguments.accumulate[0],
        arguments.output_gradient[at / size] / static_cast<Real>(size));
  }
}

template <class Real>
void copy(const KernelArguments<Real>& arguments) {
  for (std::int64_t at = 0; at < input_elements(arguments); ++at) arguments.output[at] = real_input(arguments)[at];
}

template <class Real>
void copy_gradient(const KernelArguments<Real>& arguments) {
  for (std::int64_t at = 0; at < input_elements(arguments); ++at) {
    put(first_gradient(arguments)[at], arguments.accumulate[0], arguments.output_gradient[at]);
  }
}

}  // namespace

template <class Real>
KernelRow<Real> global_average_pool_reference() {
  return {"global_average_pool", mean<Real>, mean_gradient<Real>, nullptr};
}

template <class Real>
KernelRow<Real> flatten_reference() {
  return {"flatten", copy<Real>, copy_gradient<Real>, nullptr};
}

template KernelRow<float> global_average_pool_reference<float>();
template KernelRow<double> global_average_pool_reference<double>();
template KernelRow<float> flatten_reference<float>();
template KernelRow<double> flatten_reference<double>();

}  // namespace tandem
