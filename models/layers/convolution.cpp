#include "models/layers/convolution.hpp"

#include <algorithm>

namespace tandem {

namespace {

/// 512 KiB of columns stay in a core's second-level cache; 256 of them keep a product near its best rate.
constexpr std::int64_t kPanelValues = 131'072, kFewestColumns = 256;

std::int64_t rounded_up(std::int64_t value, std::int64_t divisor) { return (value + divisor - 1) / divisor; }
/// A column's value costs about as much to lay out as 30 multiplications, and is used once for each filter.
constexpr std::int64_t kFewFilters = 32;

bool moves_by_one(const Window& window) {
  return window.stride == 1 && window.dilation == 1 && std::max(window.before, window.after) < window.kernel;
}

}  // namespace

Convolution::Convolution(const LayerContext& context)
    : windows(context.attributes),
      samples(context.batch),
      groups(context.attributes.integer("groups")),
      in(context.inputs[0].dims[0] / groups),
      height(context.inputs[0].dims[1]),
      width(context.inputs[0].dims[2]),
      out(context.output.dims[0] / groups),
      out_height(context.output.dims[1]),
      out_width(context.output.dims[2]) {
  const auto columns = std::max(kFewestColumns, kPanelValues / depth());
  panel_samples = std::clamp<std::int64_t>(kFewestColumns / positions(), 1, samples);
  panel_rows = panel_samples > 1 || windows.is_pointwise()
                   ? out_height
                   : std::clamp<std::int64_t>(rounded_up(columns, out_width), 1, out_height);
}

std::int64_t Convolution::with_slack(std::int64_t count) { return rounded_up(count, kLine) * kLine + kSlack; }

bool Convolution::slides(Pass pass) const {
  if (out > kFewFilters || windows.taps() == 1) return false;
  if (!moves_by_one(windows.height) || !moves_by_one(windows.width)) return false;
  if (pass == Pass::weight_gradient && windows.width.kernel != 3) return false;
  return (pass == Pass::input_gradient ? width : out_width) % kLanes == 0;
}

std::int64_t Convolution::slid_image_size(Pass pass) const {
  if (pass != Pass::input_gradient) return with_slack(in * padded_height() * padded_width());
  const auto rows = height + windows.height.kernel - 1, columns = width + windows.width.kernel - 1;
  return with_slack(out * rows * columns);
}

std::int64_t Convolution::slid_weight_size(Pass pass) const {
  const auto of_four = 4 * windows.taps();
  if (pass == Pass::forward) return rounded_up(out, 4) * in * of_four;
  if (pass == Pass::input_gradient) return rounded_up(in, 4) * out * of_four;
  return rounded_up(out, 4) * in * of_four * kLanes;
}

std::int64_t Convolution::images_size() const {
  return is_direct() ? 0 : with_slack(panel_samples * in * padded_height() * image_width());
}

std::int64_t Convolution::columns_size() const { return is_direct() ? 0 : with_slack(depth() * panel_columns()); }

std::int64_t Convolution::staged_size() const { return is_staged() ? with_slack(out * panel_columns()) : 0; }

}  // namespace tandem
