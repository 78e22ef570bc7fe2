// The steps around the micro-batches: gradients set to zero, ties summed, weights updated.

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

void update(const WorkContext& context, const Segment& segment, const Model& model, const StepCall& call) {
  const int states = context.optimizer.states();
  const BufferContent weights = updated_weights(segment, call.bases);
  for (const SegmentParameter& row : segment.parameters) {
    if (!row.updated) continue;
    const float* gradient = values_at(call.bases, BufferContent::gradients, row.gradient_offset);
    if (!all_finite(gradient, row.elements))
      throw std::runtime_error(fmt::format("the gradient of \"{}\" holds a value that is not finite",
                                           model.parameter(row.parameter).name));
    float* state = states == 0 ? nullptr
                               : values_at(call.bases, BufferContent::optimizer_state, states * row.weight_offset);
    update_weights<float>(context.optimizer, call.update + 1, row.elements, gradient,
                          values_at(call.bases, weights, row.weight_offset), state);
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
  return [&segment = context.program.segment(work.segment)](const StepCall& call) {
    std::memset(values_at(call.bases, BufferContent::gradients, 0), 0,
                static_cast<std::size_t>(segment.gradient_bytes.count));
  };
}

StepFunction make_add_gradient(const WorkContext& context, const StepWork& work) {
  const Segment& segment = context.program.segment(work.segment);
  const Model* model = &context.local(work.segment).model;
  const std::vector<const SegmentParameter*> parted = parted_ties(*model, segment);
  return [=, &segment](const StepCall& call) {
    const std::byte* inbox = call.bases.of(BufferContent::tied_inbox);
    if (inbox == nullptr) return add_within(*model, segment, call.bases);
    invariant(parted.size() == 1, "one tie at most parts a segment from another");
    add(values_at(call.bases, BufferContent::gradients, parted[0]->gradient_offset),
        reinterpret_cast<const float*>(inbox), parted[0]->elements);
  };
}

StepFunction make_update(const WorkContext& context, const StepWork& work) {
  return [context, &segment = context.program.segment(work.segment),
          &model = context.local(work.segment).model](const StepCall& call) { update(context, segment, model, call); };
}

}  // namespace tandem
