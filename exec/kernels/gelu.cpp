// gelu, fast: y = x/2 (1 + tanh(u)), u = c (x + 0.044715 x^3), c = sqrt(2/pi).

#include <algorithm>

#include "exec/kernels/arguments.hpp"
#include "exec/kernels/arrays.hpp"

namespace tandem {

namespace {

constexpr float kScale = 0.797884560802865F;  // sqrt(2/pi)
constexpr float kCubic = 0.044715F;
constexpr std::int64_t kBlock = 256;  // values whose tanh stays in the first cache; a multiple of every vector width

void forward(const KernelArguments<float>& arguments) {
  const auto count = input_elements(arguments);
  const ConstValues x(real_input(arguments), count);
  Values(arguments.output, count) = 0.5F * x * (1.0F + (kScale * x * (1.0F + kCubic * x * x)).tanh());
}

/// dy/dx = (1 + t)/2 + x/2 (1 - t^2) u', t = tanh(u), u' = c (1 + 3 * 0.044715 x^2).
void block_gradient(const float* input, const float* output_gradient, bool accumulate, std::int64_t count,
                    float* result) {
  const ConstValues x(input, count), dy(output_gradient, count);
  Eigen::Array<float, Eigen::Dynamic, 1, 0, kBlock, 1> t(count);
  t = (kScale * x * (1.0F + kCubic * x * x)).tanh();
  Values dx(result, count);
  store(dx, accumulate, 0.5F * dy * ((1.0F + t) * (1.0F + x * (1.0F - t) * (kScale + (3 * kScale * kCubic) * x * x))));
}

void input_gradient(const KernelArguments<float>& arguments) {
  const auto count = input_elements(arguments);
  const float* const x = real_input(arguments);
  float* const dx = first_gradient(arguments);
  for (std::int64_t at = 0; at < count; at += kBlock) {
    block_gradient(x + at, arguments.output_gradient + at, arguments.accumulate[0], std::min(kBlock, count - at),
                   dx + at);
  }
}

}  // namespace

KernelRow<float> gelu_kernels() { return {"gelu", forward, input_gradient, nullptr}; }

}  // namespace tandem
