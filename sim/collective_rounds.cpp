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

/// Peers come again in the order in which they came first, or one has but few: the search goes on from the last one.
std::uint32_t CollectiveRounds::route_to(Member& member, std::uint32_t peer) {
  for (std::size_t tried = 0; tried < member.peers.size(); ++tried) {
    if (member.peers[member.last_peer].peer == peer) return member.peers[member.last_peer].route;
    if (++member.last_peer == member.peers.size()) member.last_peer = 0;
  }
  invariant(false, "a collective's messages have routes");
  return 0;
}

bool CollectiveRounds::enter(StepId step, std::vector<StreamId>& ready) {
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
  return enter_round(index_of(entry.stream), ready);
}

/// Enters the first round from member.round on in which there is something to exchange; false: there is none.
bool CollectiveRounds::enter_round(std::uint32_t stream, std::vector<StreamId>& ready) {
  Member& member = members_[stream];
  for (; member.round < member.rounds; ++member.round) {
    const RoundExchange exchange = member.spec->algorithm->exchange(member.spec->shape, member.rank, member.round);
    const bool sends = exchange.to != kNoRank, receives = exchange.from != kNoRank;
    if (!sends && !receives) continue;
    member.open = static_cast<std::uint8_t>(sends + receives);
    member.adds = exchange.adds;
    if (sends) {
      member.to = stream_of(member, exchange.to);
      member.route = route_to(member, exchange.to);
      member.bytes = static_cast<double>(exchange.sent.count) * sizeof(float);
      if (meets(member, member.to)) ready.push_back(static_cast<StreamId>(stream));
    }
    if (!receives) return true;
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
