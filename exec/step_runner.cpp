#include "exec/step_runner.hpp"

#include "base/error.hpp"

namespace tandem {
namespace {

StepFunction make_work(const WorkContext& context, const StepWork& work) {
  const Segment& segment = context.program.segment(work.segment);
  switch (work.kind) {
    case StepKind::forward: return make_forward(context, segment);
    case StepKind::backward:
    case StepKind::input_gradient:
    case StepKind::weight_gradient: return make_backward(context, segment, work.kind);
    case StepKind::zero_gradients: return make_zero_gradients(segment);
    case StepKind::add_gradient: return make_add_gradient(context, segment);
    case StepKind::update: return make_update(context, segment);
    case StepKind::send:
    case StepKind::receive: break;
  }
  throw InvariantError("a message is no work of a compute stream");
}

/// The segment whose gradients a channel's messages carry a part of.
const Segment& sending_segment(const Program& program, ChannelId channel) {
  for (const Message& message : program.messages())
    if (message.channel == channel) return program.segment(program.spec(program.uses(message.send)[0].id()).segment);
  throw InvariantError("a channel has messages");
}

}  // namespace

StepRunner::StepRunner(const WorkContext& context, const BufferMemory& memory)
    : context_(context), memory_(memory), losses_(context.program.micro_batches(), 0.0f) {
  const Program& program = context.program;
  for (const StepWork& work : program.works()) works_.push_back(make_work(context, work));
  for (std::uint32_t i = 0; i < program.channels().size(); ++i) {
    const Channel& channel = program.channels()[i];
    const bool is_tie = channel.content == BufferContent::gradients;
    tie_offset_.push_back(!is_tie ? 0
                                  : parted_tie(context.model, sending_segment(program, static_cast<ChannelId>(i)),
                                               channel.bytes).gradient_offset);
  }
}

Bases StepRunner::bases_of(StepId step) const {
  Bases bases;
  for (const BufferUse use : context_.program.uses(step)) {
    std::byte*& base = bases.of(context_.program.spec(use.id()).content);
    invariant(base == nullptr, "a step uses one buffer of each content");
    base = memory_.at(use.id());
    invariant(base != nullptr, "a buffer in use is allocated");
  }
  return bases;
}

void StepRunner::run(StepId step, std::int64_t iteration) {
  const Step& entry = context_.program.step(step);
  StepCall call{bases_of(step), iteration, entry.micro_batch, losses_.data(), observer_ ? &observer_ : nullptr};
  works_[entry.object](call);
}

std::byte* StepRunner::payload(StepId message_end) const {
  const Program& program = context_.program;
  const auto uses = program.uses(message_end);
  invariant(uses.size() == 1, "an end of a message uses one buffer");
  std::byte* base = memory_.at(uses[0].id());
  invariant(base != nullptr, "the buffer of a message is allocated");
  const bool reads = program.step(message_end).kind == StepKind::send;
  return base + (reads ? tie_offset_[index_of(program.message(message_end).channel)] : 0);
}

}  // namespace tandem
