// The steps around the micro-batches: gradients set to zero, ties summed, weights updated.

#include <algorithm>
#include <array>
#include <cstring>
#include <stdexcept>

#include <fmt/format.h>

#include "base/error.hpp"
#include "exec/optimizer_step.hpp"
#include "exec/step_work.hpp"
#include "exec/stored_values.hpp"

namespace tandem {
namespace {

std::byte* values_at(const Bases& bases, BufferContent content, std::int64_t offset) {
  return slot_of(content, offset).in(bases);
}

/// Where the range begins: in the shard, where the step uses one, else in the whole.
std::byte* values_of(const Bases& bases, BufferContent whole, BufferContent shard, const ParameterRange& range) {
  return bases.has(shard) ? values_at(bases, shard, range.own) : values_at(bases, whole, range.whole);
}

std::byte* whole_gradients_of(const Segment& segment, const Bases& bases, const ParameterRange& range) {
  return values_at(bases, BufferContent::gradients, segment.in_gradients(range.whole));
}

std::byte* gradients_of(const Segment& segment, const Bases& bases, const ParameterRange& range) {
  if (!bases.has(BufferContent::gradient_shard)) return whole_gradients_of(segment, bases, range);
  return values_at(bases, BufferContent::gradient_shard, segment.in_gradients(range.own));
}

std::byte* weights_of(const Bases& bases, const ParameterRange& range) {
  return values_of(bases, BufferContent::weights, BufferContent::weight_shard, range);
}

std::size_t size_of(std::int64_t value_size, const ParameterRange& range) {
  return static_cast<std::size_t>(value_size * range.elements);
}

const SegmentParameter* find(const Segment& segment, ParameterId id) {
  for (const SegmentParameter& row : segment.parameters)
    if (row.parameter == id) return &row;
  return nullptr;
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
    add_values(segment.gradient_type, values_at(bases, BufferContent::gradients, user.gradient_offset), owner->elements,
               values_at(bases, BufferContent::gradients, owner->gradient_offset));
  }
}

/// The weights to update: in place, or a copy where the version that is read is still needed. That lies as it does.
std::byte* weights_to_update(const Segment& segment, const Bases& bases, const ParameterRange& range) {
  std::byte* const read = weights_of(bases, range);
  if (!bases.has(BufferContent::new_weights)) return read;
  const bool shard = bases.has(BufferContent::weight_shard);
  std::byte* const written = values_at(bases, BufferContent::new_weights, shard ? range.own : range.whole);
  std::memcpy(written, read, size_of(segment.weight_size(), range));
  return written;
}

/// Throws where a gradient in the range is not finite, naming the parameter that it is of.
void check_finite(const Model& model, const Segment& segment, const ParameterRange& range,
                  const std::byte* gradients) {
  const std::int64_t bad = first_not_finite(segment.gradient_type, gradients, range.elements);
  if (bad == range.elements) return;
  const std::int64_t at = segment.in_gradients(range.whole) + segment.gradient_size() * bad;
  for (const SegmentParameter& row : segment.parameters)
    if (row.updated && row.gradient_offset <= at && at < row.gradient_offset + segment.gradient_bytes_of(row).count)
      throw std::runtime_error(fmt::format("the gradient of \"{}\" holds a value that is not finite",
                                           model.parameter(row.parameter).name));
  throw InvariantError("what lies between two gradients is zero");
}

/// Of weights that have a master copy, which lies after the moments: from their stored gradients, the master copies, and
/// then the weights as they round.
void update_masters(const WorkContext& context, std::int64_t number, const Segment& segment, std::int64_t count,
                    const std::byte* gradients, std::byte* weights, float* state) {
  constexpr std::int64_t kBlock = 1024;
  std::array<float, kBlock> gradient;
  float* const master = state + context.optimizer.moments() * count;
  for (std::int64_t first = 0; first < count; first += kBlock) {
    const std::int64_t block = std::min(kBlock, count - first);
    read_values(segment.gradient_type, gradients + segment.gradient_size() * first, block, gradient.data());
    update_weights<float>(context.optimizer, number, block, gradient.data(), master + first, state + first,
                          state + count + first);
    write_values(master + first, block, segment.weight_type, weights + segment.weight_size() * first);
  }
}

/// `state`: moments and master copies, range after range; null where there are none.
void update_range(const WorkContext& context, std::int64_t number, const Segment& segment, const ParameterRange& range,
                  const std::byte* gradients, std::byte* weights, float* state) {
  if (segment.weight_type != ElementType::float32)
    return update_masters(context, number, segment, range.elements, gradients, weights, state);
  update_weights<float>(context.optimizer, number, range.elements, reinterpret_cast<const float*>(gradients),
                        reinterpret_cast<float*>(weights), state);
}

void update(const WorkContext& context, const StepWork& work, const Model& model, const StepCall& call) {
  const Segment& segment = context.program.segment(work.segment);
  const ElementType type = segment.weight_type;
  for (const ParameterRange& range : context.program.ranges(work)) {
    const std::byte* gradients = gradients_of(segment, call.bases, range);
    check_finite(model, segment, range, gradients);
    const std::int64_t at = context.optimizer.state_bytes(type, {range.own}).count;
    std::byte* state =
        context.optimizer.states(type) == 0 ? nullptr : values_at(call.bases, BufferContent::optimizer_state, at);
    update_range(context, call.update + 1, segment, range, gradients,
                 weights_to_update(segment, call.bases, range), reinterpret_cast<float*>(state));
  }
}

}  // namespace

const SegmentParameter& parted_tie(const Model& model, const Segment& segment, Bytes bytes) {
  const SegmentParameter* found = nullptr;
  for (const SegmentParameter* row : parted_ties(model, segment)) {
    if (segment.gradient_bytes_of(*row) != bytes) continue;
    invariant(found == nullptr, "a message of gradients belongs to one tie");
    found = row;
  }
  invariant(found != nullptr, "a message of gradients belongs to a tie");
  return *found;
}

StepFunction make_zero_gradients(const WorkContext& context, const StepWork& work) {
  return [&segment = context.program.segment(work.segment),
          ranges = context.program.ranges(work)](const StepCall& call) {
    for (const ParameterRange& range : ranges)
      std::memset(gradients_of(segment, call.bases, range), 0, size_of(segment.gradient_size(), range));
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
      add_values(segment.gradient_type, whole_gradients_of(segment, call.bases, range), range.elements,
                 gradients_of(segment, call.bases, range));
    if (call.bases.has(BufferContent::gradient_shard)) return;
    const std::byte* inbox = call.bases.of(BufferContent::tied_inbox);
    if (inbox == nullptr) return add_within(*model, segment, call.bases);
    invariant(parted.size() == 1, "one tie at most parts a segment from another");
    add_values(segment.gradient_type, inbox, parted[0]->elements,
               values_at(call.bases, BufferContent::gradients, parted[0]->gradient_offset));
  };
}

StepFunction make_update(const WorkContext& context, const StepWork& work) {
  return [context, work, &model = context.local(work.segment).model](const StepCall& call) {
    update(context, work, model, call);
  };
}

StepFunction make_own_block(const WorkContext& context, const StepWork& work) {
  return [&segment = context.program.segment(work.segment),
          ranges = context.program.ranges(work)](const StepCall& call) {
    for (const ParameterRange& range : ranges)
      std::memcpy(values_at(call.bases, BufferContent::weights, range.whole), weights_of(call.bases, range),
                  size_of(segment.weight_size(), range));
  };
}

}  // namespace tandem
