// conv2d_winograd, fast: 16 matrix products over transformed tiles (models/layers/winograd.hpp).

#include "models/layers/winograd.hpp"

#include <algorithm>
#include <vector>

#include "exec/kernels/arguments.hpp"
#include "exec/kernels/convolution_bias.hpp"
#include "exec/kernels/product.hpp"
#include "exec/kernels/winograd_tiles.hpp"

namespace tandem {

namespace {

using Arguments = KernelArguments<float>;

/// The tiles of a pass over a rectangle of the output, and where their transforms lie.
class Tiles {
  Winograd winograd_;

 public:
  /// Transformed, of one group: 16 matrices each, [channels, tiles], or [channels out, channels in] of the weights.
  float *const input, *const output, *const weight;

  Tiles(const Arguments& arguments, const OutputRectangle& rectangle)
      : winograd_({*arguments.attributes, arguments.input_specs, *arguments.output_spec, arguments.batch}),
        input(static_cast<float*>(arguments.scratch)),
        output(input + winograd_.input_size()),
        weight(output + winograd_.output_size()),
        plane_(weight + winograd_.weight_size()),
        rectangle_(rectangle),
        first_(rectangle.rows.first / 2),
        last_((rectangle.rows.end() + 1) / 2),
        row_(static_cast<std::size_t>(winograd_.sizes.out_width)) {}

  const Convolution& sizes() const { return winograd_.sizes; }
  std::int64_t count() const { return sizes().samples * (last_ - first_) * winograd_.tile_columns(); }

  /// Between the image and its transformed tiles, for one group. `x`, `y` and their gradients: of the group's first channel.
  void read_input(const float* x) const;
  void write_input_gradient(float* dx, bool accumulate) const;
  void write_output(float* y, const float* bias) const;
  void read_output_gradient(const float* dy) const;
  void read_weight(const float* weights) const;
  void add_weight_gradients(float* gradients) const;

 private:
  /// Calls `act(channel of the group, row of tiles, its tiles' first values)`; before each channel `begin(its values)`,
  /// after it `end(its values)`.
  template <class Begin, class Act, class End>
  void for_each_row(std::int64_t channels, std::int64_t size, float* transformed, Begin begin, Act act, End end) const {
    const TileRow row{winograd_.tile_columns(), winograd_.half_width(), channels * count()};
    for (std::int64_t sample = 0; sample < sizes().samples; ++sample)
      for (std::int64_t channel = 0; channel < channels; ++channel) {
        const std::int64_t image = (sample * sizes().groups * channels + channel) * size;
        float* const values = transformed + channel * count() + sample * (last_ - first_) * row.tiles;
        begin(image);
        for (std::int64_t at = first_; at < last_; ++at) act(row, at, values + (at - first_) * row.tiles, image, channel);
        end(image);
      }
  }

  float* line(std::int64_t row) const { return plane_ + row * 2 * winograd_.half_width(); }
  /// Where the first value of an image's row stands in a padded line, and the second.
  std::pair<float*, float*> places(std::int64_t row) const {
    const std::int64_t before = sizes().windows.width.before, half = winograd_.half_width();
    float* const even = line(row) + before / 2;
    return before % 2 == 0 ? std::pair(even, even + half) : std::pair(even + half, even + 1);
  }
  void clear_plane() const { std::fill_n(plane_, winograd_.plane_size(), 0.0F); }

  float* plane_;
  OutputRectangle rectangle_;
  std::int64_t first_, last_;  ///< rows of tiles, which are whole
  mutable std::vector<float> row_;  ///< of results
};

void Tiles::read_input(const float* x) const {
  clear_plane();
  const auto pad = [&](std::int64_t image) {
    for (std::int64_t row = 0; row < sizes().height; ++row) {
      const auto [first, second] = places(row + sizes().windows.height.before);
      deal(x + image + row * sizes().width, sizes().width, first, second);
    }
  };
  for_each_row(sizes().in, sizes().height * sizes().width, input, pad,
               [&](const TileRow& row, std::int64_t at, float* values, std::int64_t, std::int64_t) {
                 row.input(line(2 * at), values);
               },
               [](std::int64_t) {});
}

void Tiles::write_input_gradient(float* dx, bool accumulate) const {
  const auto unpad = [&](std::int64_t image) {
    for (std::int64_t row = 0; row < sizes().height; ++row) {
      const auto [first, second] = places(row + sizes().windows.height.before);
      collect(first, second, sizes().width, accumulate, dx + image + row * sizes().width);
    }
  };
  for_each_row(sizes().in, sizes().height * sizes().width, input, [&](std::int64_t) { clear_plane(); },
               [&](const TileRow& row, std::int64_t at, float* values, std::int64_t, std::int64_t) {
                 row.add_input_gradient(values, line(2 * at));
               },
               unpad);
}

void Tiles::write_output(float* y, const float* bias) const {
  const std::int64_t half = winograd_.half_width(), width = sizes().out_width;
  const auto write = [&](const TileRow& row, std::int64_t at, float* values, std::int64_t image, std::int64_t channel) {
    row.output(values, plane_);
    const auto [first, count] = rectangle_.columns;
    const auto end = std::min(2 * at + 2, rectangle_.rows.end());
    for (auto out = std::max(2 * at, rectangle_.rows.first); out < end; ++out) {
      const float* const from = line(out - 2 * at);
      collect(from, from + half, width, false, row_.data());
      float* const to = std::copy_n(row_.data() + first, count, y + image + out * width + first) - count;
      if (bias == nullptr) continue;
      for (std::int64_t x = 0; x < count; ++x) to[x] += bias[channel];
    }
  };
  for_each_row(sizes().out, sizes().positions(), output, [](std::int64_t) {}, write, [](std::int64_t) {});
}

void Tiles::read_output_gradient(const float* dy) const {
  const std::int64_t half = winograd_.half_width(), width = sizes().out_width;
  const auto read = [&](const TileRow& row, std::int64_t at, float* values, std::int64_t image, std::int64_t) {
    std::fill_n(plane_, 4 * half, 0.0F);
    for (auto out = 2 * at; out < std::min(2 * at + 2, sizes().out_height); ++out)
      deal(dy + image + out * width, width, line(out - 2 * at), line(out - 2 * at) + half);
    row.output_gradient(plane_, values);
  };
  for_each_row(sizes().out, sizes().positions(), output, [](std::int64_t) {}, read, [](std::int64_t) {});
}

void Tiles::read_weight(const float* weights) const {
  const std::int64_t pairs = sizes().out * sizes().in;
  for (std::int64_t pair = 0; pair < pairs; ++pair) transform_weight(weights + 9 * pair, weight + pair, pairs);
}

void Tiles::add_weight_gradients(float* gradients) const {
  const std::int64_t pairs = sizes().out * sizes().in;
  for (std::int64_t pair = 0; pair < pairs; ++pair) add_weight_gradient(weight + pair, pairs, gradients + 9 * pair);
}

OutputRectangle all_of(const Arguments& arguments) {
  const auto& dims = arguments.output_spec->dims;
  return {{0, dims.at(kImageRows)}, {0, dims.at(kImageColumns)}};
}

void forward(const Arguments& arguments) {
  const Tiles tiled(arguments, output_rectangle(arguments));
  const Convolution& sizes = tiled.sizes();
  const std::int64_t tiles = tiled.count();
  const float* const bias = bias_to_add(arguments);
  for (std::int64_t group = 0; group < sizes.groups; ++group) {
    tiled.read_input(real_input(arguments) + group * sizes.in * sizes.height * sizes.width);
    tiled.read_weight(arguments.parameters[0] + group * sizes.out * sizes.depth());
    for (std::int64_t k = 0; k < kWinogradValues; ++k)
      multiply(sizes.out, tiles, sizes.in, {tiled.weight + k * sizes.out * sizes.in, sizes.in},
               {tiled.input + k * sizes.in * tiles, tiles}, {tiled.output + k * sizes.out * tiles, tiles});
    tiled.write_output(arguments.output + group * sizes.out * sizes.positions(),
                      bias == nullptr ? nullptr : bias + group * sizes.out);
  }
}

void input_gradient(const Arguments& arguments) {
  const Tiles tiled(arguments, all_of(arguments));
  const Convolution& sizes = tiled.sizes();
  const std::int64_t tiles = tiled.count();
  for (std::int64_t group = 0; group < sizes.groups; ++group) {
    tiled.read_output_gradient(arguments.output_gradient + group * sizes.out * sizes.positions());
    tiled.read_weight(arguments.parameters[0] + group * sizes.out * sizes.depth());
    for (std::int64_t k = 0; k < kWinogradValues; ++k)
      multiply(sizes.in, tiles, sizes.out, transposed(tiled.weight + k * sizes.out * sizes.in, sizes.in),
               {tiled.output + k * sizes.out * tiles, tiles}, {tiled.input + k * sizes.in * tiles, tiles});
    tiled.write_input_gradient(first_gradient(arguments) + group * sizes.in * sizes.height * sizes.width,
                              arguments.accumulate[0]);
  }
}

void weight_gradient(const Arguments& arguments) {
  const Tiles tiled(arguments, all_of(arguments));
  const Convolution& sizes = tiled.sizes();
  const std::int64_t tiles = tiled.count();
  for (std::int64_t group = 0; group < sizes.groups; ++group) {
    tiled.read_input(real_input(arguments) + group * sizes.in * sizes.height * sizes.width);
    tiled.read_output_gradient(arguments.output_gradient + group * sizes.out * sizes.positions());
    for (std::int64_t k = 0; k < kWinogradValues; ++k)
      multiply(sizes.out, sizes.in, tiles, {tiled.output + k * sizes.out * tiles, tiles},
               transposed(tiled.input + k * sizes.in * tiles, tiles),
               {tiled.weight + k * sizes.out * sizes.in, sizes.in});
    tiled.add_weight_gradients(arguments.parameter_gradients[0] + group * sizes.out * sizes.depth());
  }
  if (arguments.parameter_gradients.size() > 1)
    add_bias_gradient(sizes, arguments.output_gradient, arguments.parameter_gradients[1]);
}

}  // namespace

KernelRow<float> conv2d_winograd_kernels() { return {"conv2d_winograd", forward, input_gradient, weight_gradient}; }

}  // namespace tandem
