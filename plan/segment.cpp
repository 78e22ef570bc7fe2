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

LayerId SegmentLayout::last_reader(LayerId tensor) const {
  LayerId last = tensor;
  for (const LayerId reader : model_.layer(tensor).readers)
    if (inside(reader)) last = std::max(last, reader);
  return last;
}

void SegmentLayout::add_parameters() {
  std::map<ParameterId, std::int64_t> weight_offset;
  std::int64_t weights = 0, gradients = 0;
  const auto each = [this](auto&& act) {
    for (const LayerPlan& entry : segment_.layers)
      for (const ParameterId parameter : model_.layer(entry.layer).parameters) act(parameter);
  };
  const auto is_shared = [this](ParameterId parameter) {
    const auto owner = model_.parameter(parameter).tied_to;
    return owner && inside(model_.parameter(*owner).layer);
  };
  each([&](ParameterId parameter) {
    if (is_shared(parameter)) return;
    weight_offset[parameter] = weights;
    weights += aligned_size(model_.parameter(parameter).spec.bytes());
  });
  each([&](ParameterId parameter) {
    const Parameter& row = model_.parameter(parameter);
    const ParameterId home = is_shared(parameter) ? *row.tied_to : parameter;
    segment_.parameters.push_back(
        {parameter, weight_offset.at(home), gradients, row.spec.elements(), home == parameter});
    gradients += aligned_size(row.spec.bytes());
  });
  segment_.weight_bytes = {weights};
  segment_.gradient_bytes = {gradients};
}

Segment lay_out_segment(const Model& model, std::size_t first, std::size_t last, std::int64_t batch) {
  SegmentLayout layout(model, first, last, batch);
  layout.add_boundaries();
  layout.place_forward();
  layout.place_backward();
  layout.add_parameters();
  return std::move(layout).take();
}

}  // namespace tandem
