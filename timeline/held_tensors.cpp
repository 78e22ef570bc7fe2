// What lies inside a buffer: tensors by the places that the segment gives them.

#include <algorithm>
#include <array>
#include <map>

#include "timeline/memory_peak.hpp"

namespace tandem {
namespace {

/// The tensors of one buffer by offset; of several at one offset the largest, as a view of it has no bytes of its own.
class Contents {
 public:
  void add(std::int64_t offset, std::string name, Bytes bytes) {
    HeldTensor tensor{std::move(name), Bytes{aligned_size(bytes)}};
    const auto [at, is_new] = by_offset_.emplace(offset, tensor);
    if (!is_new && at->second.bytes < tensor.bytes) at->second = std::move(tensor);
  }
  std::vector<HeldTensor> take() {
    std::vector<HeldTensor> tensors;
    for (auto& [offset, tensor] : by_offset_) tensors.push_back(std::move(tensor));
    std::ranges::stable_sort(tensors, std::greater{}, &HeldTensor::bytes);
    return tensors;
  }

 private:
  std::map<std::int64_t, HeldTensor> by_offset_;
};

/// What is kept from forward in one of its buffers.
void add_saved(const Program& program, const BufferSpec& spec, Place place, Contents& contents) {
  const Segment& segment = program.segment(spec.segment);
  const auto add = [&](const Placement& at, const std::string& name, Bytes bytes) {
    if (at.place == place && at.group == spec.group) contents.add(at.offset, name, bytes);
  };
  for (const LayerPlan& plan : segment.layers) {
    const Model& model = program.local(spec.segment).model;
    const Layer& layer = model.layer(plan.layer);
    add(plan.output, layer.name, model.bytes(plan.layer, segment.batch));
    for (std::size_t i = 0; i < plan.extra.size(); ++i)
      add(plan.extra[i], layer.name + " (for backward)", layer.kept.extra[i].bytes(model.samples(plan.layer, segment.batch)));
  }
}

bool lies_in(const BufferSpec& spec, std::int64_t offset) {
  return spec.first <= offset && offset < spec.first + spec.bytes.count;
}

/// Weights, or as many values for each as the optimizer keeps.
void add_weights(const Program& program, const BufferSpec& spec, std::int64_t times, Contents& contents) {
  const SegmentId id = spec.segment;
  for (const SegmentParameter& row : program.segment(id).parameters)
    if (times > 1 || lies_in(spec, row.weight_offset))
      contents.add(row.weight_offset, program.local(id).model.parameter(row.parameter).name,
                   Bytes{aligned_size(program.segment(id).bytes_of(row))} * times);
}

void add_gradients(const Program& program, const BufferSpec& spec, Contents& contents) {
  const SegmentId id = spec.segment;
  for (const SegmentParameter& row : program.segment(id).parameters)
    if (lies_in(spec, row.gradient_offset))
      contents.add(row.gradient_offset, program.local(id).model.parameter(row.parameter).name,
                   program.segment(id).gradient_bytes_of(row));
}

void add_boundary(const Program& program, SegmentId id, const std::vector<BoundaryTensor>& tensors,
                  Contents& contents) {
  for (const BoundaryTensor& row : tensors)
    contents.add(row.offset, program.local(id).model.layer(row.tensor).name, row.bytes);
}

}  // namespace

std::vector<HeldTensor> held_tensors(const Program& program, const BufferSpec& spec) {
  const Segment& segment = program.segment(spec.segment);
  const std::int64_t weights = segment.weight_bytes.count;
  const std::int64_t states = weights > 0 && spec.bytes.count % weights == 0 ? spec.bytes.count / weights : 0;
  Contents contents;
  switch (spec.content) {
    case BufferContent::weights: add_weights(program, spec, 1, contents); break;
    case BufferContent::gradients: add_gradients(program, spec, contents); break;
    case BufferContent::optimizer_state:
      if (states > 0) add_weights(program, spec, states, contents);
      break;
    case BufferContent::saved: add_saved(program, spec, Place::saved, contents); break;
    case BufferContent::saved_for_input: add_saved(program, spec, Place::saved_for_input, contents); break;
    case BufferContent::inbox: add_boundary(program, spec.segment, segment.inbox, contents); break;
    case BufferContent::outbox: add_boundary(program, spec.segment, segment.outbox, contents); break;
    case BufferContent::gradient_inbox: add_boundary(program, spec.segment, segment.gradient_inbox, contents); break;
    case BufferContent::gradient_outbox: add_boundary(program, spec.segment, segment.gradient_outbox, contents); break;
    default: break;
  }
  return contents.take();
}

std::string_view meaning_of(BufferContent content) {
  static constexpr std::pair<BufferContent, std::string_view> kMeanings[] = {
      {BufferContent::weights, "weights"},
      {BufferContent::gradients, "gradients of weights"},
      {BufferContent::optimizer_state, "optimizer state"},
      {BufferContent::inbox, "activations received"},
      {BufferContent::outbox, "activations to send"},
      {BufferContent::gradient_inbox, "gradients received"},
      {BufferContent::gradient_outbox, "gradients to send"},
      {BufferContent::saved, "kept for backward"},
      {BufferContent::workspace, "workspace of a step"},
      {BufferContent::tied_inbox, "tied gradients received"},
      {BufferContent::weight_shard, "own part of the weights"},
      {BufferContent::gradient_shard, "own part of the gradients of weights"},
      {BufferContent::saved_for_input, "kept for the gradients of inputs"},
      {BufferContent::deferred, "kept for the gradients of weights"},
  };
  const auto row = std::ranges::find(kMeanings, content, &std::pair<BufferContent, std::string_view>::first);
  return row == std::end(kMeanings) ? "other" : row->second;
}

}  // namespace tandem
