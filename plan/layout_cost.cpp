#include "plan/layout_cost.hpp"

#include "base/error.hpp"
#include "plan/conversions.hpp"

namespace tandem {
namespace {

using Form = AxisLayout::Form;

bool runs(const Model& model, LayerId id, Pass pass) {
  if (pass == Pass::input_gradient) return model.needs_gradient(id);
  return pass == Pass::forward || !model.layer(id).parameters.empty();
}

TensorSpec resized(TensorSpec spec, const AxisLayout& layout, std::int64_t length) {
  spec.dims.at(static_cast<std::size_t>(layout.dimension)) = length;
  return spec;
}

Division division_of(const TensorSpec& whole, const AxisLayout& layout) {
  return {layout.dimension, layout.blocks, whole.dims.at(static_cast<std::size_t>(layout.dimension))};
}

/// The first rank's.
std::int64_t longest_part(const Division& division, std::uint32_t ranks) {
  return division.blocks * equal_bounds(division.length / division.blocks, ranks)[1];
}

std::int64_t samples_of(const TensorSpec& spec, std::int64_t batch) { return spec.per_sample ? batch : 1; }

/// Blocks of the packed tensor, of the whole batch.
std::vector<std::int64_t> packed_bounds(const TensorSpec& whole, const AxisLayout& layout, std::int64_t batch,
                                        std::uint32_t ranks) {
  const std::int64_t length = whole.dims.at(static_cast<std::size_t>(layout.dimension));
  const std::int64_t rest = element_count(whole.dims) / length;
  std::vector<std::int64_t> bounds = equal_bounds(length / layout.blocks, ranks);
  for (std::int64_t& bound : bounds) bound *= layout.blocks * rest * samples_of(whole, batch);
  return bounds;
}

}  // namespace

bool wants_gradient(const Model& model, LayerId tensor) {
  return model.needs_gradient(tensor) || !model.layer(tensor).parameters.empty();
}

Seconds LayoutCost::kernel(const Layer& layer, const std::vector<TensorSpec>& inputs, Pass pass) const {
  const Work work = work_of(*layer.kind, {layer.attributes, inputs, layer.output, batch_}, pass);
  return costs_.kernel(kernel_signature(layer, inputs, pass, batch_), work, *group_.device).time;
}

Seconds LayoutCost::work(const Model& model, LayerId id, const Layer& part, const std::vector<TensorSpec>& inputs) {
  Seconds time;
  for (const Pass pass : {Pass::forward, Pass::input_gradient, Pass::weight_gradient})
    if (runs(model, id, pass)) time += kernel(part, inputs, pass);
  return time * static_cast<double>(micro_batches_);
}

Seconds LayoutCost::collective(CollectiveKind kind, std::vector<std::int64_t> bounds, ElementType type) {
  const auto [at, is_new] = known_.emplace(std::tuple(kind, type, bounds), Seconds{});
  if (!is_new) return at->second;
  const CollectiveShape shape{kind, group_.ranks, group_.ranks_per_node, std::move(bounds), {}, type};
  const CollectiveAlgorithm& algorithm = group_.algorithm ? suitable_algorithm(*group_.algorithm, shape)
                                                          : cheapest_algorithm(shape, group_.inside, group_.between);
  return at->second = uncontended_time(algorithm, shape, group_.inside, group_.between);
}

Seconds LayoutCost::rearrangement(const LayerKind& kind, const TensorSpec& from, const std::vector<Division>& divisions,
                                  bool has_gradient) const {
  Layer copy;
  copy.kind = &kind;
  copy.attributes.values = {{"ranks", static_cast<double>(group_.ranks)}, {"rank", 0}};
  for (std::string prefix; const Division& division : divisions) {
    copy.attributes.values.push_back({prefix + "dimension", static_cast<double>(division.dimension)});
    copy.attributes.values.push_back({prefix + "blocks", static_cast<double>(division.blocks)});
    copy.attributes.values.push_back({prefix + "length", static_cast<double>(division.length)});
    prefix = "to_";
  }
  copy.output = kind.output(copy.attributes, std::vector{from});
  const Seconds forward = kernel(copy, {from}, Pass::forward);
  return has_gradient ? forward + kernel(copy, {from}, Pass::input_gradient) : forward;
}

/// An all-to-all each way, of two halves of equal blocks.
Seconds LayoutCost::dealing(const TensorSpec& whole, AxisLayout from, AxisLayout to, bool has_gradient) {
  const std::vector<Division> divisions{division_of(whole, from), division_of(whole, to)};
  const TensorSpec part = resized(whole, from, longest_part(divisions[0], group_.ranks));
  TensorSpec vector = resized(part, from, 2 * group_.ranks * longest_part(divisions[0], group_.ranks));
  vector = resized(vector, to, longest_part(divisions[1], group_.ranks));
  const Seconds way = collective(CollectiveKind::all_to_all, equal_bounds(vector.elements(batch_), group_.ranks), whole.type);
  return way * (has_gradient ? 2.0 : 1.0) + rearrangement(deal_kind(), part, divisions, has_gradient) +
         rearrangement(take_dealt_kind(), vector, divisions, has_gradient);
}

Seconds LayoutCost::conversion(const TensorSpec& whole, AxisLayout from, AxisLayout to, bool reader_owes,
                               bool has_gradient) {
  using enum CollectiveKind;
  const bool gathers = from.form == Form::split, scatters = to.form == Form::split;
  if (gathers && scatters) return dealing(whole, from, to, has_gradient) * static_cast<double>(micro_batches_);
  Seconds time;
  if (!gathers && !scatters) {
    const auto bounds = equal_bounds(whole.elements(batch_), group_.ranks);
    if (from == kPartial || (reader_owes && has_gradient)) time = collective(all_reduce, bounds, whole.type);
    return time * static_cast<double>(micro_batches_);
  }
  const AxisLayout& layout = gathers ? from : to;
  const auto bounds = packed_bounds(whole, layout, batch_, group_.ranks);
  const Division parts = division_of(whole, layout);
  const TensorSpec part = resized(whole, layout, longest_part(parts, group_.ranks));
  if (gathers) {
    time = collective(all_gather, bounds, whole.type) +
           rearrangement(put_block_kind(), part, {parts}, has_gradient) +
           rearrangement(unpack_kind(), whole, {parts}, has_gradient);
    if (reader_owes && has_gradient) time += collective(reduce_scatter, bounds, whole.type);
  } else {
    time = rearrangement(pack_kind(), whole, {parts}, has_gradient) +
           rearrangement(take_block_kind(), whole, {parts}, has_gradient);
    if (from == kPartial) time += collective(reduce_scatter, bounds, whole.type);
    if (has_gradient) time += collective(all_gather, bounds, whole.type);
  }
  return time * static_cast<double>(micro_batches_);
}

Seconds LayoutCost::gradient_sum(std::int64_t elements, ElementType type) {
  return collective(CollectiveKind::all_reduce, equal_bounds(elements, group_.ranks), type);
}

Seconds LayoutCost::of_layer(const LocalModel& local, LayerId id) {
  const Layer& layer = local.model.layer(id);
  if (!is_exchange(*layer.kind)) return work(local.model, id, layer, local.model.input_specs(id));
  const LayerCollective& exchange = *local.layers[index_of(id)].collective;
  if (exchange.axis != MeshAxis::tensor) return {};
  std::vector<std::int64_t> bounds = exchange.bounds;
  for (std::int64_t& bound : bounds) bound *= samples_of(layer.output, batch_);
  if (bounds.empty()) bounds = equal_bounds(layer.output.elements(batch_), group_.ranks);
  Seconds time;
  for (const auto& kind : {exchange.forward, exchange.backward})
    if (kind) time += collective(*kind, bounds, layer.output.type);
  return time * static_cast<double>(micro_batches_);
}

Seconds LayoutCost::of(const Sharding& sharding) {
  const LocalModel& local = sharding.local;
  Seconds time;
  for (std::uint32_t i = 0; i < local.layers.size(); ++i) time += of_layer(local, static_cast<LayerId>(i));
  for (std::uint32_t i = 0; i < local.parameters.size(); ++i)
    if (local.parameters[i].partial[static_cast<std::size_t>(MeshAxis::tensor)])
      time += gradient_sum(local.model.parameter(static_cast<ParameterId>(i)).spec.elements(), local.model.stored());
  return time;
}

}  // namespace tandem
