// Where a segment's weights and gradients lie, and the ranges of them that are reduced at once.

#include <algorithm>
#include <map>
#include <tuple>

#include "plan/segment_layout.hpp"

namespace tandem {

bool SegmentLayout::is_tied(ParameterId parameter) const {
  if (model_.parameter(parameter).tied_to) return true;
  return std::any_of(model_.parameters().begin(), model_.parameters().end(),
                     [&](const Parameter& other) { return other.tied_to == parameter; });
}

/// The parameter itself, or that of this segment which it is tied to.
ParameterId SegmentLayout::home_of(ParameterId parameter) const {
  const auto owner = model_.parameter(parameter).tied_to;
  return owner && inside(model_.parameter(*owner).layer) ? *owner : parameter;
}

/// Weights lie as their gradients do: by the axes over which gradients are reduced, so that a bucket is one range of
/// both. Gradients of a tied use come last, as they are never reduced themselves; such a use has no weight of its own.
void SegmentLayout::add_parameters() {
  auto& rows = segment_.parameters;
  for (const LayerPlan& entry : segment_.layers)
    for (const ParameterId parameter : model_.layer(entry.layer).parameters)
      rows.push_back({parameter, 0, 0, model_.parameter(parameter).spec.elements(), home_of(parameter) == parameter});
  std::vector<SegmentParameter*> order;
  for (SegmentParameter& row : rows) order.push_back(&row);
  const auto key = [this](const SegmentParameter* row) {
    const bool apart = options_.zero >= 2 && is_tied(row->parameter);
    return std::tuple(!row->updated, apart, local_.parameters[index_of(row->parameter)].partial);
  };
  std::stable_sort(order.begin(), order.end(), [&](const auto* a, const auto* b) { return key(a) < key(b); });
  std::map<ParameterId, std::int64_t> weight_offset;
  std::int64_t end = 0;  // in bytes of weights
  for (SegmentParameter* row : order) {
    row->gradient_offset = segment_.in_gradients(end);
    if (row->updated) weight_offset[row->parameter] = end;
    end += aligned_size(segment_.bytes_of(*row));
    if (row->updated) segment_.weight_bytes = Bytes{end};
  }
  segment_.gradient_bytes = Bytes{segment_.in_gradients(end)};
  for (SegmentParameter& row : rows) row.weight_offset = weight_offset.at(home_of(row.parameter));
}

bool SegmentLayout::is_in_bucket(ParameterId parameter) const {
  return options_.all_in_buckets || local_.parameters[index_of(parameter)].partial != std::array<bool, kMeshAxes>{};
}

/// Of the layer's parameters, what lies in buckets that are complete before the iteration ends.
Bytes SegmentLayout::bytes_in_buckets(LayerId layer) const {
  Bytes sum;
  for (const ParameterId parameter : model_.layer(layer).parameters)
    if (is_in_bucket(parameter) && !(options_.zero >= 2 && is_tied(parameter)))
      sum += Bytes{aligned_size(model_.parameter(parameter).spec.bytes())};
  return sum;
}

/// By row: does a bucket end with this layer, from the last one on?
std::vector<bool> SegmentLayout::bucket_ends() const {
  std::vector<bool> ends(segment_.layers.size(), false);
  Bytes open;
  for (std::size_t index = segment_.last; index-- > segment_.first;) {
    open += bytes_in_buckets(id(index));
    if (open.count == 0 || open < options_.bucket) continue;
    ends[row(id(index))] = true;
    open = {};
  }
  return ends;
}

/// Ranges of parameters that are reduced over the same axes, from the last layer to the first.
void SegmentLayout::add_buckets() {
  std::map<std::uint32_t, std::uint32_t> part_of_row;
  const auto& parts = options_.split_backward ? segment_.weight_parts : segment_.backward_parts;
  for (std::uint32_t part = 0; part < parts.size(); ++part)
    for (const PassItem& item : parts[part].items)
      if (item.pass == Pass::weight_gradient) part_of_row[item.layer] = part;
  std::map<std::pair<bool, std::array<bool, kMeshAxes>>, GradientBucket> open;  // by tied, where these are apart
  const auto finish = [this](GradientBucket& bucket) {
    if (bucket.bytes.count > 0) segment_.buckets.push_back(bucket);
    bucket.bytes = {};
  };
  for (auto row = segment_.parameters.rbegin(); row != segment_.parameters.rend(); ++row) {
    const auto& over = local_.parameters[index_of(row->parameter)].partial;
    if (!row->updated || !is_in_bucket(row->parameter)) continue;
    const bool tied = is_tied(row->parameter), apart = options_.zero >= 2;
    GradientBucket& bucket = open[{tied && apart, over}];
    if (bucket.bytes.count == 0) bucket = {over, 0, {}, 0, false};
    bucket.offset = row->weight_offset;
    bucket.bytes += Bytes{aligned_size(segment_.bytes_of(*row))};
    bucket.ready_part = std::max(bucket.ready_part, part_of_row.at(this->row(model_.parameter(row->parameter).layer)));
    bucket.tied = bucket.tied || tied;
    const bool within = std::next(row) != segment_.parameters.rend() &&
                        model_.parameter(std::next(row)->parameter).layer == model_.parameter(row->parameter).layer;
    if (bucket.bytes >= options_.bucket && !(apart && (within || tied))) finish(bucket);
  }
  for (auto& [key, bucket] : open) finish(bucket);
  std::stable_sort(segment_.buckets.begin(), segment_.buckets.end(), [](const auto& a, const auto& b) {
    return std::pair(a.tied, a.ready_part) < std::pair(b.tied, b.ready_part);
  });
}

}  // namespace tandem
