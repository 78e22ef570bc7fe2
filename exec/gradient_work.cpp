// The steps around the micro-batches: gradients set to zero, ties summed, weights updated.

#include <algorithm>
#include <cmath>
#include <cstring>
#include <stdexcept>

#include <fmt/format.h>

#include "base/error.hpp"
#include "exec/finite.hpp"
#include "exec/optimizer_step.hpp"
#include "exec/step_work.hpp"

namespace tandem {
namespace {

float* values_at(const Bases& bases, BufferContent content, std::int64_t offset) {
  return reinterpret_cast<float*>(slot_of(content, offset).in(bases));
}

/// Where the range begins: in the shard, where the step uses one, else in the whole.
float* values_of(const Bases& bases, BufferContent whole, BufferContent shard, const ParameterRange& range) {
  return bases.has(shard) ? values_at(bases, shard, range.own) : values_at(bases, whole, range.whole);
}

float* gradients_of(const Bases& bases, const ParameterRange& range) {
  return values_of(bases, BufferContent::gradients, BufferContent::gradient_shard, range);
}

float* weights_of(const Bases& bases, const ParameterRange& range) {
  return values_of(bases, BufferContent::weights, BufferContent::weight_shard, range);
}

std::size_t bytes_of(const ParameterRange& range) { return static_cast<std::size_t>(range.elements) * sizeof(float); }

const SegmentParameter* find(const Segment& segment, ParameterId id) {
  for (const SegmentParameter& row : segment.parameters)
    if (row.parameter == id) return &row;
  return nullptr;
}

void add(float* sum, const float* other, std::int64_t count) {
  for (std::int64_t i = 0; i < count; ++i) sum[i] += other[i];
}

/// Parameters of the segment whose tie has its other end elsewhere.
std::vector<const SegmentParameter*> parted_ties(const Model& model, const Segment& segment) {
  std::vector<const SegmentParameter*> parted;
  for (const Parameter& user : model.parameters()) {
    if (!user.tied_to) continue;
    const auto id = static_cast<ParameterId>(&user - model.parameters().data());
    const SegmentParameter* tied = find(segment, id);
    const SegmentParameter* owner = find(segment, *user.tied_to);
    if ((tied == nullptr) != (owner == nullptr)) parted.push_back(tied != nullptr ? tied : owner);
  }
  return parted;
}

void add_within(const Model& model, const Segment& segment, const Bases& bases) {
  for (const SegmentParameter& user : segment.parameters) {
    if (user.updated) continue;
    const SegmentParameter* owner = find(segment, *model.parameter(user.parameter).tied_to);
    invariant(owner != nullptr, "a tied use that is not updated has its owner in its segment");
    add(values_at(bases, BufferContent::gradients, owner->gradient_offset),
        values_at(bases, BufferContent::gradients, user.gradient_offset), owner->elements);
  }
}

/// Where the updated weights lie: in place, or a copy where the version that is read is still needed.
BufferContent updated_weights(const Segment& segment, const Bases& bases) {
  if (bases.of(BufferContent::new_weights) == nullptr) return BufferContent::weights;
  std::memcpy(bases.of(BufferContent::new_weights), bases.of(BufferContent::weights),
              static_cast<std::size_t>(segment.weight_bytes.count));
  return BufferContent::new_weights;
}

/// Throws where a gradient in the range is not finite, naming the parameter that it is of.
void check_finite(const Model& model, const Segment& segment, const ParameterRange& range, const float* gradients) {
  if (all_finite(gradients, range.elements)) return;
  const auto is_bad = [](float value) { return !std::isfinite(value); };
  const float* bad = std::find_if(gradients, gradients + range.elements, is_bad);
  const std::int64_t at = range.whole + 4 * (bad - gradients);
  for (const SegmentParameter& row : segment.parameters)
    if (row.updated && row.gradient_offset <= at && at < row.gradient_offset + 4 * row.elements)
      throw std::runtime_error(fmt::format("the gradient of \"{}\" holds a value that is not finite",
                                           model.parameter(row.parameter).name));
  throw InvariantError("what lies between two gradients is zero");
}

void update(const WorkContext& context, const StepWork& work, const Model& model, const StepCall& call) {
  const Segment& segment = context.program.segment(work.segment);
  const int states = context.optimizer.states();
  const BufferContent weights = updated_weights(segment, call.bases);
  for (const ParameterRange& range : context.program.ranges(work)) {
    const float* gradients = gradients_of(call.bases, range);
    check_finite(model, segment, range, gradients);
    float* state = states == 0 ? nullptr : values_at(call.bases, BufferContent::optimizer_state, states * range.own);
    update_weights<float>(context.optimizer, call.update + 1, range.elements, gradients,
                          values_of(call.bases, weights, BufferContent::weight_shard, range), state);
  }
}

}  // namespace

const SegmentParameter& parted_tie(const Model& model, const Segment& segment, Bytes bytes) {
  const SegmentParameter* found = nullptr;
  for (const SegmentParameter* row : parted_ties(model, segment)) {
    if (Bytes{4} * row->elements != bytes) continue;
    invariant(found == nullptr, "a message of gradients belongs to one tie");
    found = row;
  }
  invariant(found != nullptr, "a message of gradients belongs to a tie");
  return *found;
}

StepFunction make_zero_gradients(const WorkContext& context, const StepWork& work) {
  return [&segment = context.program.segment(work.segment),
          ranges = context.program.ranges(work)](const StepCall& call) {
    for (const ParameterRange& range : ranges) std::memset(gradients_of(call.bases, range), 0, bytes_of(range));
    if (!ranges.empty() || call.bases.has(BufferContent::gradient_shard)) return;
    std::memset(values_at(call.bases, BufferContent::gradients, 0), 0,
                static_cast<std::size_t>(segment.gradient_bytes.count));
  };
}

StepFunction make_add_gradient(const WorkContext& context, const StepWork& work) {
  const Segment& segment = context.program.segment(work.segment);
  const Model* model = &context.local(work.segment).model;
  const std::vector<const SegmentParameter*> parted = parted_ties(*model, segment);
  return [=, &segment, ranges = context.program.ranges(work)](const StepCall& call) {
    for (const ParameterRange& range : ranges)
      add(gradients_of(call.bases, range), values_at(call.bases, BufferContent::gradients, range.whole),
          range.elements);
    if (call.bases.has(BufferContent::gradient_shard)) return;
    const std::byte* inbox = call.bases.of(BufferContent::tied_inbox);
    if (inbox == nullptr) return add_within(*model, segment, call.bases);
    invariant(parted.size() == 1, "one tie at most parts a segment from another");
    add(values_at(call.bases, BufferContent::gradients, parted[0]->gradient_offset),
        reinterpret_cast<const float*>(inbox), parted[0]->elements);
  };
}

StepFunction make_update(const WorkContext& context, const StepWork& work) {
  return [context, work, &model = context.local(work.segment).model](const StepCall& call) {
    update(context, work, model, call);
  };
}

StepFunction make_own_block(const WorkContext& context, const StepWork& work) {
  return [ranges = context.program.ranges(work)](const StepCall& call) {
    for (const ParameterRange& range : ranges)
      std::memcpy(values_at(call.bases, BufferContent::weights, range.whole), weights_of(call.bases, range),
                  bytes_of(range));
  };
}

}  // namespace tandem
