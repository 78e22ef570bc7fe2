#include "plan/region_share.hpp"

#include <algorithm>

#include "base/error.hpp"
#include "plan/conversions.hpp"

namespace tandem {
namespace {

/// The window that slides over this dimension of the layer's output, if one does.
std::optional<SlidingWindow> window_over(const Model& model, LayerId id, std::int64_t dimension) {
  const Layer& layer = model.layer(id);
  if (layer.kind->rules == nullptr) return {};
  for (const LayoutRule& rule : layer.kind->rules(layer.attributes, model.input_specs(id), layer.output))
    if (rule.window && rule.output == split(static_cast<std::int8_t>(dimension))) return *rule.window;
  return {};
}

}  // namespace

bool slides_over(const Model& model, LayerId layer, std::int64_t dimension) {
  return window_over(model, layer, dimension).has_value();
}

OutputRange interior_of_join(const Model& model, LayerId id) {
  const Layer& join = model.layer(id);
  const auto dimension = static_cast<std::size_t>(join.attributes.integer("dimension"));
  const std::int64_t before = join.attributes.integer("from_before"), after = join.attributes.integer("from_after");
  return {before, join.output.dims.at(dimension) - before - after};
}

OutputRange interior_of_window(const Model& model, LayerId id, LayerId join) {
  const OutputRange own = interior_of_join(model, join);
  const std::int64_t dimension = model.layer(join).attributes.integer("dimension");
  const std::int64_t length = model.layer(join).output.dims.at(static_cast<std::size_t>(dimension));
  const auto names = window_over(model, id, dimension);
  invariant(names.has_value(), "a layer behind a halo has a window over its dimension");
  const Attributes& attributes = model.layer(id).attributes;
  const std::int64_t stride = attributes.integer(names->stride), padding = attributes.integer(names->padding_before);
  const std::int64_t reach = attributes.integer(names->dilation) * (attributes.integer(names->kernel) - 1);
  const auto is_interior = [&](std::int64_t position) {
    const std::int64_t first = position * stride - padding, last = first + reach;
    return (own.first == 0 || first >= own.first) && (own.end() == length || last < own.end());
  };
  OutputRange interior;
  const std::int64_t positions = model.layer(id).output.dims.at(static_cast<std::size_t>(dimension));
  while (interior.first < positions && !is_interior(interior.first)) ++interior.first;
  while (interior.end() < positions && is_interior(interior.end())) ++interior.count;
  return interior;
}

std::vector<OutputRectangle> pieces_of(const LayerPlan& plan, const TensorSpec& output, Region region) {
  const OutputRectangle whole{{0, output.dims.at(kImageRows)}, {0, output.dims.at(kImageColumns)}};
  if (region == Region::all) return {whole};
  invariant(!plan.nest.empty(), "a layer with regions knows its interior");
  if (region == Region::interior) return frame_around({}, plan.nest.front());
  if (region == Region::border) return frame_around(plan.nest.back(), whole);
  return frame_around(plan.nest.front(), plan.nest.back());
}

double share_of(const Model& model, const LayerPlan& plan, Region region) {
  if (region == Region::all) return 1;
  const TensorSpec& output = model.layer(plan.layer).output;
  std::int64_t values = 0;
  for (const OutputRectangle& piece : pieces_of(plan, output, region)) values += piece.values();
  return static_cast<double>(values) / static_cast<double>(output.dims.at(kImageRows) * output.dims.at(kImageColumns));
}

}  // namespace tandem
