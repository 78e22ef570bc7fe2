// Convolutions, forward and backward, beside the bare products of the same shapes: `bench_convolutions`.
//
// A product is called as often as the layer has samples and groups, on matrices that lie ready in memory.

#include <benchmark/benchmark.h>

#include "exec/kernels/product.hpp"
#include "tests/exec/kernel_case.hpp"

namespace tandem {

namespace {

struct Shape {
  const char* name;
  std::int64_t samples, in, size, out;
  double kernel, stride, padding;
};

constexpr Shape kShapes[] = {
    {"vgg-nano conv1_2", 16, 16, 16, 16, 3, 1, 1},   {"vgg-nano conv2_1", 16, 16, 8, 32, 3, 1, 1},
    {"vgg-nano conv2_2", 16, 32, 8, 32, 3, 1, 1},    {"vgg16 conv1_2", 1, 64, 224, 64, 3, 1, 1},
    {"vgg16 conv3_2", 2, 256, 56, 256, 3, 1, 1},     {"resnet50 conv1", 2, 3, 224, 64, 7, 2, 3},
    {"resnet50 layer1 3x3", 4, 64, 56, 64, 3, 1, 1}, {"resnet50 layer1 1x1", 4, 64, 56, 256, 1, 1, 0},
    {"resnet50 layer3 3x3", 4, 256, 14, 256, 3, 1, 1}, {"resnet50 layer4 3x3", 4, 512, 7, 512, 3, 1, 1},
};

Scene scene_of_shape(const Shape& shape) {
  return {"conv2d",
          {{"channels", static_cast<double>(shape.out)},
           {"kernel_height", shape.kernel},
           {"kernel_width", shape.kernel},
           {"stride_height", shape.stride},
           {"stride_width", shape.stride},
           {"padding_top", shape.padding},
           {"padding_bottom", shape.padding},
           {"padding_left", shape.padding},
           {"padding_right", shape.padding},
           {"dilation_height", 1},
           {"dilation_width", 1},
           {"groups", 1},
           {"bias", 1},
           {"deviation", 0}},
          {{.dims = {shape.in, shape.size, shape.size}}},
          shape.samples};
}

constexpr Pass kPasses[] = {Pass::forward, Pass::input_gradient, Pass::weight_gradient};

Product product_of(const KernelCase<float>& layer, Pass pass) {
  return layer.kind.work({layer.attributes, layer.scene.inputs, layer.output_spec, layer.scene.batch}, pass).products.at(0);
}

void set_rate(benchmark::State& state, const Product& product) {
  state.counters["GF/s"] = benchmark::Counter(product.flops().real() / 1e9, benchmark::Counter::kIsIterationInvariantRate);
}

void convolve(benchmark::State& state) {
  KernelCase<float> layer(scene_of_shape(kShapes[state.range(0)]));
  const auto pass = kPasses[state.range(1)];
  const auto& row = find_kernels(fast_kernels(), "conv2d");
  layer.run(row, Pass::forward);
  for (auto _ : state) layer.run(row, pass);
  set_rate(state, product_of(layer, pass));
}

Tensor<float> filled(std::int64_t count) {
  Tensor<float> values(count);
  for (std::size_t at = 0; at < values.size(); ++at) values[at] = static_cast<float>(at % 17) / 16 - 0.5F;
  return values;
}

/// The products in the orders of the kernel: W x, W^T dy, dy x^T.
void multiply_only(benchmark::State& state) {
  const KernelCase<float> layer(scene_of_shape(kShapes[state.range(0)]));
  const auto pass = kPasses[state.range(1)];
  const auto product = product_of(layer, pass);
  const auto [m, n, k, count] = product;
  const auto a = filled(m * k), b = filled(k * n);
  auto result = filled(m * n);
  const Factor left = pass == Pass::input_gradient ? transposed(a.data(), m) : Factor{a.data(), k};
  const Factor right = pass == Pass::weight_gradient ? transposed(b.data(), k) : Factor{b.data(), n};
  for (auto _ : state) {
    for (std::int64_t i = 0; i < count; ++i) multiply(m, n, k, left, right, {result.data(), n});
    benchmark::ClobberMemory();
  }
  set_rate(state, product);
}

void each_shape_and_pass(benchmark::internal::Benchmark* bench) {
  for (std::int64_t shape = 0; shape < static_cast<std::int64_t>(std::size(kShapes)); ++shape) {
    for (std::int64_t pass = 0; pass < 3; ++pass) bench->Args({shape, pass});
  }
}

BENCHMARK(convolve)->Apply(each_shape_and_pass)->ArgNames({"shape", "pass"})->Unit(benchmark::kMicrosecond);
BENCHMARK(multiply_only)->Apply(each_shape_and_pass)->ArgNames({"shape", "pass"})->Unit(benchmark::kMicrosecond);

}  // namespace

}  // namespace tandem

int main(int argc, char** argv) {
  tandem::use_one_blas_thread();
  benchmark::Initialize(&argc, argv);
  benchmark::RunSpecifiedBenchmarks();
}
