#include "tests/exec/kernel_case.hpp"

namespace tandem {

namespace {

/// Height first, then width.
struct Slide {
  double kernel[2] = {3, 3}, stride[2] = {1, 1}, dilation[2] = {1, 1};
  double top = 0, bottom = 0, left = 0, right = 0;
};

constexpr Slide kSame{.top = 1, .bottom = 1, .left = 1, .right = 1};

std::vector<Attributes::Value> window(const Slide& slide) {
  return {{"kernel_height", slide.kernel[0]}, {"kernel_width", slide.kernel[1]},     {"stride_height", slide.stride[0]},
          {"stride_width", slide.stride[1]},  {"padding_top", slide.top},            {"padding_bottom", slide.bottom},
          {"padding_left", slide.left},       {"padding_right", slide.right},        {"dilation_height", slide.dilation[0]},
          {"dilation_width", slide.dilation[1]}};
}

Scene conv(std::int64_t batch, std::vector<std::int64_t> image, double channels, const Slide& slide, double groups = 1,
           double bias = 1) {
  auto attributes = window(slide);
  for (Attributes::Value more : {Attributes::Value{"channels", channels}, {"groups", groups}, {"bias", bias}, {"deviation", 0}}) {
    attributes.push_back(more);
  }
  return {"conv2d", attributes, {real_tensor(std::move(image))}, batch};
}

/// The same, by Winograd's tiles.
Scene by_tiles(Scene scene) {
  scene.kind = "conv2d_winograd";
  return scene;
}

Scene pool(const std::string& kind, std::int64_t batch, std::vector<std::int64_t> image, const Slide& slide,
           double with_padding = 1) {
  auto attributes = window(slide);
  if (kind == "average_pool2d") attributes.push_back({"count_include_pad", with_padding});
  return {kind, attributes, {real_tensor(std::move(image))}, batch};
}

Scene norm(std::int64_t batch, std::vector<std::int64_t> dims) {
  return {"batch_norm", {{"epsilon", 1e-5}}, {real_tensor(std::move(dims))}, batch};
}

Scene moments(std::int64_t batch, std::vector<std::int64_t> dims, double parts) {
  return {"batch_moments", {{"parts", parts}}, {real_tensor(std::move(dims))}, batch};
}

Scene merge(std::int64_t batch, std::vector<std::int64_t> dims, std::int64_t parts) {
  const TensorSpec of_parts{.dims = {parts, 3, dims[0]}, .per_sample = false};
  return {"batch_norm_merge", {{"epsilon", 1e-5}}, {real_tensor(std::move(dims)), of_parts}, batch};
}

Scene end(const std::string& kind, std::int64_t batch, std::vector<std::int64_t> image) {
  return {kind, {}, {real_tensor(std::move(image))}, batch};
}

}  // namespace

std::vector<Scene> vision_scenes() {
  const Slide halves{.kernel = {2, 2}, .stride = {2, 2}};
  const Slide uneven{.kernel = {3, 2}, .stride = {2, 1}, .dilation = {1, 2}, .top = 1, .left = 1, .right = 1};
  const Slide strides{.kernel = {3, 3}, .stride = {2, 2}, .top = 1, .bottom = 1, .left = 1, .right = 1};
  return {
      conv(2, {3, 6, 5}, 4, kSame),
      conv(1, {1, 1, 1}, 1, {.kernel = {1, 1}}),
      conv(3, {4, 7, 9}, 6, uneven, 2),
      conv(2, {4, 5, 5}, 8, strides, 4, 0),
      conv(2, {2, 9, 8}, 3, {.kernel = {3, 3}, .dilation = {2, 2}, .top = 2, .right = 3}),
      conv(2, {8, 17, 17}, 5, {.kernel = {1, 1}}),                                          // pointwise, by sample
      conv(5, {6, 4, 4}, 5, {.kernel = {1, 1}}),                                            // pointwise, samples joined
      conv(3, {6, 9, 9}, 5, {.kernel = {1, 1}, .stride = {2, 2}}, 1, 0),
      conv(7, {3, 7, 7}, 9, kSame),                                                         // samples joined, the last alone
      conv(7, {3, 8, 8}, 9, kSame),                                                         // few filters, whole vectors
      conv(2, {4, 6, 16}, 10, {.top = 1, .left = 2}, 2, 0),                                 // the same in groups
      conv(2, {3, 5, 10}, 5, {}),                                                           // the same but for I
      conv(2, {3, 9, 8}, 5, {.kernel = {4, 5}, .top = 2, .bottom = 1, .left = 2, .right = 2}),  // the same but for W
      conv(2, {2, 5, 37}, 40, {.kernel = {3, 4}, .stride = {1, 3}, .left = 5, .right = 1}),  // phases of unequal length
      conv(2, {64, 20, 20}, 4, kSame),                                                      // rows in several panels
      conv(1, {2, 12, 12}, 3, {.kernel = {5, 5}, .stride = {4, 4}, .top = 2, .left = 2}),
      by_tiles(conv(2, {3, 6, 5}, 4, kSame)),
      by_tiles(conv(1, {1, 1, 1}, 1, kSame)),
      by_tiles(conv(3, {4, 7, 9}, 6, {.top = 2, .left = 3, .right = 1}, 2, 0)),             // odd and even places, groups
      by_tiles(conv(2, {5, 20, 18}, 7, {})),                                                // no padding
      pool("max_pool2d", 2, {3, 6, 8}, halves),
      pool("max_pool2d", 1, {1, 1, 1}, {.kernel = {1, 1}}),
      pool("max_pool2d", 3, {2, 7, 9}, strides),
      pool("max_pool2d", 2, {2, 9, 12}, uneven),
      pool("average_pool2d", 2, {3, 6, 8}, halves),
      pool("average_pool2d", 3, {2, 7, 9}, strides),
      pool("average_pool2d", 3, {2, 7, 9}, strides, 0),
      pool("average_pool2d", 2, {2, 9, 12}, uneven, 0),
      end("global_average_pool", 3, {4, 5, 7}),
      end("global_average_pool", 1, {1, 1, 1}),
      end("flatten", 3, {4, 5, 7}),
      norm(3, {4, 5, 7}),
      norm(4, {3, 16, 16}),
      norm(5, {6}),
      moments(3, {4, 5, 7}, 1),
      moments(4, {3, 8, 8}, 3),
      moments(3, {2, 5}, 4),
      merge(3, {4, 5, 7}, 1),
      merge(4, {3, 8, 8}, 3),
      merge(2, {5}, 2),
      {"softmax_cross_entropy", {}, {real_tensor({10}), token_tensor({})}, 6},
  };
}

}  // namespace tandem
