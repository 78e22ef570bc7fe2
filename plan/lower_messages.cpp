// The messages between neighbouring stages, and the lives of the buffers at both their ends.
//
// At most `window` messages of one channel wait on either side: message j's inbox is allocated when message j - window
// has been consumed, and its outbox is freed when message j + window is produced.

#include "base/error.hpp"
#include "plan/lowering.hpp"

namespace tandem {

void Lowering::add_outbox(const Crossing& crossing, std::size_t place, StepId send) {
  const auto& [from, to, forward, bytes, order] = crossing;
  const std::uint32_t batch = order[place];
  const auto first = [&](std::uint32_t b) { return forward ? from.first_forward(b) : from.first_backward(b); };
  const std::size_t later = place + static_cast<std::size_t>(plan_.window);
  const StepId release = later < order.size() ? first(order[later]) : from.end;
  const auto content = forward ? BufferContent::outbox : BufferContent::gradient_outbox;
  const BufferId outbox = local_buffer(from, batch, content, forward);
  builder_.allocate(outbox, first(batch), Moment::start);
  builder_.release(outbox, release, Moment::start);
  builder_.use(send, outbox, Access::read);
  builder_.add_after(send, forward ? from.last_forward(batch) : from.last_backward(batch));
  builder_.add_after(release, send);
}

/// What backward reads again stays until then, as an activation.
void Lowering::add_inbox(const Crossing& crossing, std::size_t place, StepId receive) {
  const auto& [from, to, forward, bytes, order] = crossing;
  const std::uint32_t batch = order[place];
  const auto window = static_cast<std::size_t>(plan_.window);
  const auto last = [&, this_to = &to](std::uint32_t b) {
    return forward ? this_to->last_forward(b) : this_to->last_backward(b);
  };
  const bool kept = forward && to.layout->keeps_inbox;
  const StepId room = place >= window ? last(order[place - window]) : to.begin;
  const auto content = forward ? BufferContent::inbox : BufferContent::gradient_inbox;
  const BufferId inbox = local_buffer(to, batch, content, forward);
  builder_.allocate(inbox, room, Moment::end);
  builder_.release(inbox, kept ? to.last_backward(batch) : last(batch), Moment::end);
  builder_.use(receive, inbox, Access::write);
  builder_.add_after(receive, room);
  builder_.add_after(forward ? to.first_forward(batch) : to.first_backward(batch), receive);
}

void Lowering::connect(LoweredStage& from, LoweredStage& to, bool forward) {
  const Bytes bytes = forward ? from.layout->outbox_bytes : from.layout->gradient_outbox_bytes;
  invariant(bytes == (forward ? to.layout->inbox_bytes : to.layout->gradient_inbox_bytes),
            "both ends of a cut lay its tensors out alike");
  if (bytes.count == 0) return;
  const Crossing crossing{from, to, forward, bytes, forward ? from.forward_order : from.backward_order};
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
