// The fast kernels one by one, at the shapes of a model: `bench_kernels [MODEL] [MICRO-BATCH SIZE]`.

#include <fmt/format.h>

#include <cstdlib>
#include <set>
#include <string>

#include "exec/kernels/product.hpp"
#include "models/model.hpp"
#include "tests/bench/samples.hpp"
#include "tests/exec/kernel_case.hpp"

namespace tandem {

namespace {

constexpr double kSecondsPerKernel = 0.4;
constexpr int kFewest = 20, kMost = 5000;

Samples measure(KernelCase<float>& layer, const KernelRow<float>& row, Pass pass) {
  Samples first, samples;
  first.time([&] { layer.run(row, pass); });
  const int repeats = std::clamp(static_cast<int>(kSecondsPerKernel / first.median()), kFewest, kMost);
  for (int repeat = 0; repeat < repeats; ++repeat) samples.time([&] { layer.run(row, pass); });
  return samples;
}

void print_row(const std::string& signature, const Work& work, Samples samples) {
  const double seconds = samples.median();
  const auto bytes = static_cast<double>((work.read + work.written).count);
  fmt::print("{:<58} {:>9.1f} us {:>6.1f} % {:>8.1f} GF/s {:>8.1f} GB/s\n", signature, seconds * 1e6,
             100 * samples.spread(), work.flops().real() / seconds / 1e9, bytes / seconds / 1e9);
}

void print_layer(const Model& model, LayerId id, std::int64_t batch, std::set<std::string>& seen) {
  const Layer& layer = model.layer(id);
  KernelCase<float> prepared({std::string(layer.kind->name), layer.attributes.values, model.input_specs(id), batch});
  const auto& row = find_kernels(fast_kernels(), layer.kind->name);
  for (const auto pass : {Pass::forward, Pass::input_gradient, Pass::weight_gradient}) {
    const auto signature = kernel_signature(model, id, pass, batch);
    if (!prepared.has_pass(pass) || !seen.insert(signature).second) continue;
    print_row(signature, model.work(id, pass, batch), measure(prepared, row, pass));
  }
}

void print_model(const std::string& name, std::int64_t batch) {
  const auto model = load_model(name);
  std::set<std::string> seen;
  for (std::uint32_t i = 0; i < model.layer_count(); ++i) {
    if (model.layers()[i].kind->inputs > 0) print_layer(model, static_cast<LayerId>(i), batch, seen);
  }
}

}  // namespace

}  // namespace tandem

int main(int argc, char** argv) {
  tandem::use_one_blas_thread();
  fmt::print("{:<58} {:>12} {:>8} {:>13} {:>13}\n", "kernel", "median", "spread", "arithmetic", "traffic");
  tandem::print_model(argc > 1 ? argv[1] : "gpt-nano", argc > 2 ? std::atoi(argv[2]) : 4);
}
