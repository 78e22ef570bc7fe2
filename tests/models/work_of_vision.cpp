#include <cmath>

#include "tests/models/applied.hpp"

using namespace tandem;

namespace {

std::vector<Attributes::Value> window(double kernel, double stride, double padding) {
  return {{"kernel_height", kernel}, {"kernel_width", kernel},   {"stride_height", stride}, {"stride_width", stride},
          {"padding_top", padding},  {"padding_bottom", padding}, {"padding_left", padding}, {"padding_right", padding}};
}

std::vector<Attributes::Value> conv(double channels, double kernel, double stride, double padding) {
  auto attributes = window(kernel, stride, padding);
  attributes.push_back({"channels", channels});
  return attributes;
}

std::string refusal(std::string_view kind, std::vector<TensorSpec> inputs, std::vector<Attributes::Value> attributes) {
  return message_of([&] { apply(kind, std::move(inputs), std::move(attributes)); });
}

std::vector<LayoutRule> rules_of(const Applied& layer) {
  return layer.kind.rules(layer.attributes, layer.inputs, layer.output);
}

std::vector<std::string_view> names(const std::vector<LayoutRule>& rules) {
  std::vector<std::string_view> all;
  for (const auto& rule : rules) all.push_back(rule.name);
  return all;
}

}  // namespace

TEST_CASE("a convolution's output counts the places of its window") {
  CHECK(apply("conv2d", {real({3, 224, 224})}, conv(64, 7, 2, 3)).output == real({64, 112, 112}));  // (224 + 6 - 7) / 2 + 1
  CHECK(apply("conv2d", {real({3, 224, 224})}, conv(64, 11, 4, 2)).output == real({64, 55, 55}));   // (224 + 4 - 11) / 4 + 1
  CHECK(apply("conv2d", {real({3, 5, 9})}, conv(2, 3, 1, 0)).output == real({2, 3, 7}));

  auto dilated = conv(2, 3, 1, 0);
  dilated.push_back({"dilation_height", 2});
  CHECK(apply("conv2d", {real({3, 5, 9})}, dilated).output == real({2, 1, 7}));  // three rows reach over five
}

TEST_CASE("a convolution multiplies once for each sample and group") {
  const auto layer = apply("conv2d", {real({3, 8, 8})}, conv(5, 3, 1, 1));  // 27 values under a window, 64 places

  check_product(layer.work(F, 2), 0, 5, 64, 27, 2);
  check_product(layer.work(I, 2), 0, 27, 64, 5, 2);
  check_product(layer.work(W, 2), 0, 5, 27, 64, 2);
  CHECK(layer.work(F, 2).elementwise == 2 * 5 * 64);                                // a bias on each output
  CHECK(layer.work(F, 2).read == Bytes{4 * (2 * 192 + 5 * 27 + 5)});                // x, weight, bias
  CHECK(layer.work(I, 2).written == Bytes{4 * 2 * 192});
  CHECK(layer.work(W, 2).read == Bytes{4 * (2 * 192 + 2 * 320 + 5 * 27 + 5)});      // x, dy, the gradients so far

  auto grouped = conv(8, 3, 1, 1);
  grouped.push_back({"groups", 4});
  const auto parts = apply("conv2d", {real({12, 8, 8})}, grouped);
  check_product(parts.work(F, 2), 0, 2, 64, 27, 8);  // 12 / 4 channels in, 8 / 4 out
  CHECK(parts.parameters()[0].dims == std::vector<std::int64_t>{8, 3, 3, 3});
}

TEST_CASE("a convolution's weights start with deviation sqrt(2 / values under a window), or the one given") {
  auto attributes = conv(4, 3, 1, 1);

  CHECK(apply("conv2d", {real({8, 6, 6})}, attributes).parameters()[0].deviation == std::sqrt(2.0 / 72));  // 8 * 9
  attributes.push_back({"deviation", 0.5});
  CHECK(apply("conv2d", {real({8, 6, 6})}, attributes).parameters()[0].deviation == 0.5);
}

TEST_CASE("by Winograd's tiles a convolution multiplies 16 times where windows multiply 36 times") {
  const auto layer = apply("conv2d_winograd", {real({3, 8, 8})}, conv(5, 3, 1, 1));  // 4 x 4 tiles of 2 x 2 outputs
  const auto windows = apply("conv2d", {real({3, 8, 8})}, conv(5, 3, 1, 1));

  check_product(layer.work(F, 2), 0, 5, 32, 3, 16);
  check_product(layer.work(I, 2), 0, 3, 32, 5, 16);
  check_product(layer.work(W, 2), 0, 5, 3, 32, 16);
  for (const Pass pass : {F, I, W})
    CHECK(4 * windows.work(pass, 2).products[0].flops().count == 9 * layer.work(pass, 2).products[0].flops().count);
  CHECK(layer.work(F, 2).elementwise == 32 * 3 * 32 + 24 * 5 * 32 + 35 * 15 + 2 * 5 * 64);
  const Bytes transformed{4 * 16 * (3 * 32 + 5 * 32 + 15)};
  CHECK(layer.work(W, 2).read == windows.work(W, 2).read + transformed);
  CHECK(layer.work(W, 2).written == windows.work(W, 2).written + transformed);
  // beside them a padded channel: 10 lines of twice 5 values
  CHECK(layer.kind.scratch({layer.attributes, layer.inputs, layer.output, 2}, F) == transformed + Bytes{4 * 100});
}

TEST_CASE("Winograd's tiles are of windows of 3 x 3 that move by one") {
  for (const auto& attributes : {conv(5, 3, 2, 1), conv(5, 5, 1, 1)})
    CHECK_THAT(refusal("conv2d_winograd", {real({3, 8, 8})}, attributes), Catch::Contains("windows of 3 x 3"));
}

TEST_CASE("a pointwise convolution of large images needs no scratch, others a panel of columns") {
  const auto scratch = [](const Applied& layer, std::int64_t batch) {
    return layer.kind.scratch({layer.attributes, layer.inputs, layer.output, batch}, F);
  };

  CHECK(scratch(apply("conv2d", {real({8, 32, 32})}, conv(4, 1, 1, 0)), 4) == Bytes{0});
  // one image of 64 x 58 x 58 with its border, and at most 131,072 values of columns, rounded up to whole rows of 56
  const auto bytes = scratch(apply("conv2d", {real({64, 56, 56})}, conv(64, 3, 1, 1)), 4);
  CHECK(bytes.count > 4 * (64 * 58 * 58 + 576 * 256));
  CHECK(bytes.count < 4 * (64 * 58 * 58 + 576 * 281 + 64));
  // few filters over rows of whole vectors: a padded image with its slack, and the weights
  CHECK(scratch(apply("conv2d", {real({16, 16, 16})}, conv(16, 3, 1, 1)), 4) == Bytes{4 * (16 * 18 * 18 + 16 + 16 * 16 * 9)});
}

TEST_CASE("convolutions and pools refuse what they cannot slide over") {
  CHECK(refusal("conv2d", {real({3, 4, 4})}, conv(2, 7, 1, 1)) ==
        R"(error: the window is larger than the padded image; got "7x7", want at most 6x6)");
  CHECK_THAT(refusal("conv2d", {real({16})}, conv(2, 1, 1, 0)), Catch::Contains("input is no image"));
  CHECK_THAT(refusal("conv2d", {whole({3, 4, 4})}, conv(2, 1, 1, 0)), Catch::Contains("wrong element type"));
  CHECK(refusal("max_pool2d", {real({3, 8, 8})}, window(2, 2, 2)) ==
        R"(error: the padding exceeds half the window; got "2", want at most 1)");
  auto grouped = conv(4, 1, 1, 0);
  grouped.push_back({"groups", 3});
  CHECK(refusal("conv2d", {real({6, 4, 4})}, grouped) ==
        R"(error: groups do not divide the channels of the output; got "3", want a divisor of 4)");
  CHECK(refusal("conv2d", {real({4, 4, 4})}, grouped) ==
        R"(error: groups do not divide the channels of the input; got "3", want a divisor of 4)");
}

TEST_CASE("a dilated window that sees nothing but padding is refused") {
  auto attributes = window(2, 1, 1);
  attributes.push_back({"dilation_height", 2});  // rows -1 and 1 of one row

  CHECK_THAT(refusal("max_pool2d", {real({1, 1, 8})}, attributes), Catch::Contains("a window sees nothing but padding"));
}

TEST_CASE("a maximum pool keeps which value won, an average pool nothing") {
  const auto maximum = apply("max_pool2d", {real({3, 8, 8})}, window(2, 2, 0));
  const auto average = apply("average_pool2d", {real({3, 8, 8})}, window(2, 2, 0));

  CHECK(maximum.output == real({3, 4, 4}));
  CHECK(maximum.kept().inputs == std::vector{false});
  CHECK(maximum.kept().extra == std::vector{real({3, 4, 4})});
  CHECK(average.kept().extra.empty());
  CHECK(maximum.work(F, 2).flops() == Flops{2 * 48 * 4});        // a comparison for each of 4 values
  CHECK(average.work(F, 2).flops() == Flops{2 * 48 * (4 + 1)});  // 4 sums, one quotient
}

TEST_CASE("a batch norm keeps two numbers a channel for the whole micro-batch") {
  const auto layer = apply("batch_norm", {real({3, 8, 8})});

  CHECK(layer.kind.mixes_samples);
  REQUIRE(layer.kept().extra.size() == 1);
  CHECK(layer.kept().extra[0].elements(16) == 6);
  CHECK(layer.work(F, 16).transcendentals == 3);
  CHECK(layer.parameters()[0].dims == std::vector<std::int64_t>{3});
}

TEST_CASE("moments are one row of mean, squares and count for each part") {
  const auto moments = apply("batch_moments", {real({3, 8, 8})}, {{"parts", 2}});

  CHECK(moments.output.elements(16) == 2 * 3 * 3);
  CHECK(apply("batch_norm_merge", {real({3, 8, 8}), moments.output}).output == real({3, 8, 8}));
  CHECK_THAT(refusal("batch_norm_merge", {real({4, 8, 8}), moments.output}, {}),
             Catch::Contains(R"(the second input holds no moments of the first; got "2x3x3", want parts x 3 x 4)"));
}

TEST_CASE("a class is one number a sample, and a cross entropy takes it for one row of scores") {
  const auto classes = apply("target_class", {}, {{"classes", 10}});

  CHECK(classes.output == whole({}));
  CHECK(classes.output.elements(7) == 7);
  CHECK(apply("softmax_cross_entropy", {real({10}), classes.output}).output.elements(7) == 1);
}

TEST_CASE("a convolution divides by height, width, filters, then channels") {
  const auto rules = rules_of(apply("conv2d", {real({4, 8, 8})}, conv(6, 3, 1, 1)));

  REQUIRE(names(rules) == std::vector<std::string_view>{"height", "width", "filters", "channels"});
  CHECK(rules[0].window->padding_after == "padding_bottom");
  CHECK(rules[2].parameters == std::vector{split(0), split(0)});
  CHECK(rules[2].local_sizes == std::vector<std::string_view>{"channels"});
  CHECK(rules[3].output == kPartial);
  CHECK(rules[3].parameters == std::vector{split(1), kReplicated});

  auto grouped = conv(6, 3, 1, 1);
  grouped.push_back({"groups", 2});
  CHECK(names(rules_of(apply("conv2d", {real({4, 8, 8})}, grouped))) == std::vector<std::string_view>{"height", "width"});
}

TEST_CASE("every rule of a vision kind has a layout for each input and parameter") {
  const TensorSpec image = real({4, 8, 8}), moments{.dims = {1, 3, 4}, .per_sample = false};
  for (const auto& layer :
       {apply("conv2d", {image}, conv(6, 3, 1, 1)), apply("max_pool2d", {image}, window(2, 2, 0)),
        apply("average_pool2d", {image}, window(2, 2, 0)), apply("global_average_pool", {image}), apply("flatten", {image}),
        apply("batch_norm", {image}), apply("batch_moments", {image}, {{"parts", 1}}),
        apply("batch_norm_merge", {image, moments}), apply("images", {}, {{"channels", 1}, {"height", 8}, {"width", 8}})}) {
    for (const auto& rule : rules_of(layer)) {
      INFO(layer.kind.name << " " << rule.name);
      CHECK(rule.inputs.size() == layer.inputs.size());
      CHECK(rule.parameters.size() == layer.parameters().size());
    }
  }
}

TEST_CASE("only a batch norm divided over positions computes something else") {
  for (const auto& rule : rules_of(apply("batch_norm", {real({4, 8, 8})}))) CHECK(rule.approximate == (rule.name != "channels"));
}
