// Convolutions by each algorithm, forward and backward, beside the bare products of their windows: `bench_convolutions`.
//
// A product is called as often as the layer has samples and groups, on matrices that lie ready in memory. Rounds take
// turns between all of them, and a ratio is of times of one round, so that what slows a round down slows both.

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <memory>

#include "exec/kernels/product.hpp"
#include "models/layers/convolution_algorithm.hpp"
#include "tests/bench/samples.hpp"
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

Scene scene_of_shape(const Shape& shape, std::string_view kind) {
  return {std::string(kind),
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

constexpr int kRounds = 15;
constexpr double kSecondsPerTurn = 1e-3;

Tensor<float> filled(std::int64_t count) {
  Tensor<float> values(count);
  for (std::size_t at = 0; at < values.size(); ++at) values[at] = static_cast<float>(at % 17) / 16 - 0.5F;
  return values;
}

/// The products in the orders of the kernel: W x, W^T dy, dy x^T.
class BareProducts {
 public:
  BareProducts(const Product& product, Pass pass)
      : product_(product),
        pass_(pass),
        a_(filled(product.m * product.k)),
        b_(filled(product.k * product.n)),
        result_(filled(product.m * product.n)) {}

  void operator()() {
    const auto [m, n, k, count] = product_;
    const Factor left = pass_ == Pass::input_gradient ? transposed(a_.data(), m) : Factor{a_.data(), k};
    const Factor right = pass_ == Pass::weight_gradient ? transposed(b_.data(), k) : Factor{b_.data(), n};
    for (std::int64_t i = 0; i < count; ++i) multiply(m, n, k, left, right, {result_.data(), n});
  }

 private:
  Product product_;
  Pass pass_;
  Tensor<float> a_, b_, result_;
};

/// One turn of each action a round; the first is what the others are compared with.
struct Ratios {
  double seconds;              ///< of the first, median
  std::vector<double> median;  ///< of the others' ratios to it
};

Ratios measure(const std::vector<std::function<void()>>& actions) {
  Samples once;
  for (const auto& action : actions) action();
  once.time(actions.front());
  const int repeats = std::max(1, static_cast<int>(kSecondsPerTurn / once.median()));
  std::vector<double> first;
  std::vector<std::vector<double>> ratios(actions.size() - 1);
  for (int round = 0; round < kRounds; ++round)
    for (std::size_t i = 0; i < actions.size(); ++i) {
      Samples turn;
      turn.time([&] { for (int repeat = 0; repeat < repeats; ++repeat) actions[i](); });
      if (i == 0) first.push_back(turn.median() / repeats);
      else ratios[i - 1].push_back(turn.median() / repeats / first.back());
    }
  const auto middle = [](std::vector<double>& values) {
    std::ranges::nth_element(values, values.begin() + kRounds / 2);
    return values[kRounds / 2];
  };
  Ratios result{middle(first), {}};
  for (auto& values : ratios) result.median.push_back(middle(values));
  return result;
}

/// A line of the table, and the seconds of each action.
std::vector<double> print_row(const Shape& shape, Pass pass) {
  std::vector<std::unique_ptr<KernelCase<float>>> layers;
  std::vector<std::function<void()>> actions;
  for (const ConvolutionAlgorithm& algorithm : convolution_algorithms()) {
    const Scene scene = scene_of_shape(shape, algorithm.kind);
    if (!algorithm.suits({scene.attributes})) continue;
    KernelCase<float>& layer = *layers.emplace_back(std::make_unique<KernelCase<float>>(scene));
    const auto& row = find_kernels(fast_kernels(), algorithm.kind);
    layer.run(row, Pass::forward);
    actions.emplace_back([&layer, &row, pass] { layer.run(row, pass); });
  }
  const KernelCase<float>& windows = *layers.front();
  const LayerContext context{windows.attributes, windows.scene.inputs, windows.output_spec, windows.scene.batch};
  const Product product = windows.kind.work(context, pass).products.at(0);
  actions.insert(actions.begin(), [bare = std::make_shared<BareProducts>(product, pass)] { (*bare)(); });
  const Ratios ratios = measure(actions);
  fmt::print("{:<22} {:<5} {:>10.1f} us {:>6.1f} GF/s", shape.name, letter_of(pass), ratios.seconds * 1e6,
             product.flops().real() / ratios.seconds / 1e9);
  std::vector<double> seconds{ratios.seconds};
  for (const double ratio : ratios.median) {
    fmt::print(" {:>9.2f}", ratio);
    seconds.push_back(ratio * ratios.seconds);
  }
  fmt::print("\n");
  return seconds;
}

/// Forward and backward, each pass once.
void print_rows(const Shape& shape) {
  std::vector<double> total;
  for (const Pass pass : {Pass::forward, Pass::input_gradient, Pass::weight_gradient}) {
    const std::vector<double> seconds = print_row(shape, pass);
    total.resize(seconds.size());
    for (std::size_t i = 0; i < seconds.size(); ++i) total[i] += seconds[i];
  }
  fmt::print("{:<22} {:<5} {:>10.1f} us {:>11}", shape.name, "F+I+W", total[0] * 1e6, "");
  for (std::size_t i = 1; i < total.size(); ++i) fmt::print(" {:>9.2f}", total[i] / total[0]);
  fmt::print("\n");
}

}  // namespace

}  // namespace tandem

int main() {
  using namespace tandem;
  use_one_blas_thread();
  fmt::print("{:<22} {:<5} {:>13} {:>11}", "shape", "pass", "products", "");
  for (const ConvolutionAlgorithm& algorithm : convolution_algorithms()) fmt::print(" {:>9}", algorithm.name);
  fmt::print("\n");
  for (const Shape& shape : kShapes) print_rows(shape);
}
