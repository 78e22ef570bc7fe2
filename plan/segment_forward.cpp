// Where the values of a segment lie: kept for backward, in a message, or in the workspace of F.

#include <algorithm>

#include "plan/segment_layout.hpp"

namespace tandem {

/// Does the backward of a layer in this segment read the tensor?
bool SegmentLayout::kept(LayerId tensor) const {
  if (inside(tensor) && model_.layer(tensor).kept.output && runs_backward(tensor)) return true;
  const auto& readers = model_.layer(tensor).readers;
  return std::any_of(readers.begin(), readers.end(), [&](LayerId reader) {
    const Layer& layer = model_.layer(reader);
    if (!inside(reader) || !runs_backward(reader)) return false;
    for (std::size_t i = 0; i < layer.inputs.size(); ++i)
      if (layer.inputs[i] == tensor && layer.kept.inputs[i]) return true;
    return false;
  });
}

Placement SegmentLayout::save(Bytes bytes) {
  const Placement placement{Place::saved, segment_.saved_bytes.count};
  segment_.saved_bytes += Bytes{aligned_size(bytes)};
  return placement;
}

void SegmentLayout::place_output(LayerId layer, std::vector<PendingPlacement>& workspace) {
  const Bytes bytes = model_.layer(layer).output.bytes(segment_.batch);
  LayerPlan& entry = plan(layer);
  if (kept(layer)) {
    entry.output = save(bytes);
  } else if (const BoundaryTensor* crossing = find_tensor(segment_.outbox, layer)) {
    entry.output = {Place::outbox, crossing->offset};
  } else {
    entry.output = {Place::workspace, 0};
    workspace.push_back({&entry.output, {index_of(layer), index_of(last_reader(layer)) + 1, bytes}});
  }
}

void SegmentLayout::place_forward() {
  Segment& s = segment_;
  std::vector<PendingPlacement> workspace;
  for (std::size_t index = s.first; index < s.last; ++index) {
    const LayerId layer = id(index);
    LayerPlan& entry = plan(layer);
    entry.layer = layer;
    place_output(layer, workspace);
    for (const TensorSpec& extra : model_.layer(layer).kept.extra) entry.extra.push_back(save(extra.bytes(s.batch)));
    if (const Bytes scratch = model_.scratch(layer, Pass::forward, s.batch); scratch.count > 0) {
      entry.scratch = {Place::workspace, 0};
      workspace.push_back({&entry.scratch, {index_of(layer), index_of(layer) + 1, scratch}});
    }
  }
  place_pending(workspace, s.forward_workspace);
  for (const BoundaryTensor& entry : s.inbox) values_[entry.tensor] = {Place::inbox, entry.offset};
  for (LayerPlan& entry : s.layers) values_[entry.layer] = entry.output;
  for (LayerPlan& entry : s.layers)
    for (const LayerId input : model_.layer(entry.layer).inputs) entry.inputs.push_back(values_.at(input));
  s.keeps_inbox = std::any_of(s.inbox.begin(), s.inbox.end(), [&](const auto& entry) { return kept(entry.tensor); });
  for (const BoundaryTensor& entry : s.outbox)
    if (const Placement to{Place::outbox, entry.offset}; values_.at(entry.tensor) != to)
      s.forward_copies.push_back({values_.at(entry.tensor), to, entry.bytes});
}

}  // namespace tandem
