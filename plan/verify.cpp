#include "plan/verify.hpp"

#include <fmt/format.h>

#include "base/error.hpp"
#include "plan/verify_parts.hpp"

namespace tandem {
namespace {

Bytes payload(const Program& program, StepId step, Access access) {
  for (const BufferUse use : program.uses(step))
    if (use.mode() == access) return program.spec(use.id()).bytes;
  refuse_program(fmt::format("a message has no buffer: {}", program.describe(step)));
}

/// A tie's gradient is a part of the buffer that it is sent from; everything else is sent whole.
void check_bytes(const Program& program, const Message& message, const Channel& channel) {
  const bool part = channel.content == BufferContent::gradients;
  const Bytes sent = payload(program, message.send, Access::read);
  const Bytes received = payload(program, message.receive, Access::write);
  if ((part ? sent >= channel.bytes : sent == channel.bytes) && received == channel.bytes) return;
  refuse_program(fmt::format("a message of {} bytes is sent from {} and received into {}: {}; {}", channel.bytes.count,
                             sent.count, received.count, program.describe(message.send),
                             program.describe(message.receive)));
}

}  // namespace

void refuse_program(const std::string& problem) { throw InputError("the program is wrong: " + problem); }

void check_messages(const Program& program) {
  for (const Message& message : program.messages()) {
    const Channel& channel = program.channels()[index_of(message.channel)];
    const bool own_ends = program.step(message.send).kind == StepKind::send &&
                          program.step(message.receive).kind == StepKind::receive &&
                          program.worker_of(message.send) == channel.from &&
                          program.worker_of(message.receive) == channel.to;
    invariant(own_ends, "a builder gives each message its own send and receive");
    check_bytes(program, message, channel);
  }
}

void verify(const Program& program) {
  check_messages(program);
  check_collectives(program);
  check_copies(program);
  topological_order(program);
  check_buffers(program);
  check_host_updates(program);
  check_coverage(program);
}

}  // namespace tandem
