#include <algorithm>
#include <cstring>

#include "exec/transport.hpp"

namespace tandem {

ThreadTransport::ThreadTransport(const Program& program, const Pacer& pacer, StopControl& control)
    : program_(program), pacer_(pacer), control_(control), meetings_(program.channels().size()) {
  for (Meeting& meeting : meetings_) {
    control.watch(meeting.offered);
    control.watch(meeting.taken);
  }
  for (const CollectiveSpec& spec : program.collective_specs()) collectives_.emplace_back(spec, control);
}

ThreadTransport::Meeting& ThreadTransport::meeting_of(MessageId message) {
  return meetings_[index_of(program_.messages()[index_of(message)].channel)];
}

Transfer ThreadTransport::send(MessageId message, const std::byte* payload) {
  Meeting& meeting = meeting_of(message);
  meeting.payload = payload;
  meeting.offered_at = now();
  meeting.offered.advance();
  meeting.taken.wait_for(++meeting.sent, control_);
  return meeting.transfer;
}

Transfer ThreadTransport::receive(MessageId message, std::byte* payload) {
  Meeting& meeting = meeting_of(message);
  const ChannelId channel = program_.messages()[index_of(message)].channel;
  const Instant arrived = now();
  meeting.offered.wait_for(++meeting.received, control_);
  const Instant ready = std::max(arrived, meeting.offered_at);
  std::memcpy(payload, meeting.payload, static_cast<std::size_t>(program_.channels()[index_of(channel)].bytes.count));
  pacer_.hold_message(channel, ready);
  meeting.transfer = {ready, now()};
  const Transfer transfer = meeting.transfer;
  meeting.taken.advance();
  return transfer;
}

Transfer ThreadTransport::collective(StepId step, std::byte* vector) {
  const CollectiveSpecId spec = program_.collective(step).spec;
  Transfer transfer = collectives_[index_of(spec)].run(program_.group_rank(step), vector);
  pacer_.hold_collective(spec, transfer.ready);
  transfer.done = now();
  return transfer;
}

}  // namespace tandem
