// What backward needs of forward: kept from it, or computed again, and where that lies then.

#include "plan/segment_layout.hpp"

namespace tandem {

/// Readers in backward: I and W where the kind keeps the value, and F where it runs again.
SegmentLayout::Need SegmentLayout::need_of(LayerId root_tensor, std::int32_t range) const {
  Need need;
  const auto note = [&](LayerId reader) { (range_[row(reader)] == range ? need.inside : need.outside) = true; };
  if (inside(root_tensor) && model_.layer(root_tensor).kept.output && runs_backward(root_tensor)) note(root_tensor);
  for (std::size_t index = segment_.first; index < segment_.last; ++index) {
    const Layer& layer = model_.layer(id(index));
    for (std::size_t i = 0; i < layer.inputs.size(); ++i) {
      const bool reads = again_[row(id(index))] || (layer.kept.inputs[i] && runs_backward(id(index)));
      if (reads && root(layer.inputs[i]) == root_tensor) note(id(index));
    }
  }
  return need;
}

/// Does W of any layer read what lies here?
bool SegmentLayout::weights_read(LayerId root_tensor) const {
  const Layer& own = model_.layer(root_tensor);
  if (own.kept.output && !own.parameters.empty()) return true;
  for (std::size_t index = segment_.first; index < segment_.last; ++index) {
    const Layer& layer = model_.layer(id(index));
    for (std::size_t i = 0; i < layer.inputs.size(); ++i)
      if (!layer.parameters.empty() && layer.kept.inputs[i] && root(layer.inputs[i]) == root_tensor) return true;
  }
  return false;
}

/// Halos travel in regions; what they bring is small, and kept.
bool SegmentLayout::may_repeat(LayerId exchange) const {
  return options_.repeat_collectives && collective(exchange)->forward != CollectiveKind::halo_exchange;
}

/// Is it changed in place by other ranks, so that F again would not give it?
bool SegmentLayout::crosses_collective(LayerId root_tensor) const {
  for (std::size_t index = segment_.first; index < segment_.last; ++index)
    if (is_exchange(id(index)) && collective(id(index))->forward && !may_repeat(id(index)) &&
        root(id(index)) == root_tensor)
      return true;
  return false;
}

/// Does backward run this collective of forward again, as what lies there is computed again and not kept?
bool SegmentLayout::repeats(LayerId exchange) const {
  if (!is_exchange(exchange) || !collective(exchange)->forward || !inside(root(exchange))) return false;
  const std::uint32_t home = row(root(exchange));
  return again_[home] && !saved_[home];
}

/// Of all readers in backward, does W alone read what lies here?
bool SegmentLayout::is_for_weights(LayerId root_tensor) const {
  for (std::size_t index = segment_.first; index < segment_.last; ++index) {
    const Layer& layer = model_.layer(id(index));
    for (std::size_t i = 0; i < layer.inputs.size(); ++i) {
      const bool by_gradient = layer.kept.reads_input(i, Pass::input_gradient) && runs_backward(id(index));
      const bool reads = again_[row(id(index))] || by_gradient;
      if (reads && root(layer.inputs[i]) == root_tensor) return false;
    }
  }
  return true;
}

/// Where W alone reads what has been gathered, the rank's own part is kept, and gathered again for it: the layers from
/// the part to `unpacked` become a range of their own. Gathers along several axes are one.
void SegmentLayout::choose_gather(LayerId unpacked) {
  const std::int32_t range = range_[row(unpacked)];
  const Need need = need_of(unpacked, range);
  if (!(range == kKeeps ? need.any() : need.outside) || !is_for_weights(unpacked)) return;
  const auto gather = gathers_begin_ + static_cast<std::int32_t>(gathered_.size());
  for (LayerId tensor = unpacked; inside(tensor) && model_.layer(tensor).kind == &unpack_kind();) {
    const LayerId exchange = model_.layer(tensor).inputs[0];
    if (!is_exchange(exchange) || !collective(exchange)->forward || !may_repeat(exchange)) break;
    const LayerId part = model_.layer(exchange).inputs[0];
    if (!inside(part) || model_.layer(part).kind != &put_block_kind()) break;
    for (const LayerId layer : {tensor, exchange, part}) range_[row(layer)] = gather;
    tensor = model_.layer(part).inputs[0];
    if (model_.layer(tensor).readers.size() != 1) break;
  }
  if (range_[row(unpacked)] == gather) gathered_.push_back(false);
}

/// From the last layer to the first: whether F of a layer runs again is known once its readers' is. Sources are kept.
void SegmentLayout::choose_kept() {
  range_.assign(segment_.layers.size(), kKeeps);
  saved_.assign(segment_.layers.size(), false);
  again_.assign(segment_.layers.size(), false);
  for (std::size_t range = 0; range < options_.recompute.size(); ++range) {
    const auto [first, last] = options_.recompute[range];
    for (std::size_t index = std::max(first, segment_.first); index < std::min(last, segment_.last); ++index)
      if (model_.layer(id(index)).kind->inputs > 0 && !is_exchange(id(index)))
        range_[row(id(index))] = static_cast<std::int32_t>(range);
  }
  gathers_begin_ = static_cast<std::int32_t>(options_.recompute.size());
  for (std::size_t index = segment_.last; index-- > segment_.first;) {
    const LayerId layer = id(index);
    if (is_exchange(layer)) continue;
    if (options_.repeat_collectives && range_[row(layer)] < gathers_begin_) choose_gather(layer);
    const std::int32_t range = range_[row(layer)];
    Need need = need_of(layer, range);
    if (range >= gathers_begin_) need = {need.any(), false};
    const bool may_lack = range != kKeeps && !crosses_collective(layer);
    saved_[row(layer)] = need.outside || (need.inside && !may_lack);
    const bool lacks_extra = !model_.layer(layer).kept.extra.empty() && runs_backward(layer);
    again_[row(layer)] = range != kKeeps && ((need.inside && !saved_[row(layer)]) || lacks_extra);
  }
}

/// A range of which nothing is kept is no unit.
void SegmentLayout::choose_units() {
  unit_.assign(segment_.layers.size(), 0);
  const auto keeps = [this](std::size_t index) {
    const std::uint32_t at = row(id(index));
    return saved_[at] || (!model_.layer(id(index)).kept.extra.empty() && !again_[at]);
  };
  for (const auto& [range_first, range_last] : options_.offload) {
    const std::size_t first = std::max(range_first, segment_.first), last = std::min(range_last, segment_.last);
    bool any = false;
    for (std::size_t index = first; index < last; ++index) any = any || keeps(index);
    if (!any) continue;
    segment_.offloaded_bytes.emplace_back();
    for (std::size_t index = first; index < last; ++index)
      unit_[row(id(index))] = static_cast<std::uint32_t>(segment_.offloaded_bytes.size());
  }
}

/// From F again to the last pass of backward that reads it.
Times SegmentLayout::life_of_value(LayerId root_tensor) const {
  Times life = again_times_[row(root_tensor)];
  if (model_.layer(root_tensor).kept.output) {
    life.join(input_times_[row(root_tensor)]);
    life.join(weight_times_[row(root_tensor)]);
  }
  for (std::size_t index = index_of(root_tensor); index < segment_.last; ++index) {
    const Layer& layer = model_.layer(id(index));
    for (std::size_t i = 0; i < layer.inputs.size(); ++i) {
      if (root(layer.inputs[i]) != root_tensor) continue;
      if (layer.kept.reads_input(i, Pass::input_gradient)) life.join(input_times_[row(id(index))]);
      if (layer.kept.reads_input(i, Pass::weight_gradient)) life.join(weight_times_[row(id(index))]);
      life.join(again_times_[row(id(index))]);
    }
  }
  return life;
}

void SegmentLayout::pend(const Times& life, Bytes bytes, Placement& placement, PendingBackward& pending,
                         bool by_weights) const {
  const bool waits = !by_weights && life.last >= weights_begin_;
  placement = {waits ? Place::deferred : Place::workspace, 0};
  auto& list = by_weights ? pending.weights : waits ? pending.deferred : pending.workspace;
  list.push_back({&placement, {life.first, life.last + 1, bytes}});
}

/// Outputs, further results and scratch of what runs again.
void SegmentLayout::keep_again(PendingBackward& pending) {
  for (LayerPlan& entry : segment_.layers) {
    const Layer& layer = model_.layer(entry.layer);
    const std::uint32_t at = row(entry.layer);
    entry.kept_extra = entry.extra;
    if (saved_[at]) entry.kept_output = entry.output;
    entry.runs_again = again_[at];
    if (!again_[at]) continue;
    Times life = again_times_[at];
    const bool by_weights = life.first >= weights_begin_;
    for (std::size_t i = 0; i < entry.kept_extra.size(); ++i) {
      Times extra = life;
      extra.join(input_times_[at]);
      extra.join(weight_times_[at]);
      const Bytes bytes = layer.kept.extra[i].bytes(model_.samples(entry.layer, segment_.batch));
      pend(extra, bytes, entry.kept_extra[i], pending, by_weights);
    }
    if (!saved_[at]) life = life_of_value(entry.layer);
    pend(life, model_.bytes(entry.layer, segment_.batch), entry.again_output, pending, by_weights);
    if (const Bytes scratch = model_.scratch(entry.layer, Pass::forward, segment_.batch); scratch.count > 0)
      pend(again_times_[at], scratch, entry.again_scratch, pending, by_weights);
  }
}

/// Once all offsets are known: where I, W and F again find values.
void SegmentLayout::share_kept() {
  for (LayerPlan& entry : segment_.layers) {
    if (again_[row(entry.layer)] && !saved_[row(entry.layer)]) entry.kept_output = entry.again_output;
    if (repeats(entry.layer)) entry.again_output = plan(root(entry.layer)).again_output;
  }
  const auto place_of = [this](LayerId tensor) {
    const LayerId home = root(tensor);
    return inside(home) ? plan(home).kept_output : values_.at(home);
  };
  for (LayerPlan& entry : segment_.layers) {
    const Layer& layer = model_.layer(entry.layer);
    for (std::size_t i = 0; i < layer.inputs.size(); ++i) {
      const bool reads = again_[row(entry.layer)] || (layer.kept.inputs[i] && runs_backward(entry.layer));
      entry.kept_inputs.push_back(reads ? place_of(layer.inputs[i]) : Placement{});
    }
  }
}

}  // namespace tandem
