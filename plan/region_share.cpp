#include "plan/region_share.hpp"

#include <algorithm>

#include "base/error.hpp"
#include "plan/conversions.hpp"

namespace tandem {
namespace {

/// The window that slides over this dimension of the layer's output.
SlidingWindow window_over(const Model& model, LayerId id, std::int64_t dimension) {
  const Layer& layer = model.layer(id);
  const auto rules = layer.kind->rules(layer.attributes, model.input_specs(id), layer.output);
  const auto found = std::find_if(rules.begin(), rules.end(), [&](const LayoutRule& rule) {
    return rule.window && rule.output == split(static_cast<std::int8_t>(dimension));
  });
  invariant(found != rules.end(), "a layer behind a halo has a window over its dimension");
  return *found->window;
}

/// Output positions whose windows reach neither the first `from_before` nor the last `from_after` rows.
double interior_share(const Model& model, LayerId id, const Layer& join) {
  const std::int64_t dimension = join.attributes.integer("dimension");
  const Attributes& attributes = model.layer(id).attributes;
  const SlidingWindow names = window_over(model, id, dimension);
  const std::int64_t stride = attributes.integer(names.stride), padding = attributes.integer(names.padding_before);
  const std::int64_t reach = attributes.integer(names.dilation) * (attributes.integer(names.kernel) - 1);
  const auto at = static_cast<std::size_t>(dimension);
  const std::int64_t positions = model.layer(id).output.dims.at(at), rows = join.output.dims.at(at);
  const std::int64_t before = join.attributes.integer("from_before"), after = join.attributes.integer("from_after");
  std::int64_t interior = 0;
  for (std::int64_t position = 0; position < positions; ++position) {
    const std::int64_t first = position * stride - padding, last = first + reach;
    interior += (before == 0 || first >= before) && (after == 0 || last < rows - after);
  }
  return static_cast<double>(interior) / static_cast<double>(positions);
}

}  // namespace

double share_of(const Model& model, LayerId layer, Region region) {
  if (region == Region::all) return 1;
  double interior = 1;
  for (LayerId at = layer; !model.layer(at).inputs.empty();) {
    at = model.layer(at).inputs.front();
    if (model.layer(at).kind != &halo_join_kind()) break;
    interior *= interior_share(model, layer, model.layer(at));
  }
  return region == Region::interior ? interior : 1 - interior;
}

}  // namespace tandem
