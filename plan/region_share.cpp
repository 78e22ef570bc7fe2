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

OutputRows interior_of_join(const Model& model, LayerId id) {
  const Layer& join = model.layer(id);
  const auto dimension = static_cast<std::size_t>(join.attributes.integer("dimension"));
  const std::int64_t before = join.attributes.integer("from_before"), after = join.attributes.integer("from_after");
  return {dimension, before, join.output.dims.at(dimension) - before - after};
}

OutputRows interior_of_window(const Model& model, LayerId id, LayerId join) {
  const OutputRows own = interior_of_join(model, join);
  const std::int64_t rows = model.layer(join).output.dims.at(own.dimension), end = own.first + own.count;
  const auto names = window_over(model, id, static_cast<std::int64_t>(own.dimension));
  invariant(names.has_value(), "a layer behind a halo has a window over its dimension");
  const Attributes& attributes = model.layer(id).attributes;
  const std::int64_t stride = attributes.integer(names->stride), padding = attributes.integer(names->padding_before);
  const std::int64_t reach = attributes.integer(names->dilation) * (attributes.integer(names->kernel) - 1);
  const auto is_interior = [&](std::int64_t position) {
    const std::int64_t first = position * stride - padding, last = first + reach;
    return (own.first == 0 || first >= own.first) && (end == rows || last < end);
  };
  OutputRows interior{own.dimension, 0, 0};
  const std::int64_t positions = model.layer(id).output.dims.at(own.dimension);
  while (interior.first < positions && !is_interior(interior.first)) ++interior.first;
  while (interior.first + interior.count < positions && is_interior(interior.first + interior.count)) ++interior.count;
  return interior;
}

double share_of(const Model& model, const LayerPlan& plan, Region region) {
  if (region == Region::all) return 1;
  invariant(plan.interior.has_value(), "a layer with regions knows its interior");
  const auto rows = static_cast<double>(model.layer(plan.layer).output.dims.at(plan.interior->dimension));
  const double interior = static_cast<double>(plan.interior->count) / rows;
  return region == Region::interior ? interior : 1 - interior;
}

}  // namespace tandem
