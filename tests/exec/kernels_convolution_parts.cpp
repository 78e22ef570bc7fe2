#include <algorithm>

#include "tests/catch.hpp"
#include "tests/exec/kernel_case.hpp"

namespace tandem {

namespace {

constexpr std::int64_t kSamples = 3, kIn = 4, kOut = 6, kHeight = 9, kWidth = 8;

const KernelRow<float>& row_of(const std::string& kind) { return find_kernels(fast_kernels(), kind); }

Scene conv(std::int64_t in, std::int64_t height, double stride, double top, double bottom) {
  return {"conv2d",
          {{"channels", kOut},
           {"kernel_height", 3},
           {"kernel_width", 3},
           {"stride_height", stride},
           {"stride_width", 1},
           {"padding_top", top},
           {"padding_bottom", bottom},
           {"padding_left", 1},
           {"padding_right", 1},
           {"dilation_height", 1},
           {"dilation_width", 1},
           {"groups", 1},
           {"bias", 1},
           {"deviation", 0}},
          {real_tensor({in, height, kWidth})},
          kSamples};
}

/// Copies rows [first, first + part's height) of all planes between a whole tensor and a part.
void take_rows(const Tensor<float>& whole, std::int64_t height, std::int64_t first, std::int64_t count, Tensor<float>& part) {
  for (std::size_t at = 0; at < part.size(); ++at) {
    const auto index = static_cast<std::int64_t>(at);
    const auto plane = index / (count * kWidth), within = index % (count * kWidth);
    part[at] = whole[static_cast<std::size_t>((plane * height + first) * kWidth + within)];
  }
}

void add_rows(const Tensor<float>& part, std::int64_t height, std::int64_t first, std::int64_t count, Tensor<float>& whole) {
  for (std::size_t at = 0; at < part.size(); ++at) {
    const auto index = static_cast<std::int64_t>(at);
    const auto plane = index / (count * kWidth), within = index % (count * kWidth);
    whole[static_cast<std::size_t>((plane * height + first) * kWidth + within)] += part[at];
  }
}

/// One rank's part: output rows [out, out + out_count) need input rows [in, in + in_count) and these paddings.
struct Part {
  std::int64_t out, out_count, in, in_count;
  double top, bottom;
};

Tensor<float> zeros(std::size_t size) {
  Tensor<float> result(static_cast<std::int64_t>(size));
  std::ranges::fill(result, 0.0F);
  return result;
}

void check_height_parts(double stride, std::int64_t out_height, const std::vector<Part>& parts) {
  KernelCase<float> whole(conv(kIn, kHeight, stride, 1, 1));
  REQUIRE(whole.output_spec.dims[1] == out_height);
  whole.run_all(row_of("conv2d"));
  auto output = zeros(whole.output.size()), gradient = zeros(whole.inputs[0].size());
  auto weight = zeros(whole.parameters[0].size()), bias = zeros(whole.parameters[1].size());

  for (const auto& [out, out_count, in, in_count, top, bottom] : parts) {
    KernelCase<float> rank(conv(kIn, in_count, stride, top, bottom));
    REQUIRE(rank.output_spec.dims[1] == out_count);
    take_rows(whole.inputs[0], kHeight, in, in_count, rank.inputs[0]);
    take_rows(whole.output_gradient, out_height, out, out_count, rank.output_gradient);
    for (std::size_t i = 0; i < 2; ++i) std::ranges::copy(whole.parameters[i], rank.parameters[i].begin());
    rank.run_all(row_of("conv2d"));
    add_rows(rank.output, out_height, out, out_count, output);
    add_rows(rank.input_gradients[0], kHeight, in, in_count, gradient);
    for (std::size_t at = 0; at < weight.size(); ++at) weight[at] += rank.parameter_gradients[0][at];
    for (std::size_t at = 0; at < bias.size(); ++at) bias[at] += rank.parameter_gradients[1][at];
  }

  CHECK(distance(output, whole.output) < 1e-5);
  CHECK(distance(gradient, whole.input_gradients[0]) < 1e-5);
  CHECK(distance(weight, whole.parameter_gradients[0]) < 1e-5);
  CHECK(distance(bias, whole.parameter_gradients[1]) < 1e-5);
}

}  // namespace

TEST_CASE("rows of a convolution by parts with their halos are those of the whole, gradients included") {
  // output row r reads input rows r - 1 to r + 1 of 9
  check_height_parts(1, 9, {{0, 4, 0, 5, 1, 0}, {4, 5, 3, 6, 0, 1}});
  check_height_parts(1, 9, {{0, 1, 0, 2, 1, 0}, {1, 5, 0, 7, 0, 0}, {6, 3, 5, 4, 0, 1}});
}

TEST_CASE("a strided convolution by uneven parts is that of the whole") {
  // output row r of 5 reads input rows 2 r - 1 to 2 r + 1
  check_height_parts(2, 5, {{0, 2, 0, 4, 1, 0}, {2, 3, 3, 6, 0, 1}});
}

TEST_CASE("the sum over parts of the input channels has the bias once") {
  KernelCase<float> whole(conv(kIn, kHeight, 1, 1, 1));
  whole.run(row_of("conv2d"), Pass::forward);
  auto sum = zeros(whole.output.size());
  const std::size_t image = kHeight * kWidth, taps = 9;

  for (const std::int64_t first : {0, 1}) {  // channel 0, then 1 to 3
    const std::int64_t count = first == 0 ? 1 : 3;
    KernelCase<float> rank(conv(count, kHeight, 1, 1, 1));
    rank.origins = {.inputs = {{first, 0, 0}}, .parameters = {{0, first, 0, 0}, {0}}, .output = {}, .whole_output = {}};
    const auto copy = [&](const Tensor<float>& from, Tensor<float>& to, std::size_t size) {
      for (std::size_t at = 0; at < to.size(); ++at) {
        const auto outer = at / (static_cast<std::size_t>(count) * size), within = at % (static_cast<std::size_t>(count) * size);
        to[at] = from[(outer * kIn + static_cast<std::size_t>(first)) * size + within];
      }
    };
    copy(whole.inputs[0], rank.inputs[0], image);
    copy(whole.parameters[0], rank.parameters[0], taps);
    std::ranges::copy(whole.parameters[1], rank.parameters[1].begin());
    rank.run(row_of("conv2d"), Pass::forward);
    for (std::size_t at = 0; at < sum.size(); ++at) sum[at] += rank.output[at];
  }

  CHECK(distance(sum, whole.output) < 1e-5);
}

}  // namespace tandem
