#include "plan/touched_ranges.hpp"

#include <algorithm>

#include "plan/lowering.hpp"

namespace tandem {
namespace {

/// Collects what lies in buffers of one content.
class Collector {
 public:
  Collector(const Program& program, SegmentId segment, BufferContent content)
      : segment_(program.segment(segment)), model_(program.local(segment).model), content_(content) {}

  void add(const Placement& placement, Bytes bytes) {
    if (placement.place != Place::none && content_of(placement.place) == content_) add(placement.offset, bytes);
  }
  void add(std::int64_t offset, Bytes bytes) { ranges_.push_back({offset, offset + bytes.count}); }
  void add(const PassItem& item);
  void add(const std::vector<BoundaryCopy>& copies) {
    for (const BoundaryCopy& copy : copies) {
      add(copy.from, copy.bytes);
      add(copy.to, copy.bytes);
    }
  }
  std::vector<ByteRange> take() && { return std::move(ranges_); }

 private:
  Bytes bytes_of(LayerId tensor) const { return model_.layer(tensor).output.bytes(segment_.batch); }
  void add_gradients(const Layer& layer);

  const Segment& segment_;
  const Model& model_;
  BufferContent content_;
  std::vector<ByteRange> ranges_;
};

void Collector::add_gradients(const Layer& layer) {
  for (const SegmentParameter& row : segment_.parameters)
    if (std::find(layer.parameters.begin(), layer.parameters.end(), row.parameter) != layer.parameters.end())
      add(row.gradient_offset, Bytes{4} * row.elements);
}

void Collector::add(const PassItem& item) {
  const LayerPlan& plan = segment_.layers[item.layer];
  const Layer& layer = model_.layer(plan.layer);
  if (content_ == BufferContent::gradients) {
    if (item.pass == Pass::weight_gradient) add_gradients(layer);
    return;
  }
  const bool forward = item.pass == Pass::forward;
  const bool workspace = content_ == BufferContent::workspace;  // F and B have one each
  for (std::size_t i = 0; i < layer.inputs.size(); ++i)
    if (forward ? item.reads(i) : !workspace) add(plan.inputs[i], bytes_of(layer.inputs[i]));
  for (std::size_t i = 0; i < plan.extra.size(); ++i) add(plan.extra[i], layer.kept.extra[i].bytes(segment_.batch));
  if (forward || !workspace) add(plan.output, bytes_of(plan.layer));
  const Bytes scratch = model_.scratch(plan.layer, item.pass, segment_.batch);
  if (forward) return add(plan.scratch, scratch);
  add(item.pass == Pass::input_gradient ? plan.input_gradient_scratch : plan.weight_gradient_scratch, scratch);
  add(plan.output_gradient, bytes_of(plan.layer));
  if (item.pass != Pass::input_gradient) return;
  for (std::size_t i = 0; i < layer.inputs.size(); ++i) add(plan.input_gradients[i], bytes_of(layer.inputs[i]));
}

/// Of the rank's own vector: ranks at an image's edge have fewer strips, and may have longer ones.
Bytes vector_bytes(const CollectiveShape& shape, std::uint32_t rank) {
  if (shape.strips.empty()) return Bytes{4} * shape.elements();
  const HaloStrips& strips = shape.strips.at(rank);
  std::int64_t elements = 0;
  for (const ElementRange& range : {strips.from_before, strips.from_after, strips.to_before, strips.to_after})
    elements = std::max(elements, range.first + range.count);
  return Bytes{4} * elements;
}

}  // namespace

std::vector<ByteRange> touched_ranges(const Program& program, StepId id, BufferId buffer) {
  const BufferSpec& spec = program.spec(buffer);
  const Step& step = program.step(id);
  Collector touched(program, spec.segment, spec.content);
  const Segment& segment = program.segment(spec.segment);
  if (step.kind == StepKind::collective) {
    const CollectiveSpec& collective = program.spec(program.collective(id));
    const std::uint32_t rank = program.group_rank(id);
    touched.add(collective.payloads[rank].offset, vector_bytes(collective.shape, rank));
  } else if (step.kind == StepKind::forward || step.kind == StepKind::backward) {
    const bool forward = step.kind == StepKind::forward;
    const auto& parts = forward ? segment.forward_parts : segment.backward_parts;
    const std::uint32_t part = program.work(id).part;
    for (const PassItem& item : parts.at(part).items) touched.add(item);
    if (forward && part + 1 == parts.size()) touched.add(segment.forward_copies);
    if (!forward && part == 0) touched.add(segment.backward_copies);
  } else if ((is_message_end(step.kind) || step.kind == StepKind::add_gradient) &&
             spec.content == BufferContent::gradients) {
    const Model& model = program.local(spec.segment).model;
    for (const SegmentParameter& row : segment.parameters) {
      const bool tied = model.parameter(row.parameter).tied_to ||
                        std::any_of(model.parameters().begin(), model.parameters().end(),
                                    [&](const Parameter& other) { return other.tied_to == row.parameter; });
      if (tied) touched.add(row.gradient_offset, Bytes{4} * row.elements);
    }
  } else {
    touched.add(0, spec.bytes);
  }
  return std::move(touched).take();
}

bool overlap(const std::vector<ByteRange>& a, const std::vector<ByteRange>& b) {
  for (const ByteRange& x : a)
    for (const ByteRange& y : b)
      if (x.first < y.end && y.first < x.end) return true;
  return false;
}

}  // namespace tandem
