// Where the values of a segment lie: kept for backward, in a message, or in the workspace of F.

#include <algorithm>

#include "plan/segment_layout.hpp"

namespace tandem {

LayerId SegmentLayout::root(LayerId tensor) const {
  while (is_exchange(tensor)) tensor = model_.layer(tensor).inputs[0];
  return tensor;
}

Placement SegmentLayout::save(LayerId layer, Bytes bytes, bool weights_read) {
  if (const std::uint32_t unit = unit_[row(layer)]; unit > 0) {
    Bytes& size = segment_.offloaded_bytes[unit - 1];
    const Placement placement{Place::saved, size.count, unit};
    size += Bytes{aligned_size(bytes)};
    return placement;
  }
  const bool until_input = options_.split_backward && !weights_read;
  Bytes& size = until_input ? segment_.saved_for_input_bytes : segment_.saved_bytes;
  const Placement placement{until_input ? Place::saved_for_input : Place::saved, size.count};
  size += Bytes{aligned_size(bytes)};
  return placement;
}

void SegmentLayout::place_output(LayerId layer, std::vector<PendingPlacement>& workspace) {
  const Bytes bytes = model_.bytes(layer, segment_.batch);
  LayerPlan& entry = plan(layer);
  const BoundaryTensor* crossing = nullptr;
  Times life = forward_times_[row(layer)];
  for (std::size_t index = index_of(layer); index < segment_.last; ++index) {
    if (root(id(index)) == layer && crossing == nullptr) crossing = find_tensor(segment_.outbox, id(index));
    for (const LayerId input : model_.layer(id(index)).inputs)
      if (inside(input) && root(input) == layer) life.join(forward_times_[row(id(index))]);
  }
  if (saved_[row(layer)]) {
    entry.output = save(layer, bytes, weights_read(layer));
  } else if (crossing != nullptr) {
    entry.output = {Place::outbox, crossing->offset};
  } else {
    entry.output = {Place::workspace, 0};
    workspace.push_back({&entry.output, {life.first, life.last + 1, bytes}});
  }
}

/// Those that are computed again live no longer than F's kernel.
void SegmentLayout::place_extra(LayerId layer, std::vector<PendingPlacement>& workspace) {
  LayerPlan& entry = plan(layer);
  const auto& extra = model_.layer(layer).kept.extra;
  entry.extra.resize(extra.size());
  const Times& times = forward_times_[row(layer)];
  for (std::size_t i = 0; i < extra.size(); ++i) {
    const Bytes bytes = extra[i].bytes(model_.samples(layer, segment_.batch));
    if (!again_[row(layer)]) {
      entry.extra[i] = save(layer, bytes, !model_.layer(layer).parameters.empty());
      continue;
    }
    entry.extra[i] = {Place::workspace, 0};
    workspace.push_back({&entry.extra[i], {times.first, times.last + 1, bytes}});
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
    place_extra(layer, workspace);
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
  s.keeps_inbox = std::any_of(s.inbox.begin(), s.inbox.end(),
                              [&](const auto& entry) { return need_of(entry.tensor, kKeeps).any(); });
  s.offloads_inbox = s.keeps_inbox && options_.offload_inbox;
  for (const BoundaryTensor& entry : s.outbox)
    if (const Placement to{Place::outbox, entry.offset}; values_.at(entry.tensor) != to)
      s.forward_copies.push_back({values_.at(entry.tensor), to, entry.bytes});
}

}  // namespace tandem
