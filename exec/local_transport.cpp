#include <cstring>
#include <utility>

#include "base/error.hpp"
#include "exec/collective_rounds.hpp"
#include "exec/transport.hpp"

namespace tandem {

Transfer LocalTransport::send(MessageId message, const std::byte* payload) {
  invariant(from_ == nullptr, "a message's two ends are adjacent");
  from_ = payload;
  return meet(message);
}

Transfer LocalTransport::receive(MessageId message, std::byte* payload) {
  invariant(to_ == nullptr, "a message's two ends are adjacent");
  to_ = payload;
  return meet(message);
}

Transfer LocalTransport::meet(MessageId message) {
  const Instant ready = now();
  if (from_ == nullptr || to_ == nullptr) return {ready, ready};
  const ChannelId channel = program_.messages()[index_of(message)].channel;
  std::memcpy(std::exchange(to_, nullptr), std::exchange(from_, nullptr),
              static_cast<std::size_t>(program_.channels()[index_of(channel)].bytes.count));
  pacer_.hold_message(channel, ready);
  return {ready, now()};
}

Transfer LocalTransport::collective(StepId step, std::byte* vector) {
  const Collective& row = program_.collective(step);
  const CollectiveSpec& spec = program_.spec(row);
  const Instant ready = now();
  if (missing_ == 0) {
    missing_ = spec.members.size();
    vectors_.assign(missing_, nullptr);
  }
  invariant(vectors_.size() == spec.members.size(), "a collective's members are adjacent");
  std::byte*& mine = vectors_[program_.group_rank(step)];
  invariant(mine == nullptr, "a collective's members are adjacent");
  mine = vector;
  if (--missing_ > 0) return {ready, ready};
  run_all_ranks(spec, vectors_);
  pacer_.hold_collective(row.spec, ready);
  return {ready, now()};
}

}  // namespace tandem
