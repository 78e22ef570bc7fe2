#include "exec/step_runner.hpp"

#include <cstring>

#include "base/error.hpp"

namespace tandem {
namespace {

StepFunction make_work(const WorkContext& context, const StepWork& work) {
  switch (work.kind) {
    case StepKind::forward: return make_forward(context, work);
    case StepKind::backward:
    case StepKind::input_gradient:
    case StepKind::weight_gradient:
    case StepKind::recompute: return make_backward(context, work);
    case StepKind::zero_gradients: return make_zero_gradients(context, work);
    case StepKind::add_gradient: return make_add_gradient(context, work);
    case StepKind::update: return make_update(context, work);
    case StepKind::settle: return [](const StepCall&) {};
    case StepKind::own_block: return make_own_block(context, work);
    case StepKind::send:
    case StepKind::receive:
    case StepKind::collective:
    case StepKind::copy_out:
    case StepKind::copy_in: break;
  }
  throw InvariantError("a message is no work of a compute stream");
}

/// Does the buffer hold a part of the segment's weights or gradients, or of what the worker owns of them?
bool is_window(const Segment& segment, const BufferSpec& spec) {
  using enum BufferContent;
  if (spec.content == weight_shard || spec.content == gradient_shard || spec.content == optimizer_state) return true;
  if (spec.content == BufferContent::weights) return spec.bytes != segment.weight_bytes;
  return spec.content == BufferContent::gradients && spec.bytes != segment.gradient_bytes;
}

/// The segment whose gradients a channel's messages carry a part of.
SegmentId sending_segment(const Program& program, ChannelId channel) {
  for (const Message& message : program.messages())
    if (message.channel == channel) return program.spec(program.uses(message.send)[0].id()).segment;
  throw InvariantError("a channel has messages");
}

/// Where the tied gradient of the channel's messages begins in the sender's gradients.
std::int64_t tie_offset(const WorkContext& context, ChannelId channel) {
  const SegmentId segment = sending_segment(context.program, channel);
  return parted_tie(context.local(segment).model, context.program.segment(segment),
                    context.program.channels()[index_of(channel)].bytes)
      .gradient_offset;
}

/// One for each micro-batch of each replica, and each part of its loss.
std::size_t losses_of_iteration(const Program& program) {
  std::int64_t parts = 1;
  for (const Layer& layer : program.local(SegmentId{0}).model.layers())
    if (layer.kind->is_loss) parts = layer.origins.loss_parts;
  return std::size_t{program.micro_batches()} * program.mesh().size(MeshAxis::data) * static_cast<std::size_t>(parts);
}

}  // namespace

StepRunner::StepRunner(const WorkContext& context, const BufferMemory& memory)
    : context_(context), memory_(memory),
      losses_(losses_of_iteration(context.program), 0.0f), wide_(context.program.workers().size()) {
  const Program& program = context.program;
  context_.wide = &wide_;
  for (const StepWork& work : program.works()) works_.push_back(make_work(context_, work));
  for (std::uint32_t i = 0; i < program.channels().size(); ++i) {
    const Channel& channel = program.channels()[i];
    const bool is_tie = channel.content == BufferContent::gradients;
    tie_offset_.push_back(!is_tie ? 0 : tie_offset(context, static_cast<ChannelId>(i)));
  }
}

Bases StepRunner::bases_of(StepId step) const {
  Bases bases;
  for (const BufferUse use : context_.program.uses(step)) {
    const BufferSpec& spec = context_.program.spec(use.id());
    if (is_window(context_.program.segment(spec.segment), spec)) {
      bases.windows.push_back({context_.program.content_for(step, use), spec.first, spec.first + spec.bytes.count, memory_.at(use.id())});
      invariant(bases.windows.back().base != nullptr, "a buffer in use is allocated");
      continue;
    }
    std::byte*& base = base_of(bases, context_.program.content_for(step, use), spec.group);
    invariant(base == nullptr, "a step uses one buffer of each content");
    base = memory_.at(use.id());
    invariant(base != nullptr, "a buffer in use is allocated");
  }
  return bases;
}

void StepRunner::run(StepId step, std::int64_t iteration) {
  const Step& entry = context_.program.step(step);
  const Program& program = context_.program;
  const Coordinate& at = program.workers()[index_of(program.worker_of(step))].at;
  const std::uint32_t batch = entry.micro_batch * program.mesh().size(MeshAxis::data) + at[MeshAxis::data];
  const std::int64_t samples = program.segment(program.work(step).segment).batch;
  const std::int64_t update = iteration * program.updates() + entry.micro_batch;
  works_[entry.object]({bases_of(step), iteration, update, batch, batch * samples, losses_.data(),
                        observer_ ? &observer_ : nullptr, wide_.of(program.worker_of(step))});
}

void StepRunner::copy(StepId step) const {
  const Program& program = context_.program;
  const std::byte* from = memory_.at(program.copy_end(step, Access::read));
  std::byte* to = memory_.at(program.copy_end(step, Access::write));
  invariant(from != nullptr && to != nullptr, "both ends of a copy are allocated");
  std::memcpy(to + program.copy_offset(step, Access::write), from + program.copy_offset(step, Access::read),
              static_cast<std::size_t>(program.copy(step).bytes.count));
}

std::byte* StepRunner::payload(StepId message_end) const {
  const Program& program = context_.program;
  const auto uses = program.uses(message_end);
  invariant(uses.size() == 1, "an end of a message uses one buffer");
  std::byte* base = memory_.at(uses[0].id());
  invariant(base != nullptr, "the buffer of a message is allocated");
  if (program.step(message_end).kind == StepKind::collective)
    return base + program.spec(program.collective(message_end)).payloads[program.group_rank(message_end)].offset;
  const bool reads = program.step(message_end).kind == StepKind::send;
  if (!reads) return base;
  return base + tie_offset_[index_of(program.message(message_end).channel)] - program.spec(uses[0].id()).first;
}

}  // namespace tandem
