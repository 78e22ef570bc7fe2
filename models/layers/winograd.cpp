// conv2d_winograd: conv2d by Winograd's F(2x2, 3x3), all samples of the micro-batch at once.

#include "models/layers/winograd.hpp"

#include <fmt/format.h>

#include "base/error.hpp"
#include "models/layers/convolution_algorithm.hpp"

namespace tandem {

bool Winograd::suits(const Windows& windows) {
  const auto is_three = [](const Window& window) {
    return window.kernel == 3 && window.stride == 1 && window.dilation == 1;
  };
  return is_three(windows.height) && is_three(windows.width);
}

namespace {

/// Additions and multiplications by a half of one transform, as the kernel does them: B^T d B, A^T m A, G g G^T; and of
/// their adjoints, with the sums that overlapping tiles and gradients take.
constexpr std::int64_t kOfInput = 32, kOfOutput = 24, kOfWeight = 35;
constexpr std::int64_t kOfInputGradient = 72, kOfOutputGradient = 18, kOfWeightGradient = 51;

TensorSpec output(const Attributes& attributes, std::span<const TensorSpec> inputs) {
  if (!Winograd::suits(Windows(attributes)))
    throw InputError("winograd computes windows of 3 x 3 values that move by one", "another window",
                     "kernel 3, stride 1, dilation 1");
  return conv2d_kind().output(attributes, inputs);
}

/// conv2d's own reads and writes, and the transformed tensors, each written once and read once.
Work work(const LayerContext& context, Pass pass) {
  Work work = conv2d_kind().work(context, pass);
  const Winograd winograd(context);
  const Convolution& sizes = winograd.sizes;
  const std::int64_t groups = sizes.groups, tiles = winograd.tiles(), count = kWinogradValues * groups;
  const std::int64_t in = sizes.in * tiles, out = sizes.out * tiles, weights = sizes.in * sizes.out;
  switch (pass) {
    case Pass::forward:
      work.products = {{sizes.out, tiles, sizes.in, count}};
      work.elementwise += groups * (kOfInput * in + kOfOutput * out + kOfWeight * weights);
      break;
    case Pass::input_gradient:
      work.products = {{sizes.in, tiles, sizes.out, count}};
      work.elementwise += groups * (kOfInputGradient * in + kOfOutputGradient * out + kOfWeight * weights);
      break;
    case Pass::weight_gradient:
      work.products = {{sizes.out, sizes.in, tiles, count}};
      work.elementwise += groups * (kOfInput * in + kOfOutputGradient * out + kOfWeightGradient * weights);
      break;
  }
  const Bytes transformed = float_bytes(winograd.input_size() + winograd.output_size() + winograd.weight_size()) * groups;
  work.read += transformed;
  work.written += transformed;
  return work;
}

Bytes scratch(const LayerContext& context, Pass) { return float_bytes(Winograd(context).scratch_size()); }

}  // namespace

LayerKind conv2d_winograd_kind() {
  LayerKind kind = conv2d_kind();
  kind.name = "conv2d_winograd";
  kind.meaning = "conv2d by Winograd's F(2x2, 3x3): fewer multiplications, more memory";
  kind.output = output;
  kind.work = work;
  kind.scratch = scratch;
  return kind;
}

}  // namespace tandem
