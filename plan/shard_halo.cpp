// Halos: the rows of a neighbour that a sliding window needs, and each rank's own paddings.

#include <fmt/format.h>

#include <algorithm>

#include "base/error.hpp"
#include "plan/conversions.hpp"
#include "plan/shard_builder.hpp"

namespace tandem {
namespace {

/// A window over one dimension of the whole image.
struct WholeWindow {
  std::int64_t kernel, stride, dilation, padding_before, padding_after, length, outputs;
};

/// Rows of one rank: those it owns, and those that its outputs need.
struct Reach {
  std::int64_t own_first, own_end, first, end, padding_before, padding_after;
};

double& attribute(LayerDefinition& definition, std::string_view name) {
  const auto at = std::find_if(definition.attributes.begin(), definition.attributes.end(),
                               [&](const auto& entry) { return entry.first == name; });
  invariant(at != definition.attributes.end(), "a window names attributes of its kind");
  return at->second;
}

WholeWindow read_window(LayerDefinition& definition, const SlidingWindow& names, std::int64_t length,
                        std::int64_t outputs) {
  const auto whole = [&](std::string_view name) { return static_cast<std::int64_t>(attribute(definition, name)); };
  return {whole(names.kernel),         whole(names.stride),        whole(names.dilation),
          whole(names.padding_before), whole(names.padding_after), length, outputs};
}

/// Outputs [o, p) read the rows [o s - b, (p - 1) s - b + d (k - 1) + 1), of which those outside the image are padding.
std::vector<Reach> reaches(const WholeWindow& window, std::uint32_t ranks) {
  const auto rows = equal_bounds(window.length, ranks), outputs = equal_bounds(window.outputs, ranks);
  std::vector<Reach> all;
  for (std::uint32_t rank = 0; rank < ranks; ++rank) {
    const std::int64_t first = outputs[rank] * window.stride - window.padding_before;
    const std::int64_t end = (outputs[rank + 1] - 1) * window.stride - window.padding_before +
                             window.dilation * (window.kernel - 1) + 1;
    all.push_back({rows[rank], rows[rank + 1], std::clamp<std::int64_t>(first, 0, window.length),
                   std::clamp<std::int64_t>(end, 0, window.length), std::max<std::int64_t>(0, -first),
                   std::max<std::int64_t>(0, end - window.length)});
  }
  return all;
}

struct StripRows {
  std::int64_t from_before, from_after, to_before, to_after;
};

std::vector<StripRows> strips_of(const std::vector<Reach>& all, std::string_view layer, MeshAxis axis) {
  std::vector<StripRows> strips;
  for (const Reach& own : all)
    strips.push_back({std::max<std::int64_t>(0, own.own_first - own.first),
                      std::max<std::int64_t>(0, own.end - own.own_end), 0, 0});
  for (std::size_t rank = 0; rank < all.size(); ++rank) {
    const auto refuse = [&](std::size_t neighbour, std::int64_t rows) {
      throw InputError(fmt::format("{}: the halo of {} rank {} is larger than the part of its neighbour", layer,
                                   name_of(axis), rank),
                       fmt::format("{} rows of {}", rows, all[neighbour].own_end - all[neighbour].own_first),
                       fmt::format("fewer {} ranks, or a smaller window", name_of(axis)));
    };
    if (strips[rank].from_before > 0) {
      if (rank == 0 || all[rank].first < all[rank - 1].own_first)
        refuse(rank == 0 ? 0 : rank - 1, strips[rank].from_before);
      strips[rank - 1].to_after = strips[rank].from_before;
    }
    if (strips[rank].from_after > 0) {
      if (rank + 1 == all.size() || all[rank].end > all[rank + 1].own_end)
        refuse(rank + 1 < all.size() ? rank + 1 : rank, strips[rank].from_after);
      strips[rank + 1].to_before = strips[rank].from_after;
    }
  }
  return strips;
}

HaloStrips elements_of(const StripRows& rows, std::int64_t row) {
  HaloStrips strips;
  std::int64_t at = 0;
  const auto next = [&](std::int64_t count) {
    const ElementRange range{at, count * row};
    at += range.count;
    return range;
  };
  strips.from_before = next(rows.from_before);
  strips.from_after = next(rows.from_after);
  strips.to_before = next(rows.to_before);
  strips.to_after = next(rows.to_after);
  return strips;
}

std::int64_t count_of(const std::vector<IndexRun>& runs, std::int64_t whole) {
  if (runs.empty()) return whole;
  std::int64_t count = 0;
  for (const IndexRun& run : runs) count += run.count;
  return count;
}

}  // namespace

/// What one rank's layer reads of its neighbours along one axis.
struct ShardBuilder::Halo {
  LayerId reader, producer;
  MeshAxis axis;
  std::size_t dimension;
  Reach own;
  std::vector<StripRows> strips;  ///< by rank
  StripRows mine;
  std::int64_t row;               ///< elements of one row of one sample

  bool travels() const {
    return std::any_of(strips.begin(), strips.end(),
                       [](const StripRows& rows) { return rows.from_before + rows.from_after > 0; });
  }
  std::vector<std::pair<std::string, double>> attributes() const {
    const auto number = [](std::int64_t value) { return static_cast<double>(std::max<std::int64_t>(0, value)); };
    return {{"dimension", static_cast<double>(dimension)},
            {"from_before", number(mine.from_before)},
            {"from_after", number(mine.from_after)},
            {"to_before", number(mine.to_before)},
            {"to_after", number(mine.to_after)},
            {"skip_before", number(own.first - own.own_first)},
            {"skip_after", number(own.own_end - own.end)}};
  }
};

void ShardBuilder::add_halo_layer(const Halo& halo, std::string_view suffix, const LayerKind& kind,
                                  std::vector<std::string> inputs, LocalLayer local) {
  const std::string& reader = choice_.model.layer(halo.reader).name;
  LayerDefinition definition{.name = fmt::format("{}.{}.{}", reader, name_of(halo.axis), suffix),
                             .kind = std::string(kind.name),
                             .inputs = std::move(inputs)};
  if (!is_exchange(kind)) definition.attributes = halo.attributes();
  definition.row = &kind;
  add({std::move(definition), std::move(local), place_});
}

void ShardBuilder::add_halo_exchange(const Halo& halo) {
  const Layer& producer = choice_.model.layer(halo.producer);
  const bool gradient = choice_.model.needs_gradient(halo.producer) || !producer.parameters.empty();
  LayerCollective collective{halo.axis, CollectiveKind::halo_exchange,
                             gradient ? std::optional(CollectiveKind::halo_return) : std::nullopt, {}, {}};
  for (const StripRows& rows : halo.strips) collective.strips.push_back(elements_of(rows, halo.row));
  add_halo_layer(halo, "halo", exchange_kind(), {entries_.back().definition.name}, {{}, {}, std::move(collective)});
  const AxisLayout layout = rule(halo.reader, halo.axis).inputs[0];
  conversions_.push_back({producer.name, choice_.model.layer(halo.reader).name, halo.axis, layout, layout,
                          fmt::format("halo of {} + {} rows", halo.mine.from_before, halo.mine.from_after),
                          bytes_of(producer.output.type) * (halo.row * (halo.mine.from_before + halo.mine.from_after) * batch_)});
}

LocalTensor ShardBuilder::joined(const Halo& halo, LocalTensor tensor) {
  const auto& dims = choice_.model.layer(halo.producer).output.dims;
  add_halo_layer(halo, "halo_send", halo_send_kind(), {tensor.name}, {});
  if (halo.travels()) add_halo_exchange(halo);
  if (tensor.slice.empty()) tensor.slice.resize(dims.size());
  tensor.slice[halo.dimension] = {{halo.own.first, halo.own.end - halo.own.first}};
  add_halo_layer(halo, "halo_join", halo_join_kind(), {tensor.name, entries_.back().definition.name},
                 {{}, tensor.slice, {}});
  tensor.name = entries_.back().definition.name;
  return tensor;
}

LocalTensor ShardBuilder::with_halo(LayerId reader, MeshAxis axis, LocalTensor tensor, LayerDefinition& definition) {
  const LayoutRule& own_rule = rule(reader, axis);
  const Layer& layer = choice_.model.layer(reader);
  const auto dimension = static_cast<std::size_t>(own_rule.output.dimension);
  const auto& dims = choice_.model.layer(layer.inputs[0]).output.dims;
  const WholeWindow window = read_window(definition, *own_rule.window, dims[dimension], layer.output.dims[dimension]);
  require_divides(reader, axis, own_rule.output, window.outputs, fmt::format("its {}", name_of(axis)));
  const std::vector<Reach> all = reaches(window, mesh_.size(axis));
  const std::vector<StripRows> strips = strips_of(all, layer.name, axis);
  const Reach& own = all[at_[axis]];
  attribute(definition, own_rule.window->padding_before) = static_cast<double>(own.padding_before);
  attribute(definition, own_rule.window->padding_after) = static_cast<double>(own.padding_after);
  const bool alike = std::all_of(all.begin(), all.end(), [](const Reach& rank) {
    return rank.first == rank.own_first && rank.end == rank.own_end;
  });
  if (alike) return tensor;
  std::int64_t row = 1;
  for (std::size_t d = 0; d < dims.size(); ++d)
    if (d != dimension) row *= count_of(tensor.slice.empty() ? std::vector<IndexRun>{} : tensor.slice[d], dims[d]);
  return joined({reader, layer.inputs[0], axis, dimension, own, strips, strips[at_[axis]], row}, std::move(tensor));
}

}  // namespace tandem
