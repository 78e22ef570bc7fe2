// The messages between neighbouring stages, and the buffers at both their ends.
//
// At most `window` messages of one channel wait on either side: message j's inbox is allocated when message j - window
// has been consumed, and its outbox is freed when message j + window is produced.

#include "plan/lowering.hpp"

namespace tandem {

void Lowering::add_outbox(const Crossing& crossing, std::size_t place, StepId send) {
  const auto& order = crossing.order;
  const auto content = crossing.forward ? BufferContent::outbox : BufferContent::gradient_outbox;
  const StepId producer = crossing.producers[order[place]];
  const std::size_t later = place + static_cast<std::size_t>(plan_.window);
  const StepId release = later < order.size() ? crossing.producers[order[later]] : crossing.from.end;
  const BufferId outbox = buffer(crossing.from, BufferClass::message, content, crossing.bytes, order[place]);
  builder_.allocate(outbox, producer, Moment::start);
  builder_.release(outbox, release, Moment::start);
  builder_.use(producer, outbox, Access::write);
  builder_.use(send, outbox, Access::read);
  builder_.add_after(send, producer);
  builder_.add_after(release, send);
}

/// What backward reads again stays until then, as an activation.
void Lowering::add_inbox(const Crossing& crossing, std::size_t place, StepId receive) {
  const auto& order = crossing.order;
  const auto window = static_cast<std::size_t>(plan_.window);
  const bool kept = crossing.forward && crossing.to.layout->keeps_inbox;
  const auto content = crossing.forward ? BufferContent::inbox : BufferContent::gradient_inbox;
  const StepId consumer = crossing.consumers[order[place]];
  const StepId room = place >= window ? crossing.consumers[order[place - window]] : crossing.to.begin;
  const StepId backward = crossing.to.backward_step[order[place]];
  const BufferId inbox = buffer(crossing.to, kept ? BufferClass::activation : BufferClass::message, content,
                                crossing.bytes, order[place]);
  builder_.allocate(inbox, room, Moment::end);
  builder_.release(inbox, kept ? backward : consumer, Moment::end);
  builder_.use(receive, inbox, Access::write);
  builder_.use(consumer, inbox, crossing.forward ? Access::read : Access::read_write);
  if (kept) builder_.use(backward, inbox, Access::read);
  builder_.add_after(receive, room);
  builder_.add_after(consumer, receive);
}

void Lowering::connect(LoweredStage& from, LoweredStage& to, bool forward) {
  const Bytes bytes = forward ? from.layout->outbox_bytes : from.layout->gradient_outbox_bytes;
  if (bytes.count == 0) return;
  const Crossing crossing{from,
                          to,
                          forward,
                          bytes,
                          forward ? from.forward_order : from.backward_order,
                          forward ? from.forward_step : from.backward_step,
                          forward ? to.forward_step : to.backward_step};
  const ChannelId channel = builder_.add_channel({from.worker, to.worker, bytes,
                                                  forward ? BufferContent::outbox : BufferContent::gradient_outbox,
                                                  forward ? StreamKind::send_forward : StreamKind::send_backward});
  for (std::size_t place = 0; place < crossing.order.size(); ++place) {
    const MessageId message = builder_.add_message(channel, crossing.order[place]);
    add_outbox(crossing, place, builder_.send_of(message));
    add_inbox(crossing, place, builder_.receive_of(message));
  }
}

}  // namespace tandem
