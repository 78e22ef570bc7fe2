// swiglu, tanh and erf_gelu, fast: value by value in vectors.

#include <algorithm>
#include <numbers>

#include "exec/kernels/arguments.hpp"
#include "exec/kernels/arrays.hpp"

#include <unsupported/Eigen/SpecialFunctions>

namespace tandem {

namespace {

using Arguments = KernelArguments<float>;

constexpr std::int64_t kBlock = 256;  // values whose terms stay in the first cache; a multiple of every vector width
using Block = Eigen::Array<float, Eigen::Dynamic, 1, 0, kBlock, 1>;

/// Calls `body(first value, count)` for blocks of the input.
template <class Body>
void for_each_block(const Arguments& arguments, Body body) {
  const auto count = input_elements(arguments);
  for (std::int64_t at = 0; at < count; at += kBlock) body(at, std::min(kBlock, count - at));
}

void swiglu_forward(const Arguments& arguments) {
  const auto count = input_elements(arguments);
  const ConstValues gate(real_input(arguments, 0), count), up(real_input(arguments, 1), count);
  Values(arguments.output, count) = gate / (1.0F + (-gate).exp()) * up;
}

/// With sigmoid s: dup = dy gate s; dgate = dy up s (1 + gate (1 - s)).
void swiglu_gradient(const Arguments& arguments) {
  for_each_block(arguments, [&](std::int64_t at, std::int64_t count) {
    const ConstValues gate(real_input(arguments, 0) + at, count), up(real_input(arguments, 1) + at, count);
    const ConstValues dy(arguments.output_gradient + at, count);
    Block sigmoid(count);
    sigmoid = 1.0F / (1.0F + (-gate).exp());
    if (arguments.input_gradients[0] != nullptr) {
      Values dgate(arguments.input_gradients[0] + at, count);
      store(dgate, arguments.accumulate[0], dy * up * sigmoid * (1.0F + gate * (1.0F - sigmoid)));
    }
    if (arguments.input_gradients[1] != nullptr) {
      Values dup(arguments.input_gradients[1] + at, count);
      store(dup, arguments.accumulate[1], dy * gate * sigmoid);
    }
  });
}

void tanh_forward(const Arguments& arguments) {
  const auto count = input_elements(arguments);
  Values(arguments.output, count) = ConstValues(real_input(arguments), count).tanh();
}

void tanh_gradient(const Arguments& arguments) {
  const auto count = input_elements(arguments);
  const ConstValues y(arguments.output, count), dy(arguments.output_gradient, count);
  Values dx(first_gradient(arguments), count);
  store(dx, arguments.accumulate[0], dy * (1.0F - y * y));
}

constexpr float kRootHalf = std::numbers::sqrt2_v<float> / 2;
constexpr float kDensity = std::numbers::inv_sqrtpi_v<float> * kRootHalf;  // 1 / sqrt(2 pi)

void erf_gelu_forward(const Arguments& arguments) {
  const auto count = input_elements(arguments);
  const ConstValues x(real_input(arguments), count);
  Values(arguments.output, count) = 0.5F * x * (1.0F + (kRootHalf * x).erf());
}

/// dy/dx = (1 + erf(x / sqrt(2))) / 2 + x exp(-x^2 / 2) / sqrt(2 pi).
void erf_gelu_gradient(const Arguments& arguments) {
  for_each_block(arguments, [&](std::int64_t at, std::int64_t count) {
    const ConstValues x(real_input(arguments) + at, count), dy(arguments.output_gradient + at, count);
    Block slope(count);
    slope = 0.5F * (1.0F + (kRootHalf * x).erf()) + kDensity * x * (-0.5F * x * x).exp();
    Values dx(first_gradient(arguments) + at, count);
    store(dx, arguments.accumulate[0], dy * slope);
  });
}

}  // namespace

KernelRow<float> swiglu_kernels() { return {"swiglu", swiglu_forward, swiglu_gradient, nullptr}; }
KernelRow<float> tanh_kernels() { return {"tanh", tanh_forward, tanh_gradient, nullptr}; }
KernelRow<float> erf_gelu_kernels() { return {"erf_gelu", erf_gelu_forward, erf_gelu_gradient, nullptr}; }

}  // namespace tandem
