// Where the values of a segment lie: kept for backward, in a message, or in the workspace of F.

#include <algorithm>

#include "plan/segment_layout.hpp"

namespace tandem {

LayerId SegmentLayout::root(LayerId tensor) const {
  while (is_exchange(tensor)) tensor = model_.layer(tensor).inputs[0];
  return tensor;
}

/// Does the backward of a layer in this segment read what lies here?
bool SegmentLayout::kept(LayerId root_tensor) const {
  if (inside(root_tensor) && model_.layer(root_tensor).kept.output && runs_backward(root_tensor)) return true;
  for (std::size_t index = segment_.first; index < segment_.last; ++index) {
    const Layer& layer = model_.layer(id(index));
    if (!runs_backward(id(index))) continue;
    for (std::size_t i = 0; i < layer.inputs.size(); ++i)
      if (layer.kept.inputs[i] && root(layer.inputs[i]) == root_tensor) return true;
  }
  return false;
}

Placement SegmentLayout::save(Bytes bytes) {
  const Placement placement{Place::saved, segment_.saved_bytes.count};
  segment_.saved_bytes += Bytes{aligned_size(bytes)};
  return placement;
}

void SegmentLayout::place_output(LayerId layer, std::vector<PendingPlacement>& workspace) {
  const Bytes bytes = model_.layer(layer).output.bytes(segment_.batch);
  LayerPlan& entry = plan(layer);
  const BoundaryTensor* crossing = nullptr;
  Times life = forward_times_[row(layer)];
  for (std::size_t index = index_of(layer); index < segment_.last; ++index) {
    if (root(id(index)) == layer && crossing == nullptr) crossing = find_tensor(segment_.outbox, id(index));
    for (const LayerId input : model_.layer(id(index)).inputs)
      if (inside(input) && root(input) == layer) life.join(forward_times_[row(id(index))]);
  }
  if (kept(layer)) {
    entry.output = save(bytes);
  } else if (crossing != nullptr) {
    entry.output = {Place::outbox, crossing->offset};
  } else {
    entry.output = {Place::workspace, 0};
    workspace.push_back({&entry.output, {life.first, life.last + 1, bytes}});
  }
}

void SegmentLayout::place_forward() {
  Segment& s = segment_;
  std::vector<PendingPlacement> workspace;
  for (std::size_t index = s.first; index < s.last; ++index) {
    const LayerId layer = id(index);
    LayerPlan& entry = plan(layer);
    entry.layer = layer;
    if (is_exchange(layer)) continue;
    place_output(layer, workspace);
    for (const TensorSpec& extra : model_.layer(layer).kept.extra) entry.extra.push_back(save(extra.bytes(s.batch)));
    if (const Bytes scratch = model_.scratch(layer, Pass::forward, s.batch); scratch.count > 0) {
      const Times& times = forward_times_[row(layer)];
      entry.scratch = {Place::workspace, 0};
      workspace.push_back({&entry.scratch, {times.first, times.last + 1, scratch}});
    }
  }
  place_pending(workspace, s.forward_workspace);
  for (const BoundaryTensor& entry : s.inbox) values_[entry.tensor] = {Place::inbox, entry.offset};
  for (LayerPlan& entry : s.layers) {
    if (is_exchange(entry.layer)) entry.output = values_.at(root(entry.layer));
    values_[entry.layer] = entry.output;
  }
  for (LayerPlan& entry : s.layers)
    for (const LayerId input : model_.layer(entry.layer).inputs) entry.inputs.push_back(values_.at(input));
  s.keeps_inbox = std::any_of(s.inbox.begin(), s.inbox.end(), [&](const auto& entry) { return kept(entry.tensor); });
  for (const BoundaryTensor& entry : s.outbox)
    if (const Placement to{Place::outbox, entry.offset}; values_.at(entry.tensor) != to)
      s.forward_copies.push_back({values_.at(entry.tensor), to, entry.bytes});
}

}  // namespace tandem
