// Conversions of one tensor along one axis: which local layers and which collective bring it about.

#include <fmt/format.h>

#include <algorithm>

#include "base/error.hpp"
#include "plan/conversions.hpp"
#include "plan/shard_builder.hpp"

namespace tandem {
namespace {

using Form = AxisLayout::Form;

bool requires_gradient(const Model& model, LayerId tensor) {
  return model.needs_gradient(tensor) || !model.layer(tensor).parameters.empty();
}

/// "all_gather", "all_gather, backward reduce_scatter".
std::string collectives_text(std::optional<CollectiveKind> forward, std::optional<CollectiveKind> backward) {
  std::string text = forward ? std::string(name_of(*forward)) : "";
  if (backward) text += fmt::format("{}backward {}", forward ? ", " : "", name_of(*backward));
  return text;
}

void set_samples(LayerDefinition& definition, const SamplePart& samples) {
  definition.origins.sample_parts = samples.parts;
  definition.origins.sample_part = samples.part;
}

}  // namespace

std::int64_t ShardBuilder::local_length(const LocalTensor& tensor, LayerId producer, const AxisLayout& layout,
                                        MeshAxis axis) const {
  AxisLayouts others = tensor.layouts;
  others[static_cast<std::size_t>(axis)] = kReplicated;
  const auto& dims = choice_.model.layer(producer).output.dims;
  const TensorSlice runs = slice(dims, others);
  const auto d = static_cast<std::size_t>(layout.dimension);
  if (runs.empty() || runs[d].empty()) return dims.at(d);
  std::int64_t length = 0;
  for (const IndexRun& run : runs[d]) length += run.count;
  return length;
}

/// Elements of one sample in the packed tensor before each rank's block.
std::vector<std::int64_t> ShardBuilder::packed_bounds(const LocalTensor& tensor, LayerId producer,
                                                      const Change& change) const {
  const AxisLayout& layout = change.to.form == Form::split ? change.to : change.from;
  const std::int64_t length = local_length(tensor, producer, layout, change.axis);
  AxisLayouts others = tensor.layouts;
  others[static_cast<std::size_t>(change.axis)] = kReplicated;
  const auto& dims = choice_.model.layer(producer).output.dims;
  const TensorSlice runs = slice(dims, others);
  std::int64_t rest = 1;
  for (std::size_t d = 0; d < dims.size(); ++d) {
    if (d == static_cast<std::size_t>(layout.dimension)) continue;
    std::int64_t count = runs.empty() || runs[d].empty() ? dims[d] : 0;
    if (count == 0)
      for (const IndexRun& run : runs[d]) count += run.count;
    rest *= count;
  }
  std::vector<std::int64_t> bounds = equal_bounds(length / layout.blocks, mesh_.size(change.axis));
  for (std::int64_t& bound : bounds) bound *= layout.blocks * rest;
  return bounds;
}

void ShardBuilder::note(const LocalTensor& tensor, LayerId producer, const Change& change, std::string_view what) {
  std::int64_t elements =
      choice_.model.layer(producer).output.per_sample ? batch_ / samples_of(tensor.layouts).parts : 1;
  const auto& dims = choice_.model.layer(producer).output.dims;
  AxisLayouts others = tensor.layouts;
  others[static_cast<std::size_t>(change.axis)] = kReplicated;
  const TensorSlice runs = slice(dims, others);
  for (std::size_t d = 0; d < dims.size(); ++d) {
    std::int64_t count = runs.empty() || runs[d].empty() ? dims[d] : 0;
    if (count == 0)
      for (const IndexRun& run : runs[d]) count += run.count;
    elements *= count;
  }
  conversions_.push_back({choice_.model.layer(producer).name, std::string(change.reader), change.axis, change.from,
                          change.to, std::string(what),
                          bytes_of(choice_.model.layer(producer).output.type) * elements});
}

/// A collective in place on the tensor.
LocalTensor ShardBuilder::exchanged(LocalTensor tensor, const Change& change, std::optional<CollectiveKind> forward,
                                    std::optional<CollectiveKind> backward, std::string_view suffix) {
  LayerDefinition definition{.name = fmt::format("{}.{}.{}", tensor.name, name_of(change.axis), suffix),
                             .kind = "exchange",
                             .inputs = {tensor.name}};
  definition.row = &exchange_kind();
  set_samples(definition, samples_of(tensor.layouts));
  tensor.name = definition.name;
  add({std::move(definition), {{}, tensor.slice, LayerCollective{change.axis, forward, backward, {}, {}}}, place_});
  return tensor;
}

/// How the layout divides the tensor along the axis; of samples, those that the axis divides.
Division ShardBuilder::division(const LocalTensor& tensor, LayerId producer, const AxisLayout& layout,
                                MeshAxis axis) const {
  const std::int64_t length = layout.dimension == kSamples ? batch_ / samples_of(tensor.layouts).parts
                                                           : local_length(tensor, producer, layout, axis);
  return {layout.dimension, layout.blocks, length};
}

/// `divisions`: one, or of what is dealt out the one after it, too.
LocalTensor ShardBuilder::rearranged(LocalTensor tensor, const Change& change, const LayerKind& kind,
                                     std::string_view suffix, const std::vector<Division>& divisions) {
  LayerDefinition definition{.name = fmt::format("{}.{}.{}", tensor.name, name_of(change.axis), suffix),
                             .kind = std::string(kind.name),
                             .attributes = {{"ranks", mesh_.size(change.axis)}, {"rank", at_[change.axis]}},
                             .inputs = {tensor.name}};
  for (std::string prefix; const Division& division : divisions) {
    definition.attributes.emplace_back(prefix + "dimension", division.dimension);
    definition.attributes.emplace_back(prefix + "blocks", division.blocks);
    definition.attributes.emplace_back(prefix + "length", division.length);
    prefix = "to_";
  }
  definition.row = &kind;
  set_samples(definition, samples_of(tensor.layouts));
  tensor.name = definition.name;
  add({std::move(definition), {{}, tensor.slice, {}}, place_});
  return tensor;
}

/// One split for another: as of samples, parts of all against all parts of the own ones.
LocalTensor ShardBuilder::dealt(LayerId producer, LocalTensor tensor, const Change& change) {
  const CollectiveKind kind = CollectiveKind::all_to_all;
  const auto back = requires_gradient(choice_.model, producer) ? std::optional(kind) : std::nullopt;
  const std::vector<Division> divisions{division(tensor, producer, change.from, change.axis),
                                        division(tensor, producer, change.to, change.axis)};
  const std::int64_t longest = packed_bounds(tensor, producer, {change.axis, change.from, kReplicated, false, {}})[1];
  note(tensor, producer, change, collectives_text(kind, back));
  conversions_.back().bytes =  // that each rank brings
      bytes_of(choice_.model.layer(producer).output.type) * (batch_ / samples_of(tensor.layouts).parts * longest);
  tensor.layouts[static_cast<std::size_t>(change.axis)] = change.to;
  tensor = rearranged(std::move(tensor), change, deal_kind(), "deal", divisions);
  tensor = exchanged(std::move(tensor), change, kind, back, name_of(kind));
  tensor = rearranged(std::move(tensor), change, take_dealt_kind(), "take", divisions);
  tensor.slice = slice(choice_.model.layer(producer).output.dims, tensor.layouts);
  entries_.back().local.output = tensor.slice;
  return tensor;
}

/// The own samples of a whole tensor, or of a sum. Each rank's lie together, so nothing is packed.
LocalTensor ShardBuilder::divided_samples(LayerId producer, LocalTensor tensor, const Change& change) {
  const auto sum = change.from.form == Form::partial ? std::optional(CollectiveKind::reduce_scatter) : std::nullopt;
  const auto back = requires_gradient(choice_.model, producer) ? std::optional(CollectiveKind::all_gather) : std::nullopt;
  note(tensor, producer, change, sum || back ? collectives_text(sum, back) : "own part of it");
  if (sum || back) tensor = exchanged(std::move(tensor), change, sum, back, sum ? name_of(*sum) : "part");
  tensor.layouts[static_cast<std::size_t>(change.axis)] = change.to;
  const Division samples = division(tensor, producer, change.to, change.axis);
  return rearranged(std::move(tensor), change, take_block_kind(), "take", {samples});
}

LocalTensor ShardBuilder::convert(LayerId producer, LocalTensor tensor, const Change& change) {
  if (change.from.form == Form::split && change.to.form == Form::split)
    return dealt(producer, std::move(tensor), change);
  if (change.to == split(kSamples)) return divided_samples(producer, std::move(tensor), change);
  const bool gradient = requires_gradient(choice_.model, producer);
  const auto if_gradient = [&](CollectiveKind kind) { return gradient ? std::optional(kind) : std::nullopt; };
  const bool gathers = change.from.form == Form::split, scatters = change.to.form == Form::split;
  std::optional<CollectiveKind> forward, backward;
  if (gathers) forward = CollectiveKind::all_gather;
  if (gathers && change.gradient_is_partial) backward = if_gradient(CollectiveKind::reduce_scatter);
  if (scatters) backward = if_gradient(CollectiveKind::all_gather);
  if (change.from.form == Form::partial)
    forward = scatters ? CollectiveKind::reduce_scatter : CollectiveKind::all_reduce;
  const bool copies = change.from == kReplicated && change.to == kReplicated;
  if (copies) backward = if_gradient(CollectiveKind::all_reduce);
  if (!forward && !backward && !scatters) return tensor;
  note(tensor, producer, change, forward || backward ? collectives_text(forward, backward) : "own part of it");
  const std::string name = forward ? std::string(name_of(*forward)) : copies ? "copy" : "part";
  if (!gathers && !scatters) {
    tensor.layouts[static_cast<std::size_t>(change.axis)] = change.to;
    return exchanged(std::move(tensor), change, forward, backward, name);
  }
  const Division parts = division(tensor, producer, gathers ? change.from : change.to, change.axis);
  const auto bounds = packed_bounds(tensor, producer, change);
  tensor = rearranged(std::move(tensor), change, gathers ? put_block_kind() : pack_kind(), gathers ? "put" : "pack",
                      {parts});
  tensor = exchanged(std::move(tensor), change, forward, backward, name);
  entries_.back().local.collective->bounds = bounds;
  tensor = rearranged(std::move(tensor), change, gathers ? unpack_kind() : take_block_kind(),
                      gathers ? "unpack" : "take", {parts});
  tensor.layouts[static_cast<std::size_t>(change.axis)] = change.to;
  tensor.slice = slice(choice_.model.layer(producer).output.dims, tensor.layouts);
  entries_.back().local.output = tensor.slice;
  return tensor;
}

/// A sum that is owed is paid at once, into the layout that the first reader wants.
LocalTensor ShardBuilder::settle_partial(LayerId id, LocalTensor tensor) {
  const Layer& layer = choice_.model.layer(id);
  if (layer.kind->is_loss) return tensor;
  for (const MeshAxis axis : kDividingAxes) {
    if (mesh_.size(axis) == 1 || tensor.layouts[static_cast<std::size_t>(axis)].form != Form::partial) continue;
    const LayerId reader = layer.readers.front();
    const auto& inputs = choice_.model.layer(reader).inputs;
    const auto at = static_cast<std::size_t>(std::find(inputs.begin(), inputs.end(), id) - inputs.begin());
    AxisLayout to = rule(reader, axis).inputs.at(at);
    if (to.form != Form::split) to = kReplicated;
    tensor = convert(id, std::move(tensor), {axis, kPartial, to, false, choice_.model.layer(reader).name});
  }
  return tensor;
}

/// Does the part along this axis change, or a part outside it in the same dimension? Parts nest in the order of the
/// axes.
bool ShardBuilder::moves(LayerId reader, std::size_t input, const AxisLayouts& from, MeshAxis axis) const {
  const AxisLayout& own = from[static_cast<std::size_t>(axis)];
  for (const MeshAxis outer : kDividingAxes) {
    const AxisLayout &before = from[static_cast<std::size_t>(outer)], &after = rule(reader, outer).inputs.at(input);
    const bool same_dimension = (before.form == Form::split && before.dimension == own.dimension) ||
                                (after.form == Form::split && after.dimension == own.dimension);
    if (mesh_.size(outer) > 1 && before != after && (outer == axis || same_dimension)) return true;
    if (outer == axis) break;
  }
  return false;
}

/// Does the tensor go from one split along this axis to another one at once? Where another axis has to do with either
/// dimension of a sample it goes by way of the whole.
bool ShardBuilder::deals(LayerId reader, std::size_t input, const AxisLayouts& from, MeshAxis axis) const {
  const AxisLayout &before = from[static_cast<std::size_t>(axis)], &after = rule(reader, axis).inputs.at(input);
  if (before.form != Form::split || after.form != Form::split || before.dimension == after.dimension) return false;
  if (after.dimension == kSamples) return true;
  const auto touches = [&](const AxisLayout& layout) {
    return layout.form == Form::split &&
           (layout.dimension == before.dimension || layout.dimension == after.dimension);
  };
  return std::none_of(std::begin(kDividingAxes), std::end(kDividingAxes), [&](MeshAxis other) {
    return other != axis && mesh_.size(other) > 1 &&
           (touches(from[static_cast<std::size_t>(other)]) || touches(rule(reader, other).inputs.at(input)));
  });
}

/// Parts are gathered from the innermost to the outermost, then cut, or dealt out, from the outermost to the innermost.
LocalTensor ShardBuilder::converted(LayerId reader, std::size_t input, LocalTensor tensor) {
  const AxisLayouts from = tensor.layouts;
  std::array<bool, kMeshAxes> done{};
  for (auto axis = std::rbegin(kDividingAxes); axis != std::rend(kDividingAxes); ++axis) {
    const auto at = static_cast<std::size_t>(*axis);
    if (mesh_.size(*axis) == 1 || from[at].form != Form::split || !moves(reader, input, from, *axis)) continue;
    if (deals(reader, input, from, *axis)) continue;
    done[at] = rule(reader, *axis).inputs.at(input).form != Form::split;
    const bool partial = done[at] && input_gradient_is_partial(rule(reader, *axis), input);
    tensor = converted(reader, input, {*axis, from[at], kReplicated, partial, {}}, std::move(tensor));
  }
  for (const MeshAxis axis : kDividingAxes) {
    const auto at = static_cast<std::size_t>(axis);
    if (mesh_.size(axis) == 1 || done[at]) continue;
    const bool partial = input_gradient_is_partial(rule(reader, axis), input);
    const AxisLayout& to = rule(reader, axis).inputs.at(input);
    tensor = converted(reader, input, {axis, tensor.layouts[at], to, partial, {}}, std::move(tensor));
  }
  return tensor;
}

LocalTensor ShardBuilder::converted(LayerId reader, std::size_t input, Change change, LocalTensor tensor) {
  change.reader = choice_.model.layer(reader).name;
  if (change.from == change.to && !change.gradient_is_partial) return tensor;
  invariant(change.to.form != Form::partial, "no rule wants a summand");
  if (change.from == split(kSamples) || (change.axis == MeshAxis::data && change.to == split(kSamples)))
    throw InputError(fmt::format("{}: samples that were dealt out cannot be put together, nor dealt out among replicas",
                                 change.reader));
  const std::string key =
      fmt::format("{} {} {} {}", tensor.name, name_of(change.axis), to_text(change.to), change.gradient_is_partial);
  if (const auto known = known_.find(key); known != known_.end()) return known->second;
  tensor = convert(choice_.model.layer(reader).inputs[input], std::move(tensor), change);
  known_.emplace(key, tensor);
  return tensor;
}

}  // namespace tandem
