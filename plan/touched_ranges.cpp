#include "plan/touched_ranges.hpp"

#include <algorithm>

#include "plan/lowering.hpp"
#include "plan/part_touches.hpp"

namespace tandem {
namespace {

/// Collects what lies in buffers of one content.
class Collector {
 public:
  /// `segment`: whose step touches the buffer; `content`: what that is to the step.
  Collector(const Program& program, const BufferSpec& spec, SegmentId segment, BufferContent content)
      : segment_(program.segment(segment)), model_(program.local(segment).model), content_(content),
        group_(spec.group), first_(spec.first) {}

  void add(std::int64_t offset, Bytes bytes) { ranges_.push_back({offset, offset + bytes.count}); }
  void add(const std::vector<Touch>& touches) {
    for (const Touch& touch : touches)
      if (content_of(touch.at.place) == content_ && touch.at.group == group_) add(touch.at.offset, touch.bytes);
  }
  void add(const PassItem& item);
  std::vector<ByteRange> take() && { return std::move(ranges_); }

 private:
  void add_parameters(const Layer& layer);

  const Segment& segment_;
  const Model& model_;
  BufferContent content_;
  std::uint32_t group_;
  std::int64_t first_;  ///< of the segment's bytes, in the buffer
  std::vector<ByteRange> ranges_;
};

void Collector::add_parameters(const Layer& layer) {
  const bool weights = content_ == BufferContent::weights;
  for (const SegmentParameter& row : segment_.parameters)
    if (std::find(layer.parameters.begin(), layer.parameters.end(), row.parameter) != layer.parameters.end())
      add((weights ? row.weight_offset : row.gradient_offset) - first_,
          weights ? segment_.bytes_of(row) : segment_.gradient_bytes_of(row));
}

void Collector::add(const PassItem& item) {
  if (content_ != BufferContent::gradients && content_ != BufferContent::weights)
    return add(touches_of(segment_, model_, item));
  if (content_ == BufferContent::weights || item.pass == Pass::weight_gradient)
    add_parameters(model_.layer(segment_.layers[item.layer].layer));
}

BufferContent content_for(const Program& program, StepId step, BufferId buffer) {
  const auto uses = program.uses(step);
  const auto use = std::find_if(uses.begin(), uses.end(), [&](const BufferUse& one) { return one.id() == buffer; });
  return use == uses.end() ? program.spec(buffer).content : program.content_for(step, *use);
}

/// Of the values that the step's work goes through, where the buffer holds weights or gradients.
void add_work_ranges(const Program& program, StepId step, const BufferSpec& spec, Collector& touched) {
  using enum BufferContent;
  const Segment& segment = program.segment(spec.segment);
  const bool shard = spec.content == weight_shard || spec.content == gradient_shard;
  const bool of_weights = spec.content == weights || spec.content == weight_shard;
  for (const ParameterRange& range : program.ranges(program.work(step))) {
    const std::int64_t first = shard ? range.own : range.whole;
    touched.add((of_weights ? first : segment.in_gradients(first)) - spec.first,
                Bytes{of_weights ? segment.weight_size() : segment.gradient_size()} * range.elements);
  }
}

bool holds_values(const BufferSpec& spec) {
  using enum BufferContent;
  return spec.content == weights || spec.content == gradients || spec.content == weight_shard ||
         spec.content == gradient_shard;
}

}  // namespace

std::vector<ByteRange> touched_ranges(const Program& program, StepId id, BufferId buffer) {
  const BufferSpec& spec = program.spec(buffer);
  const Step& step = program.step(id);
  const bool passes = is_pass(step.kind);
  const SegmentId own = passes ? program.work(id).segment : spec.segment;
  Collector touched(program, spec, own, passes ? content_for(program, id, buffer) : spec.content);
  const Segment& segment = program.segment(own);
  if (step.kind == StepKind::collective) {
    const CollectiveSpec& collective = program.spec(program.collective(id));
    const std::uint32_t rank = program.group_rank(id);
    touched.add(collective.payloads[rank].offset, collective.shape.vector_bytes(rank));
  } else if (passes) {
    const auto& parts = parts_of(segment, step.kind);
    const std::uint32_t part = program.work(id).part;
    for (const PassItem& item : parts.at(part).items) touched.add(item);
    if (step.kind == StepKind::forward && part + 1 == parts.size()) touched.add(touches_of(segment.forward_copies));
    if (&parts == &segment.backward_parts && part == segment.first_gradient_part())
      touched.add(touches_of(segment.backward_copies));
  } else if ((is_message_end(step.kind) || (step.kind == StepKind::add_gradient && program.work(id).part == 0)) &&
             spec.content == BufferContent::gradients) {
    const Model& model = program.local(spec.segment).model;
    for (const SegmentParameter& row : segment.parameters) {
      const bool tied = model.parameter(row.parameter).tied_to ||
                        std::any_of(model.parameters().begin(), model.parameters().end(),
                                    [&](const Parameter& other) { return other.tied_to == row.parameter; });
      if (tied) touched.add(row.gradient_offset - spec.first, segment.gradient_bytes_of(row));
    }
  } else if (is_copy(step.kind)) {
    const Access access = program.copy_end(id, Access::read) == buffer ? Access::read : Access::write;
    touched.add(program.copy_offset(id, access), program.copy(id).bytes);
  } else if (is_compute(step.kind) && holds_values(spec) && !program.ranges(program.work(id)).empty()) {
    add_work_ranges(program, id, spec, touched);
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
