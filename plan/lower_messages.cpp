// What neighbouring stages hand over: messages between workers, and the lives of the buffers at both their ends; a shared
// buffer on one worker.
//
// At most `window` messages of one channel wait on either side: message j's inbox is allocated when message j - window
// has been consumed, and its outbox is freed when message j + window is produced.

#include <algorithm>

#include "base/error.hpp"
#include "plan/lowering.hpp"

namespace tandem {

void Lowering::add_outbox(const Crossing& crossing, std::size_t place, StepId send) {
  const auto& [from, to, way, order] = crossing;
  const std::uint32_t batch = order[place];
  const std::size_t later = place + static_cast<std::size_t>(plan_.window);
  const StepId release = later < order.size() ? from.first(way, order[later]) : from.end;
  const BufferId outbox = local_buffer(from, batch, crossing.sent(), way);
  builder_.allocate(outbox, from.first(way, batch), Moment::start);
  builder_.release(outbox, release, Moment::start);
  builder_.use(send, outbox, Access::read);
  builder_.add_after(send, from.last(way, batch));
  builder_.add_after(release, send);
}

/// What backward reads again stays until then, as an activation; what W reads of a gradient stays until W.
void Lowering::add_inbox(const Crossing& crossing, std::size_t place, StepId receive) {
  const auto& [from, to, way, order] = crossing;
  const std::uint32_t batch = order[place];
  const auto window = static_cast<std::size_t>(plan_.window);
  const StepId room = place >= window ? to.last(way, order[place - window]) : to.begin;
  const BufferId inbox = local_buffer(to, batch, crossing.received(), way);
  builder_.allocate(inbox, room, Moment::end);
  builder_.release(inbox, last_reader(to, way, batch), Moment::end);
  use_local(to, batch, {crossing.received(), Access::write}, way, receive);
  builder_.add_after(receive, room);
  builder_.add_after(to.first_use(way, batch, crossing.received()), receive);
}

StepId Lowering::last_reader(const LoweredStage& to, Way way, std::uint32_t batch) const {
  if (way == Way::backward) return to.last_use_of_backward(batch, BufferContent::gradient_inbox);
  return to.layout->keeps_inbox ? to.last_use_of_backward(batch, BufferContent::inbox) : to.last(way, batch);
}

/// On lanes of its own: no message waits for one of another channel.
ChannelId Lowering::add_channel(Channel channel) {
  channel.send_lane = lanes_[{channel.from, channel.send_stream}]++;
  channel.receive_lane = lanes_[{channel.to, mirror(channel.send_stream)}]++;
  return builder_.add_channel(channel);
}

void Lowering::connect(Crossing crossing) {
  const auto& [from, to, way, order] = crossing;
  const Bytes bytes = way == Way::forward ? from.layout->outbox_bytes : from.layout->gradient_outbox_bytes;
  invariant(bytes == (way == Way::forward ? to.layout->inbox_bytes : to.layout->gradient_inbox_bytes),
            "both ends of a cut lay its tensors out alike");
  if (bytes.count == 0 || order.empty()) return;
  const StreamKind stream = way == Way::forward ? StreamKind::send_forward : StreamKind::send_backward;
  const ChannelId channel = add_channel({from.worker, to.worker, bytes, crossing.sent(), stream});
  for (std::size_t place = 0; place < order.size(); ++place) {
    const MessageId message = builder_.add_message(channel, order[place]);
    add_outbox(crossing, place, builder_.send_of(message));
    add_inbox(crossing, place, builder_.receive_of(message));
  }
}

/// The reader's buffer is the writer's, too: from when it is written to its last reader.
void Lowering::join_hand_over(Crossing crossing) {
  auto& [from, to, way, order] = crossing;
  for (const std::uint32_t batch : order) {
    const BufferId shared = buffer_slot(to, batch, crossing.received(), way);
    if (shared == kNone<BufferId>) continue;
    builder_.allocate(shared, from.first(way, batch), Moment::start);
    builder_.release(shared, last_reader(to, way, batch), Moment::end);
  }
}

/// Micro-batches that the one runs after the other, in the order in which the first runs them.
std::vector<std::uint32_t> Lowering::common_order(std::size_t from, std::size_t to, Way way) const {
  std::vector<std::uint32_t> order;
  for (const std::uint32_t batch : lowered_[from * within_count()].order_of(way))
    if (holder_of(holders_[to].stage, batch) == to) order.push_back(batch);
  return order;
}

/// Calls act(crossing) for the way forth and the way back over every cut, between the workers that meet there.
template <class Act>
void Lowering::for_each_crossing(bool on_one_worker, Act act) {
  for (std::uint32_t stage = 0; stage + 1 < stage_total(); ++stage)
    for (const std::size_t upper : holders_of_stage(stage))
      for (const std::size_t lower : holders_of_stage(stage + 1)) {
        if ((holders_[upper].rank == holders_[lower].rank) != on_one_worker) continue;
        const auto forth = common_order(upper, lower, Way::forward), back = common_order(lower, upper, Way::backward);
        for (std::uint32_t within = 0; within < within_count(); ++within) {
          LoweredStage &from = lowered_[upper * within_count() + within], &to = lowered_[lower * within_count() + within];
          act(Crossing{from, to, Way::forward, forth});
          act(Crossing{to, from, Way::backward, back});
        }
      }
}

/// Before any step is laid down: the writer uses the reader's buffers as its own.
void Lowering::share_hand_overs() {
  for (std::uint32_t stage = 0; stage + 1 < stage_total(); ++stage)
    for (std::uint32_t batch = 0; batch < batches(); ++batch) {
      const std::size_t upper = holder_of(stage, batch), lower = holder_of(stage + 1, batch);
      if (holders_[upper].rank != holders_[lower].rank) continue;
      for (std::uint32_t within = 0; within < within_count(); ++within) {
        LoweredStage &from = lowered_[upper * within_count() + within], &to = lowered_[lower * within_count() + within];
        buffer_slot(from, batch, BufferContent::outbox, Way::forward) =
            buffer_slot(to, batch, BufferContent::inbox, Way::forward);
        buffer_slot(to, batch, BufferContent::gradient_outbox, Way::backward) =
            buffer_slot(from, batch, BufferContent::gradient_inbox, Way::backward);
      }
    }
}

void Lowering::connect_stages() {
  for_each_crossing(true, [this](Crossing crossing) { join_hand_over(std::move(crossing)); });
  for_each_crossing(false, [this](Crossing crossing) { connect(std::move(crossing)); });
}

}  // namespace tandem
