#include "sim/collective_rounds.hpp"

#include "base/error.hpp"

namespace tandem {

CollectiveRounds::CollectiveRounds(const Program& program, const Prices& prices) : program_(program), prices_(prices) {
  if (program.collectives().empty()) return;
  members_.resize(program.streams().size());
  worker_streams_.resize(program.workers().size() * kStreamKinds, kNobody);
  for (std::uint32_t i = 0; i < program.streams().size(); ++i) {
    const Stream& stream = program.streams()[i];
    worker_streams_[index_of(stream.worker) * kStreamKinds + static_cast<std::size_t>(stream.kind)] = i;
  }
}

std::uint32_t CollectiveRounds::stream_of(const Member& member, std::uint32_t rank) const {
  return worker_streams_[index_of(member.spec->members[rank]) * kStreamKinds +
                         static_cast<std::size_t>(member.spec->stream)];
}

/// Is that stream in the same round of the same collective?
bool CollectiveRounds::meets(const Member& member, std::uint32_t stream) const {
  const Member& other = members_[stream];
  return other.collective == member.collective && other.round == member.round;
}

/// The state of the step's stream, before its first round.
CollectiveRounds::Member& CollectiveRounds::member_at(StepId step) {
  const Step& entry = program_.step(step);
  const Collective& collective = program_.collective(step);
  Member& member = members_[index_of(entry.stream)];
  member.spec = &program_.spec(collective);
  member.collective = index_of(program_.collective_members()[entry.object].collective);
  member.step = step;
  member.rank = entry.object - collective.first_member;
  member.peers = prices_.collectives[index_of(collective.spec)].peers_of(member.rank);
  member.rounds = member.spec->algorithm->rounds(member.spec->shape);
  member.last_peer = 0;
  member.round = 0;
  member.begun = false;
  return member;
}

bool CollectiveRounds::enter(StepId step, std::vector<StreamId>& ready) {
  member_at(step);
  return enter_round(index_of(program_.step(step).stream), ready);
}

void CollectiveRounds::resume(StepId step, std::uint32_t round, std::uint8_t open, bool begun) {
  Member& member = member_at(step);
  member.round = round;
  prepare(member);
  member.open = open;
  member.begun = begun;
}

/// What the member exchanges in its round.
RoundExchange CollectiveRounds::prepare(Member& member) const {
  const RoundExchange exchange = member.spec->algorithm->exchange(member.spec->shape, member.rank, member.round);
  member.open = static_cast<std::uint8_t>((exchange.to != kNoRank) + (exchange.from != kNoRank));
  if (member.open > 0) member.adds = exchange.adds;
  if (exchange.to == kNoRank) return exchange;
  member.to = stream_of(member, exchange.to);
  member.route = route_to(member.peers, exchange.to, member.last_peer);
  member.bytes = static_cast<double>(member.spec->shape.bytes(exchange.sent).count);
  return exchange;
}

/// Enters the first round from member.round on in which there is something to exchange; false: there is none.
bool CollectiveRounds::enter_round(std::uint32_t stream, std::vector<StreamId>& ready) {
  Member& member = members_[stream];
  for (; member.round < member.rounds; ++member.round) {
    const RoundExchange exchange = prepare(member);
    if (member.open == 0) continue;
    if (exchange.to != kNoRank && meets(member, member.to)) ready.push_back(static_cast<StreamId>(stream));
    if (exchange.from == kNoRank) return true;
    const std::uint32_t from = stream_of(member, exchange.from);
    if (meets(member, from)) ready.push_back(static_cast<StreamId>(from));
    return true;
  }
  member.collective = kNobody;
  return false;
}

void CollectiveRounds::close(std::uint32_t stream, std::vector<StreamId>& ready, std::vector<StepId>& ended) {
  Member& member = members_[stream];
  invariant(member.open > 0, "an exchange ends that had begun");
  if (--member.open > 0) return;
  ++member.round;
  if (!enter_round(stream, ready)) ended.push_back(member.step);
}

void CollectiveRounds::end_exchange(StreamId sender, std::vector<StreamId>& ready, std::vector<StepId>& ended) {
  const std::uint32_t receiver = members_[index_of(sender)].to;
  close(index_of(sender), ready, ended);
  close(receiver, ready, ended);
}

}  // namespace tandem
