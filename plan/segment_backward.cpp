// Where the gradients of a segment gather, and which reader writes first.

#include "plan/segment_layout.hpp"

namespace tandem {

/// Where the tensor's gradient gathers: with the message that brings or takes it, else in the workspace.
Placement SegmentLayout::place_gradient(LayerId tensor) const {
  if (const BoundaryTensor* outgoing = find_tensor(segment_.gradient_outbox, tensor))
    return {Place::gradient_outbox, outgoing->offset};
  if (const BoundaryTensor* incoming = find_tensor(segment_.gradient_inbox, tensor))
    return {Place::gradient_inbox, incoming->offset};
  const bool due = inside(tensor) && requires_gradient(tensor) && last_reader(tensor) != tensor;
  return {due ? Place::workspace : Place::none, 0};
}

void SegmentLayout::add_gradient_writers(LayerId layer, std::map<LayerId, bool>& written) {
  LayerPlan& entry = plan(layer);
  const auto& inputs = model_.layer(layer).inputs;
  entry.runs_input_gradient = model_.needs_gradient(layer);
  entry.runs_weight_gradient = !model_.layer(layer).parameters.empty();
  for (const LayerId input : inputs) {
    const bool due = entry.runs_input_gradient && requires_gradient(input);
    entry.input_gradients.push_back(due ? gradients_.at(input) : Placement{});
    entry.accumulate.push_back(due && written[input]);
    if (due) written[input] = true;
  }
}

void SegmentLayout::place_backward() {
  Segment& s = segment_;
  std::vector<PendingPlacement> workspace;
  std::map<LayerId, bool> written;
  const auto moment = [&s](LayerId layer) { return static_cast<std::int64_t>(s.last - 1 - index_of(layer)); };
  for (const auto& [tensor, place] : values_) gradients_[tensor] = place_gradient(tensor);
  for (auto& [tensor, placement] : gradients_)
    if (placement.place == Place::workspace)
      workspace.push_back({&placement, {moment(last_reader(tensor)), moment(tensor) + 1,
                                        model_.layer(tensor).output.bytes(s.batch)}});
  const auto add_scratch = [&](LayerId layer, Pass pass, Placement& placement) {
    const Bytes scratch = model_.scratch(layer, pass, s.batch);
    if (scratch.count == 0 || !runs_backward(layer)) return;
    placement = {Place::workspace, 0};
    workspace.push_back({&placement, {moment(layer), moment(layer) + 1, scratch}});
  };
  for (LayerPlan& entry : s.layers) {
    add_scratch(entry.layer, Pass::input_gradient, entry.input_gradient_scratch);
    add_scratch(entry.layer, Pass::weight_gradient, entry.weight_gradient_scratch);
  }
  place_pending(workspace, s.backward_workspace);
  for (const BoundaryTensor& entry : s.gradient_inbox) {
    written[entry.tensor] = true;
    if (const Placement from{Place::gradient_inbox, entry.offset}; gradients_.at(entry.tensor) != from)
      s.backward_copies.push_back({from, gradients_.at(entry.tensor), entry.bytes});
  }
  for (auto entry = s.layers.rbegin(); entry != s.layers.rend(); ++entry) {
    entry->output_gradient = gradients_.at(entry->layer);
    add_gradient_writers(entry->layer, written);
  }
}

}  // namespace tandem
