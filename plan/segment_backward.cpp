// Where the gradients of a segment gather, and which reader writes first.

#include <set>

#include "plan/segment_layout.hpp"

namespace tandem {

LayerId SegmentLayout::gradient_root(LayerId tensor) const {
  for (;;) {
    const auto& readers = model_.layer(tensor).readers;
    if (readers.size() != 1 || !is_exchange(readers[0])) return tensor;
    tensor = readers[0];
  }
}

/// From the first reader that writes it to the last pass of its own layer; for all tensors that gather in one place.
Times SegmentLayout::life_of_gradient(LayerId tensor) const {
  Times life;
  for (const LayerId reader : model_.layer(tensor).readers)
    if (inside(reader)) life.join(input_times_[row(reader)]);
  life.join(input_times_[row(tensor)]);
  life.join(weight_times_[row(tensor)]);
  return life;
}

/// With the message that brings or takes it, else in the workspace.
void SegmentLayout::place_gradients(PendingBackward& pending) {
  std::map<LayerId, Times> lives;
  for (const auto& [tensor, place] : values_) {
    const LayerId home = gradient_root(tensor);
    if (const BoundaryTensor* outgoing = find_tensor(segment_.gradient_outbox, tensor))
      gradients_[home] = {Place::gradient_outbox, outgoing->offset};
    if (inside(tensor) && requires_gradient(tensor)) lives[home].join(life_of_gradient(tensor));
  }
  std::set<LayerId> arriving;
  for (const auto& [tensor, place] : values_) {
    const BoundaryTensor* incoming = find_tensor(segment_.gradient_inbox, tensor);
    if (incoming == nullptr) continue;
    const LayerId home = gradient_root(tensor);
    const auto life = lives.find(home);
    if (life != lives.end() && life->second.last >= weights_begin_) {
      life->second.touch(0);  // copied out of the message before all else
      arriving.insert(home);
    } else {
      gradients_.try_emplace(home, Placement{Place::gradient_inbox, incoming->offset});
    }
  }
  for (const auto& [home, life] : lives) {
    const auto& readers = model_.layer(home).readers;
    const bool is_read = arriving.contains(home) || std::any_of(readers.begin(), readers.end(),
                                                                [this](LayerId reader) { return inside(reader); });
    if (!life.touched() || !is_read || gradients_.contains(home)) continue;
    pend(life, model_.bytes(home, segment_.batch), gradients_[home], pending);
  }
  for (const auto& [tensor, place] : values_)
    if (gradient_root(tensor) != tensor) gradients_.try_emplace(gradient_root(tensor), Placement{});
}

void SegmentLayout::add_gradient_writers(LayerId layer, std::map<LayerId, bool>& written) {
  LayerPlan& entry = plan(layer);
  const auto& inputs = model_.layer(layer).inputs;
  const auto gradient_of = [&](LayerId tensor) {
    const auto at = gradients_.find(gradient_root(tensor));
    return requires_gradient(tensor) && at != gradients_.end() ? at->second : Placement{};
  };
  entry.output_gradient = gradient_of(layer);
  entry.runs_weight_gradient = !model_.layer(layer).parameters.empty();
  entry.runs_input_gradient = model_.needs_gradient(layer) &&
                              !(is_exchange(layer) && gradient_root(inputs[0]) == gradient_root(layer));
  for (const LayerId input : inputs) {
    const bool due = model_.needs_gradient(layer) && requires_gradient(input);
    entry.input_gradients.push_back(due ? gradient_of(input) : Placement{});
    entry.accumulate.push_back(due && written[input]);
    if (due) written[input] = true;
  }
}

void SegmentLayout::place_backward() {
  Segment& s = segment_;
  PendingBackward pending;
  keep_again(pending);
  place_gradients(pending);
  const auto add_scratch = [&](LayerId layer, Pass pass, const Times& times, Placement& placement) {
    const Bytes scratch = model_.scratch(layer, pass, s.batch);
    if (scratch.count == 0 || !runs_backward(layer) || !times.touched()) return;
    placement = {Place::workspace, 0};
    (times.first >= weights_begin_ ? pending.weights : pending.workspace)
        .push_back({&placement, {times.first, times.last + 1, scratch}});
  };
  for (LayerPlan& entry : s.layers) {
    add_scratch(entry.layer, Pass::input_gradient, input_times_[row(entry.layer)], entry.input_gradient_scratch);
    add_scratch(entry.layer, Pass::weight_gradient, weight_times_[row(entry.layer)], entry.weight_gradient_scratch);
  }
  place_pending(pending.workspace, s.backward_workspace);
  place_pending(pending.deferred, s.deferred_bytes);
  place_pending(pending.weights, s.weight_workspace);
  share_kept();
  std::map<LayerId, bool> written;
  for (const BoundaryTensor& entry : s.gradient_inbox) {
    written[entry.tensor] = true;
    if (const Placement from{Place::gradient_inbox, entry.offset}; gradients_.at(gradient_root(entry.tensor)) != from)
      s.backward_copies.push_back({from, gradients_.at(gradient_root(entry.tensor)), entry.bytes});
  }
  for (std::size_t index = s.last; index-- > s.first;) add_gradient_writers(id(index), written);
}

}  // namespace tandem
