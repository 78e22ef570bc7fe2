#include "plan/segment.hpp"

#include <algorithm>
#include <map>

#include "base/error.hpp"

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

const BoundaryTensor* find(const std::vector<BoundaryTensor>& pack, LayerId tensor) {
  const auto at = std::find_if(pack.begin(), pack.end(), [&](const auto& entry) { return entry.tensor == tensor; });
  return at == pack.end() ? nullptr : &*at;
}

/// A placement in a workspace, whose offset is known once all lifetimes are.
struct Pending {
  Placement* placement;
  Lifetime life;
};

void place_pending(const std::vector<Pending>& pending, Bytes& size) {
  std::vector<Lifetime> lives;
  for (const Pending& item : pending) lives.push_back(item.life);
  const Packing packing = pack_lifetimes(lives);
  for (std::size_t i = 0; i < pending.size(); ++i) pending[i].placement->offset = packing.offsets[i];
  size = packing.size;
}

/// Builds one Segment; the order of the calls in lay_out_segment() is the order in which the parts depend on each
/// other.
class Layout {
 public:
  Layout(const Model& model, std::size_t first, std::size_t last, std::int64_t batch) : model_(model) {
    invariant(first < last && last <= model.layer_count(), "a segment has layers");
    segment_.first = first;
    segment_.last = last;
    segment_.batch = batch;
    segment_.layers.resize(last - first);
  }

  void add_boundaries();
  void place_forward();
  void place_backward();
  void add_parameters();
  Segment take() && { return std::move(segment_); }

 private:
  LayerId id(std::size_t index) const { return static_cast<LayerId>(index); }
  bool inside(LayerId layer) const { return index_of(layer) >= segment_.first && index_of(layer) < segment_.last; }
  LayerPlan& plan(LayerId layer) { return segment_.layers[index_of(layer) - segment_.first]; }
  bool runs_backward(LayerId layer) const {
    return model_.needs_gradient(layer) || !model_.layer(layer).parameters.empty();
  }
  bool requires_gradient(LayerId tensor) const { return runs_backward(tensor); }
  std::vector<LayerId> gradients_among(const std::vector<BoundaryTensor>& pack) const;
  bool kept(LayerId tensor) const;
  LayerId last_reader(LayerId tensor) const;
  void place_output(LayerId layer, std::vector<Pending>& workspace);
  Placement place_gradient(LayerId tensor) const;
  void add_gradient_writers(LayerId layer, std::map<LayerId, bool>& written);
  Placement save(Bytes bytes);

  const Model& model_;
  Segment segment_;
  std::map<LayerId, Placement> values_, gradients_;
};

std::vector<LayerId> Layout::gradients_among(const std::vector<BoundaryTensor>& pack) const {
  std::vector<LayerId> tensors;
  for (const BoundaryTensor& entry : pack)
    if (requires_gradient(entry.tensor)) tensors.push_back(entry.tensor);
  return tensors;
}

void Layout::add_boundaries() {
  Segment& s = segment_;
  if (s.first > 0) s.inbox_bytes = pack_boundary(model_, model_.crossing(s.first), s.batch, s.inbox);
  if (s.last < model_.layer_count()) s.outbox_bytes = pack_boundary(model_, model_.crossing(s.last), s.batch, s.outbox);
  s.gradient_outbox_bytes = pack_boundary(model_, gradients_among(s.inbox), s.batch, s.gradient_outbox);
  s.gradient_inbox_bytes = pack_boundary(model_, gradients_among(s.outbox), s.batch, s.gradient_inbox);
}

/// Does the backward of a layer in this segment read the tensor?
bool Layout::kept(LayerId tensor) const {
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

LayerId Layout::last_reader(LayerId tensor) const {
  LayerId last = tensor;
  for (const LayerId reader : model_.layer(tensor).readers)
    if (inside(reader)) last = std::max(last, reader);
  return last;
}

Placement Layout::save(Bytes bytes) {
  const Placement placement{Place::saved, segment_.saved_bytes.count};
  segment_.saved_bytes += Bytes{aligned_size(bytes)};
  return placement;
}

void Layout::place_output(LayerId layer, std::vector<Pending>& workspace) {
  const Bytes bytes = model_.layer(layer).output.bytes(segment_.batch);
  LayerPlan& entry = plan(layer);
  if (kept(layer)) {
    entry.output = save(bytes);
  } else if (const BoundaryTensor* crossing = find(segment_.outbox, layer)) {
    entry.output = {Place::outbox, crossing->offset};
  } else {
    entry.output = {Place::workspace, 0};
    workspace.push_back({&entry.output, {index_of(layer), index_of(last_reader(layer)) + 1, bytes}});
  }
}

void Layout::place_forward() {
  Segment& s = segment_;
  std::vector<Pending> workspace;
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

/// Where the tensor's gradient gathers: with the message that brings or takes it, else in the workspace.
Placement Layout::place_gradient(LayerId tensor) const {
  if (const BoundaryTensor* outgoing = find(segment_.gradient_outbox, tensor))
    return {Place::gradient_outbox, outgoing->offset};
  if (const BoundaryTensor* incoming = find(segment_.gradient_inbox, tensor))
    return {Place::gradient_inbox, incoming->offset};
  const bool due = inside(tensor) && requires_gradient(tensor) && last_reader(tensor) != tensor;
  return {due ? Place::workspace : Place::none, 0};
}

void Layout::add_gradient_writers(LayerId layer, std::map<LayerId, bool>& written) {
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

void Layout::place_backward() {
  Segment& s = segment_;
  std::vector<Pending> workspace;
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

void Layout::add_parameters() {
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

}  // namespace

Segment lay_out_segment(const Model& model, std::size_t first, std::size_t last, std::int64_t batch) {
  Layout layout(model, first, last, batch);
  layout.add_boundaries();
  layout.place_forward();
  layout.place_backward();
  layout.add_parameters();
  return std::move(layout).take();
}

}  // namespace tandem
