// Products through our door against OpenBLAS called alone on the same matrices, in turn, on one thread.

#include <cblas.h>
#include <fmt/format.h>

#include <initializer_list>

#include "exec/kernels/product.hpp"
#include "tests/bench/samples.hpp"
#include "tests/exec/kernel_case.hpp"

namespace tandem {

namespace {

constexpr double kSecondsPerShape = 1.5;

struct Shape {
  std::int64_t m, n, k;
  double flops() const { return 2 * static_cast<double>(m) * static_cast<double>(n) * static_cast<double>(k); }
};

Tensor<float> filled(std::int64_t count) {
  Tensor<float> values(count);
  for (std::size_t at = 0; at < values.size(); ++at) values[at] = static_cast<float>(at % 17) / 16 - 0.5F;
  return values;
}

struct Rates {
  double ours, alone, spread_of_ours, spread_of_alone;
};

/// y = x W^T, as linear's forward pass: W lies as n x k.
Rates measure(const Shape& shape) {
  const auto [m, n, k] = shape;
  const auto x = filled(m * k), weight = filled(n * k);
  auto y = filled(m * n);
  const auto ours = [&] { multiply(m, n, k, {x.data(), k}, transposed(weight.data(), k), {y.data(), n}); };
  const auto alone = [&] {
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, static_cast<int>(m), static_cast<int>(n), static_cast<int>(k),
                1, x.data(), static_cast<int>(k), weight.data(), static_cast<int>(k), 0, y.data(), static_cast<int>(n));
  };
  const auto repeats = std::clamp(static_cast<int>(kSecondsPerShape / 2 * 8e10 / shape.flops()), 5, 4000);
  ours(), alone();
  Samples our_samples, alone_samples;
  for (int repeat = 0; repeat < repeats; ++repeat) {
    our_samples.time(ours);
    alone_samples.time(alone);
  }
  return {shape.flops() / our_samples.median(), shape.flops() / alone_samples.median(), our_samples.spread(),
          alone_samples.spread()};
}

void print_row(const Shape& shape) {
  const auto rates = measure(shape);
  fmt::print("{:>5} {:>5} {:>5} {:>12.1f} {:>6.1f} % {:>12.1f} {:>6.1f} % {:>8.1f} %\n", shape.m, shape.n, shape.k,
             rates.ours / 1e9, 100 * rates.spread_of_ours, rates.alone / 1e9, 100 * rates.spread_of_alone,
             100 * rates.ours / rates.alone);
}

}  // namespace

}  // namespace tandem

int main() {
  tandem::use_one_blas_thread();
  fmt::print("OpenBLAS kernels for {}; medians, and the spread from the 10th to the 90th percentile\n",
             openblas_get_corename());
  fmt::print("{:>5} {:>5} {:>5} {:>12} {:>8} {:>12} {:>8} {:>10}\n", "m", "n", "k", "ours GF/s", "spread", "alone GF/s",
             "spread", "ratio");
  // gpt-nano's linear layers over a micro-batch of 4 x 64 tokens, then squares
  for (const tandem::Shape shape : {tandem::Shape{256, 384, 128},
                                    {256, 128, 128},
                                    {256, 512, 128},
                                    {256, 128, 512},
                                    {256, 256, 128},
                                    {256, 256, 256},
                                    {512, 512, 512},
                                    {1024, 1024, 1024},
                                    {2048, 2048, 2048}}) {
    tandem::print_row(shape);
  }
}
