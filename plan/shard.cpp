// Walks the whole model once, layer by layer, and writes down the rank's own layers and conversions.

#include "plan/shard.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <map>
#include <utility>

#include "base/error.hpp"
#include "models/layers/convolution_algorithm.hpp"
#include "plan/conversions.hpp"
#include "plan/shard_builder.hpp"

namespace tandem {

std::vector<IndexRun> part_of_runs(const std::vector<IndexRun>& runs, std::int64_t blocks, std::uint32_t ranks,
                                   std::uint32_t rank) {
  std::int64_t length = 0;
  for (const IndexRun& run : runs) length += run.count;
  const std::int64_t block = length / blocks;
  const std::vector<std::int64_t> bounds = equal_bounds(block, ranks);
  std::vector<IndexRun> part;
  for (std::int64_t b = 0; b < blocks; ++b) {
    std::int64_t first = b * block + bounds[rank], left = bounds[rank + 1] - bounds[rank];
    for (const IndexRun& run : runs) {
      if (left > 0 && first < run.count) {
        const std::int64_t count = std::min(left, run.count - first);
        const std::int64_t begin = run.first + first;
        if (!part.empty() && part.back().first + part.back().count == begin) part.back().count += count;
        else part.push_back({begin, count});
        left -= count;
        first = 0;
      } else {
        first -= run.count;
      }
      first = std::max<std::int64_t>(first, 0);
    }
  }
  return part;
}

ShardBuilder::ShardBuilder(const LayoutChoice& choice, const Model& whole, const Mesh& mesh, const Coordinate& at,
                           std::int64_t batch)
    : choice_(choice), whole_(whole), mesh_(mesh), at_(at), batch_(batch), tensors_(choice.model.layer_count()) {
  for (std::uint32_t i = 0; i < whole.layer_count(); ++i)
    whole_ids_.emplace(whole.layers()[i].name, static_cast<LayerId>(i));
}

const LayoutRule& ShardBuilder::rule(LayerId id, MeshAxis axis) const {
  return choice_.rules[index_of(id)][static_cast<std::size_t>(axis)];
}

/// The runs of the rank in one dimension of a whole tensor, under the layouts of all axes.
TensorSlice ShardBuilder::slice(const std::vector<std::int64_t>& dims, const AxisLayouts& layouts) const {
  TensorSlice slice(dims.size());
  for (const MeshAxis axis : kDividingAxes) {
    const AxisLayout& layout = layouts[static_cast<std::size_t>(axis)];
    if (mesh_.size(axis) == 1 || layout.form != AxisLayout::Form::split || layout.dimension == kSamples) continue;
    const auto d = static_cast<std::size_t>(layout.dimension);
    auto& runs = slice.at(d);
    if (runs.empty()) runs = {{0, dims[d]}};
    runs = part_of_runs(runs, layout.blocks, mesh_.size(axis), at_[axis]);
  }
  if (std::all_of(slice.begin(), slice.end(), [](const auto& runs) { return runs.empty(); })) slice.clear();
  return slice;
}

void ShardBuilder::require_divides(LayerId id, MeshAxis axis, const AxisLayout& layout, std::int64_t length,
                                   std::string_view what) const {
  const std::int64_t ranks = mesh_.size(axis), block = length / layout.blocks;
  const std::string& name = choice_.model.layer(id).name;
  if (axis == MeshAxis::tensor && (length % layout.blocks != 0 || block % ranks != 0))
    throw InputError(fmt::format("{}: {} does not divide among {} {} ranks", name, what, ranks, name_of(axis)),
                     fmt::format("{}{}", layout.blocks > 1 ? fmt::format("{} blocks of ", layout.blocks) : "", block),
                     fmt::format("a multiple of {}", ranks));
  if (block < ranks)
    throw InputError(fmt::format("{}: {} is less than the {} {} ranks", name, what, ranks, name_of(axis)),
                     fmt::format("{}", block), fmt::format("at least {}", ranks));
}

/// A rank's own value of an attribute that counts what is split.
void ShardBuilder::set_local_sizes(LayerId id, LayerDefinition& definition) const {
  for (const MeshAxis axis : kDividingAxes) {
    if (mesh_.size(axis) == 1) continue;
    const LayoutRule& own = rule(id, axis);
    for (const std::string_view name : own.local_sizes) {
      const auto at = std::find_if(definition.attributes.begin(), definition.attributes.end(),
                                   [&](const auto& entry) { return entry.first == name; });
      invariant(at != definition.attributes.end(), "a rule names attributes of its kind");
      const auto whole = static_cast<std::int64_t>(at->second);
      const AxisLayout plain{AxisLayout::Form::split, 0, own.output.blocks};
      require_divides(id, axis, plain, whole, name);
      std::int64_t part = 0;
      for (const IndexRun& run : part_of_runs({{0, whole}}, plain.blocks, mesh_.size(axis), at_[axis]))
        part += run.count;
      at->second = static_cast<double>(part);
    }
  }
}

std::vector<std::int64_t> ShardBuilder::begins(const TensorSlice& slice) {
  std::vector<std::int64_t> first;
  for (const auto& runs : slice) first.push_back(runs.empty() ? 0 : runs.front().first);
  return first;
}

/// Replicas have micro-batches of their own. Parts nest in the order of the axes.
SamplePart ShardBuilder::samples_of(const AxisLayouts& layouts) const {
  SamplePart own;
  for (const MeshAxis axis : kDividingAxes)
    if (axis != MeshAxis::data && mesh_.size(axis) > 1 && layouts[static_cast<std::size_t>(axis)] == split(kSamples))
      own = {own.parts * mesh_.size(axis), own.part * mesh_.size(axis) + at_[axis]};
  if (batch_ % own.parts != 0)
    throw InputError(fmt::format("the samples of a micro-batch do not divide among {} x {} ranks over height and width",
                                 mesh_.size(MeshAxis::height), mesh_.size(MeshAxis::width)),
                     fmt::format("{}", batch_), fmt::format("a multiple of {}", own.parts));
  return own;
}

/// A layer's samples are those of what it reads; a source's, those of what it fills.
SamplePart ShardBuilder::samples_of(LayerId id) const {
  AxisLayouts layouts{};
  for (const MeshAxis axis : kDividingAxes) {
    const LayoutRule& own = rule(id, axis);
    layouts[static_cast<std::size_t>(axis)] = own.inputs.empty() ? own.output : own.inputs[0];
  }
  return samples_of(layouts);
}

/// The loss of a rank's own samples, or of its own positions of them.
void ShardBuilder::set_loss_part(LayerId id, Origins& origins) const {
  origins.loss_parts = origins.sample_parts;
  origins.loss_part = origins.sample_part;
  for (const MeshAxis axis : kDividingAxes) {
    const LayoutRule& own = rule(id, axis);
    if (mesh_.size(axis) == 1 || own.output != kPartial || own.inputs[0].dimension == kSamples) continue;
    const auto dimension = static_cast<std::size_t>(own.inputs[0].dimension);
    require_divides(id, axis, own.inputs[0], choice_.model.layer(choice_.model.layer(id).inputs[0]).output.dims.at(dimension),
                    fmt::format("dimension {} of its input", dimension));
    origins.loss_part = origins.loss_part * mesh_.size(axis) + at_[axis];
    origins.loss_parts *= mesh_.size(axis);
  }
}

/// Is the rank the first of those that compute the same part of the loss?
bool ShardBuilder::says_loss() const {
  for (std::uint32_t i = 0; i < choice_.model.layer_count(); ++i) {
    if (!choice_.model.layers()[i].kind->is_loss) continue;
    for (const MeshAxis axis : {MeshAxis::height, MeshAxis::width, MeshAxis::tensor})
      if (at_[axis] > 0 && rule(static_cast<LayerId>(i), axis).output != kPartial) return false;
  }
  return true;
}

namespace {

/// A convolution is the same by whatever algorithm.
bool is_same_layer(const LayerKind& whole, const LayerKind& own) {
  return &whole == &own || (is_convolution(whole) && is_convolution(own));
}

}  // namespace

/// Its own layer reads `inputs`, which lie as its rules want them.
void ShardBuilder::add_layer(LayerId id, const std::vector<LocalTensor>& inputs, LayerDefinition definition) {
  const Layer& layer = choice_.model.layer(id);
  set_local_sizes(id, definition);
  definition.inputs.clear();
  bool divided = false;
  for (const LocalTensor& input : inputs) {
    definition.inputs.push_back(input.name);
    definition.origins.inputs.push_back(begins(input.slice));
    divided |= !input.slice.empty();
  }
  LocalTensor out{layer.name, {}, {}};
  for (const MeshAxis axis : kDividingAxes) out.layouts[static_cast<std::size_t>(axis)] = rule(id, axis).output;
  for (const MeshAxis axis : kDividingAxes)
    if (const AxisLayout& layout = out.layouts[static_cast<std::size_t>(axis)];
        mesh_.size(axis) > 1 && layout.form == AxisLayout::Form::split && layout.dimension != kSamples)
      require_divides(id, axis, layout, layer.output.dims.at(static_cast<std::size_t>(layout.dimension)),
                      fmt::format("dimension {} of its output", layout.dimension));
  out.slice = slice(layer.output.dims, out.layouts);
  definition.origins.output = begins(out.slice);
  if (!out.slice.empty()) definition.origins.whole_output = layer.output.dims;
  for (std::size_t p = 0; p < layer.parameters.size(); ++p) {
    const LocalParameter own = parameter(id, p);
    definition.origins.parameters.push_back(begins(own.slice));
    divided |= !own.slice.empty();
    parameters_.emplace(choice_.model.parameter(layer.parameters[p]).name, own);
  }
  if (!divided && out.slice.empty()) definition.origins = {};
  const SamplePart samples = samples_of(id);
  definition.origins.sample_parts = samples.parts;
  definition.origins.sample_part = samples.part;
  if (layer.kind->is_loss) set_loss_part(id, definition.origins);
  const auto whole = whole_ids_.find(layer.name);
  const bool is_own = whole != whole_ids_.end() && is_same_layer(*whole_.layer(whole->second).kind, *layer.kind);
  add({std::move(definition), {is_own ? std::optional(whole->second) : std::nullopt, out.slice, {}}, index_of(id)});
  tensors_[index_of(id)] = settle_partial(id, std::move(out));
}

LocalParameter ShardBuilder::parameter(LayerId id, std::size_t index) const {
  const ParameterId own = choice_.model.layer(id).parameters[index];
  LocalParameter local;
  local.whole = own;  // taking layers apart leaves the parameters and their order as they are
  AxisLayouts layouts{};
  for (const MeshAxis axis : kDividingAxes) {
    layouts[static_cast<std::size_t>(axis)] = rule(id, axis).parameters.at(index);
    local.partial[static_cast<std::size_t>(axis)] =
        mesh_.size(axis) > 1 && parameter_gradient_is_partial(rule(id, axis), index);
    if (const AxisLayout& layout = layouts[static_cast<std::size_t>(axis)];
        mesh_.size(axis) > 1 && layout.form == AxisLayout::Form::split)
      require_divides(id, axis, layout,
                      choice_.model.parameter(own).spec.dims.at(static_cast<std::size_t>(layout.dimension)),
                      fmt::format("dimension {} of {}", layout.dimension, choice_.model.parameter(own).name));
  }
  local.slice = slice(choice_.model.parameter(own).spec.dims, layouts);
  return local;
}

void ShardBuilder::add_whole_layer(LayerId id) {
  place_ = index_of(id);
  const Layer& layer = choice_.model.layer(id);
  LayerDefinition definition = definition_of(choice_.model, id);
  std::vector<LocalTensor> inputs;
  for (std::size_t i = 0; i < layer.inputs.size(); ++i) {
    LocalTensor tensor = converted(id, i, tensors_[index_of(layer.inputs[i])]);
    for (const MeshAxis axis : kDividingAxes)
      if (mesh_.size(axis) > 1 && rule(id, axis).window) tensor = with_halo(id, axis, std::move(tensor), definition);
    inputs.push_back(std::move(tensor));
  }
  add_layer(id, inputs, std::move(definition));
}

/// The gradients of both uses are summed on each rank, and then reduced as one.
void ShardBuilder::check_ties() const {
  for (const Parameter& row : choice_.model.parameters()) {
    if (!row.tied_to) continue;
    const LocalParameter &own = parameters_.at(row.name),
                         &other = parameters_.at(choice_.model.parameter(*row.tied_to).name);
    if (own.slice != other.slice)
      throw InputError("a tied parameter would lie differently in its two layers", row.name,
                       "the same rule for both, or none");
    if (own.partial != other.partial)
      throw InputError("the gradient of a tied parameter would be summed over other ranks in its two layers", row.name,
                       "the same rule for both, or none");
  }
}

void ShardBuilder::add(ShardEntry entry) {
  entries_.push_back(std::move(entry));
}

Sharding ShardBuilder::run() && {
  for (std::uint32_t i = 0; i < choice_.model.layer_count(); ++i) add_whole_layer(static_cast<LayerId>(i));
  check_ties();
  std::vector<LayerDefinition> definitions;
  std::map<std::string, const ShardEntry*> by_name;
  for (const ShardEntry& entry : entries_) {
    definitions.push_back(entry.definition);
    by_name.emplace(entry.definition.name, &entry);
  }
  Sharding result{{Model(whole_.name(), definitions).stored_as(whole_.stored()), {}, {}}, std::move(conversions_), {}};
  for (const Layer& layer : result.local.model.layers()) {
    const ShardEntry& entry = *by_name.at(layer.name);
    result.local.layers.push_back(entry.local);
    result.place.push_back(entry.place);
  }
  // A source stands directly before its first reader, which may be a conversion made for a later layer.
  for (std::size_t i = result.place.size(); i-- > 1;)
    result.place[i - 1] = std::min(result.place[i - 1], result.place[i]);
  for (const Parameter& row : result.local.model.parameters()) {
    result.local.parameters.push_back(parameters_.at(row.name));
  }
  result.local.says_loss = says_loss();
  return result;
}

Sharding shard(const LayoutChoice& choice, const Model& whole, const Mesh& mesh, const Coordinate& at,
               std::int64_t micro_batch_size) {
  return ShardBuilder(choice, whole, mesh, at, micro_batch_size).run();
}

std::size_t local_cut(const Sharding& sharding, std::size_t cut) {
  const auto first = std::lower_bound(sharding.place.begin(), sharding.place.end(), cut);
  return static_cast<std::size_t>(first - sharding.place.begin());
}

LocalModel undivided(const Model& model) {
  LocalModel local{model, {}, {}};
  for (std::uint32_t i = 0; i < model.layer_count(); ++i) local.layers.push_back({static_cast<LayerId>(i), {}, {}});
  for (std::uint32_t i = 0; i < model.parameters().size(); ++i)
    local.parameters.push_back({static_cast<ParameterId>(i), {}, {}});
  return local;
}

}  // namespace tandem
