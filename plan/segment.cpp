#include "plan/segment.hpp"

#include <algorithm>
#include <map>

#include "plan/segment_layout.hpp"

namespace tandem {
namespace {

/// Lays tensors out one after the other; returns the size.
Bytes pack_boundary(const Model& model, const std::vector<LayerId>& tensors, std::int64_t batch,
                    std::vector<BoundaryTensor>& out) {
  std::int64_t offset = 0;
  for (const LayerId tensor : tensors) {
    const Bytes bytes = model.layer(tensor).output.bytes(batch);
    out.push_back({tensor, offset, bytes});
    offset += aligned_size(bytes);
  }
  return {offset};
}

}  // namespace

const BoundaryTensor* find_tensor(const std::vector<BoundaryTensor>& pack, LayerId tensor) {
  const auto at = std::find_if(pack.begin(), pack.end(), [&](const auto& entry) { return entry.tensor == tensor; });
  return at == pack.end() ? nullptr : &*at;
}

void place_pending(const std::vector<PendingPlacement>& pending, Bytes& size) {
  std::vector<Lifetime> lives;
  for (const PendingPlacement& item : pending) lives.push_back(item.life);
  const Packing packing = pack_lifetimes(lives);
  for (std::size_t i = 0; i < pending.size(); ++i) pending[i].placement->offset = packing.offsets[i];
  size = packing.size;
}

std::vector<LayerId> SegmentLayout::gradients_among(const std::vector<BoundaryTensor>& pack) const {
  std::vector<LayerId> tensors;
  for (const BoundaryTensor& entry : pack)
    if (requires_gradient(entry.tensor)) tensors.push_back(entry.tensor);
  return tensors;
}

void SegmentLayout::add_boundaries() {
  Segment& s = segment_;
  if (s.first > 0) s.inbox_bytes = pack_boundary(model_, model_.crossing(s.first), s.batch, s.inbox);
  if (s.last < model_.layer_count()) s.outbox_bytes = pack_boundary(model_, model_.crossing(s.last), s.batch, s.outbox);
  s.gradient_outbox_bytes = pack_boundary(model_, gradients_among(s.inbox), s.batch, s.gradient_outbox);
  s.gradient_inbox_bytes = pack_boundary(model_, gradients_among(s.outbox), s.batch, s.gradient_inbox);
}

bool SegmentLayout::is_tied(ParameterId parameter) const {
  if (model_.parameter(parameter).tied_to) return true;
  return std::any_of(model_.parameters().begin(), model_.parameters().end(),
                     [&](const Parameter& other) { return other.tied_to == parameter; });
}

/// Weights lie in the order of the layers. Gradients lie by the axes over which they are reduced, so that a bucket is
/// one range; those of a tied use come last, as they are never reduced themselves.
void SegmentLayout::add_parameters() {
  std::map<ParameterId, std::int64_t> weight_offset;
  std::int64_t weights = 0, gradients = 0;
  const auto is_shared = [this](ParameterId parameter) {
    const auto owner = model_.parameter(parameter).tied_to;
    return owner && inside(model_.parameter(*owner).layer);
  };
  for (const LayerPlan& entry : segment_.layers)
    for (const ParameterId parameter : model_.layer(entry.layer).parameters) {
      const Parameter& row = model_.parameter(parameter);
      const ParameterId home = is_shared(parameter) ? *row.tied_to : parameter;
      if (home == parameter) {
        weight_offset[parameter] = weights;
        weights += aligned_size(row.spec.bytes());
      }
      segment_.parameters.push_back({parameter, weight_offset.at(home), 0, row.spec.elements(), home == parameter});
    }
  std::vector<SegmentParameter*> order;
  for (SegmentParameter& row : segment_.parameters) order.push_back(&row);
  const auto key = [this](const SegmentParameter* row) {
    return std::pair(!row->updated, local_.parameters[index_of(row->parameter)].partial);
  };
  std::stable_sort(order.begin(), order.end(), [&](const auto* a, const auto* b) { return key(a) < key(b); });
  for (SegmentParameter* row : order) {
    row->gradient_offset = gradients;
    gradients += aligned_size(Bytes{4} * row->elements);
  }
  segment_.weight_bytes = {weights};
  segment_.gradient_bytes = {gradients};
}

/// Ranges of parameters that are reduced over the same axes, from the last layer to the first.
void SegmentLayout::add_buckets() {
  std::map<std::uint32_t, std::uint32_t> part_of_row;
  const auto& parts = options_.split_backward ? segment_.weight_parts : segment_.backward_parts;
  for (std::uint32_t part = 0; part < parts.size(); ++part)
    for (const PassItem& item : parts[part].items)
      if (item.pass == Pass::weight_gradient) part_of_row[item.layer] = part;
  std::map<std::array<bool, kMeshAxes>, GradientBucket> open;
  const auto finish = [this](GradientBucket& bucket) {
    if (bucket.bytes.count > 0) segment_.buckets.push_back(bucket);
    bucket.bytes = {};
  };
  for (auto row = segment_.parameters.rbegin(); row != segment_.parameters.rend(); ++row) {
    const auto& over = local_.parameters[index_of(row->parameter)].partial;
    if (!row->updated || over == std::array<bool, kMeshAxes>{}) continue;
    GradientBucket& bucket = open[over];
    if (bucket.bytes.count == 0) bucket = {over, 0, {}, 0, false};
    bucket.offset = row->gradient_offset;
    bucket.bytes += Bytes{aligned_size(Bytes{4} * row->elements)};
    bucket.ready_part = std::max(bucket.ready_part, part_of_row.at(this->row(model_.parameter(row->parameter).layer)));
    bucket.tied = bucket.tied || is_tied(row->parameter);
    if (bucket.bytes >= options_.bucket) finish(bucket);
  }
  for (auto& [over, bucket] : open) finish(bucket);
  std::stable_sort(segment_.buckets.begin(), segment_.buckets.end(), [](const auto& a, const auto& b) {
    return std::pair(a.tied, a.ready_part) < std::pair(b.tied, b.ready_part);
  });
}

std::uint32_t Segment::first_gradient_part() const {
  std::uint32_t part = 0;
  while (part + 1 < backward_parts.size() && backward_parts[part].recomputes) ++part;
  return part;
}

Segment lay_out_segment(const LocalModel& local, std::size_t first, std::size_t last, std::int64_t batch,
                        const SegmentOptions& options) {
  SegmentLayout layout(local, first, last, batch, options);
  layout.add_boundaries();
  layout.choose_kept();
  layout.choose_units();
  layout.order_forward();
  layout.order_backward();
  layout.place_forward();
  layout.place_backward();
  layout.add_parameters();
  layout.add_buckets();
  return std::move(layout).take();
}

}  // namespace tandem
