#include "models/layers/windows.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "base/error.hpp"

namespace tandem {

namespace {

std::int64_t rounded_up(std::int64_t value, std::int64_t divisor) { return (value + divisor - 1) / divisor; }

}  // namespace

std::int64_t Window::positions(std::int64_t size) const {
  const auto room = size + before + after - reach();
  return room < 0 ? 0 : room / stride + 1;
}

Window::Range Window::positions_inside(std::int64_t tap, std::int64_t size, std::int64_t count) const {
  const auto shift = before - tap * dilation;  // reads at position * stride - shift
  const auto first = std::clamp<std::int64_t>(shift <= 0 ? 0 : rounded_up(shift, stride), 0, count);
  const auto last = size + shift <= 0 ? 0 : rounded_up(size + shift, stride);
  return {first, std::clamp(last, first, count)};
}

Windows::Windows(const Attributes& attributes)
    : height{attributes.integer("kernel_height"), attributes.integer("stride_height"),
             attributes.integer("dilation_height"), attributes.integer("padding_top"),
             attributes.integer("padding_bottom")},
      width{attributes.integer("kernel_width"), attributes.integer("stride_width"),
            attributes.integer("dilation_width"), attributes.integer("padding_left"),
            attributes.integer("padding_right")} {}

bool Windows::is_pointwise() const {
  const auto one_value = [](const Window& window) {
    return window.kernel == 1 && window.stride == 1 && window.before == 0 && window.after == 0;
  };
  return one_value(height) && one_value(width);
}

void want_image(const TensorSpec& input) {
  want_float(input);
  if (input.dims.size() == 3) return;
  throw InputError("input is no image", shape_text(input.dims), "channels x height x width");
}

TensorSpec image_under_windows(const Windows& windows, const TensorSpec& image, std::int64_t channels) {
  want_image(image);
  const auto rows = windows.height.positions(image.dims[1]), columns = windows.width.positions(image.dims[2]);
  if (rows > 0 && columns > 0) return float_tensor({channels, rows, columns});
  const auto padded = [](const Window& window, std::int64_t size) { return size + window.before + window.after; };
  throw InputError("the window is larger than the padded image",
                   fmt::format("{}x{}", windows.height.reach(), windows.width.reach()),
                   fmt::format("at most {}x{}", padded(windows.height, image.dims[1]), padded(windows.width, image.dims[2])));
}

}  // namespace tandem
