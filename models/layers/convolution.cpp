#include "models/layers/convolution.hpp"

#include <algorithm>

namespace tandem {

namespace {

/// 512 KiB of columns stay in a core's second-level cache; 256 of them keep a product near its best rate.
constexpr std::int64_t kPanelValues = 131'072, kFewestColumns = 256;

std::int64_t rounded_up(std::int64_t value, std::int64_t divisor) { return (value + divisor - 1) / divisor; }

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

std::int64_t Convolution::images_size() const {
  return is_direct() ? 0 : with_slack(panel_samples * in * padded_height() * padded_width());
}

std::int64_t Convolution::columns_size() const { return is_direct() ? 0 : with_slack(depth() * panel_columns()); }

std::int64_t Convolution::staged_size() const { return is_staged() ? with_slack(out * panel_columns()) : 0; }

}  // namespace tandem
