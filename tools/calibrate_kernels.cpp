// Single-thread rates: matrix products, element-wise passes, copies, transcendentals, the least a kernel costs.
#include <cstdlib>
#include <cstring>
#include <memory>

#include "exec/kernel.hpp"
#include "exec/kernels/product.hpp"
#include "tools/calibration.hpp"
#include "tools/stopwatch.hpp"

namespace tandem {
namespace {

struct Free {
  void operator()(float* values) const { std::free(values); }
};
using Values = std::unique_ptr<float[], Free>;

Values filled(std::int64_t count, float value) {
  const auto bytes = static_cast<std::size_t>((count * 4 + 63) / 64 * 64);
  Values values(static_cast<float*>(std::aligned_alloc(64, bytes)));
  for (std::int64_t i = 0; i < count; ++i) values[static_cast<std::size_t>(i)] = value;
  return values;
}

/// From within the first-level cache to far beyond the last.
constexpr std::int64_t kSizes[] = {16 << 10, 64 << 10, 256 << 10, 1 << 20, 4 << 20, 16 << 20, 64 << 20};

}  // namespace

ProductRates measure_products() {
  use_one_blas_thread();
  constexpr std::int64_t kGrid[] = {32, 128, 512, 1536};
  const Values a = filled(1536 * 1536, 0.5f), b = filled(1536 * 1536, 0.25f), c = filled(1536 * 1536, 0.0f);
  ProductRates rates;
  for (const std::int64_t m : kGrid)
    for (const std::int64_t n : kGrid)
      for (const std::int64_t k : kGrid) {
        // As a linear layer multiplies: x (m x k) by the transpose of W (n x k).
        const Seconds time = time_of([&] { multiply(m, n, k, {a.get(), k}, transposed(b.get(), k), {c.get(), n}); }, 3);
        rates.points.push_back({m, n, k, {Product{m, n, k, 1}.flops().real() / time.value}});
      }
  return rates;
}

RateCurve measure_elementwise() {
  RateCurve curve;
  for (const std::int64_t size : kSizes) {
    const std::int64_t count = size / 8;
    const Values x = filled(count, 1.0f), y = filled(count, 0.5f);
    const Seconds time = time_of([&, in = x.get(), out = y.get()] {
      for (std::int64_t i = 0; i < count; ++i) out[i] = in[i] * 0.5f + 1.0f;
    });
    curve.points.push_back({Bytes{size}, {static_cast<double>(size) / time.value}});
  }
  return curve;
}

RateCurve measure_copy() {
  RateCurve curve;
  for (const std::int64_t size : kSizes) {
    const Values from = filled(size / 4, 1.0f), to = filled(size / 4, 0.0f);
    const Seconds time = time_of([&] { std::memcpy(to.get(), from.get(), static_cast<std::size_t>(size)); });
    curve.points.push_back({Bytes{size}, {static_cast<double>(size) / time.value}});
  }
  return curve;
}

namespace {

/// Runs GELU's forward over `count` values: one tanh each.
Seconds time_gelu(std::int64_t count) {
  const Values x = filled(count, 0.7f), y = filled(count, 0.0f);
  const TensorSpec spec{{count}, ElementType::float32, true};
  const void* input = x.get();
  const Attributes none;
  KernelArguments<float> arguments;
  arguments.attributes = &none;
  arguments.input_specs = {&spec, 1};
  arguments.output_spec = &spec;
  arguments.batch = 1;
  arguments.inputs = {&input, 1};
  arguments.output = y.get();
  const Kernel<float> gelu = find_kernels(fast_kernels(), "gelu").forward;
  return time_of([&] { gelu(arguments); });
}

}  // namespace

double measure_transcendentals() {
  constexpr std::int64_t kCount = 1 << 17;
  return static_cast<double>(kCount) / time_gelu(kCount).value;
}

Seconds measure_launch_overhead() { return time_gelu(16); }

}  // namespace tandem
