#include "timeline/traffic.hpp"

#include <map>

namespace tandem {
namespace {

using Pairs = std::map<std::pair<WorkerId, WorkerId>, PairTraffic>;

PairTraffic& pair_of(Pairs& pairs, WorkerId from, WorkerId to) {
  PairTraffic& pair = pairs[{from, to}];
  pair.from = from;
  pair.to = to;
  return pair;
}

std::vector<ChannelTraffic> channel_traffic(const Program& program, Pairs& pairs) {
  struct Counts {
    std::int64_t sent = 0, received = 0;
  };
  std::vector<Counts> counts(program.channels().size());
  for (const Step& step : program.steps()) {
    if (!is_message_end(step.kind)) continue;
    Counts& count = counts[index_of(program.messages()[step.object].channel)];
    ++(step.kind == StepKind::send ? count.sent : count.received);
  }
  std::vector<ChannelTraffic> channels;
  for (std::size_t i = 0; i < counts.size(); ++i) {
    const Channel& channel = program.channels()[i];
    channels.push_back({counts[i].sent, channel.bytes * counts[i].sent});
    PairTraffic& pair = pair_of(pairs, channel.from, channel.to);
    pair.sent += channel.bytes * counts[i].sent;
    pair.received += channel.bytes * counts[i].received;
  }
  return channels;
}

/// Walks through the rounds of one collective for all that do the same.
Bytes add_exchanges(const CollectiveSpec& spec, std::int64_t times, Pairs& pairs) {
  Bytes sent;
  const std::uint32_t rounds = spec.algorithm->rounds(spec.shape);
  for (std::uint32_t rank = 0; rank < spec.shape.ranks; ++rank)
    for (std::uint32_t round = 0; round < rounds; ++round) {
      const RoundExchange exchange = spec.algorithm->exchange(spec.shape, rank, round);
      const WorkerId self = spec.members[rank];
      if (exchange.to != kNoRank) {
        pair_of(pairs, self, spec.members[exchange.to]).sent += spec.shape.bytes(exchange.sent) * times;
        sent += spec.shape.bytes(exchange.sent) * times;
      }
      if (exchange.from != kNoRank)
        pair_of(pairs, spec.members[exchange.from], self).received += spec.shape.bytes(exchange.received) * times;
    }
  return sent;
}

std::vector<CollectiveTraffic> collective_traffic(const Program& program, Pairs& pairs) {
  std::vector<CollectiveTraffic> traffic(program.collective_specs().size());
  for (const Collective& collective : program.collectives()) ++traffic[index_of(collective.spec)].collectives;
  for (std::size_t i = 0; i < traffic.size(); ++i)
    traffic[i].bytes = add_exchanges(program.collective_specs()[i], traffic[i].collectives, pairs);
  return traffic;
}

}  // namespace

Traffic traffic_of(const Program& program) {
  Traffic traffic;
  Pairs pairs;
  traffic.channels = channel_traffic(program, pairs);
  traffic.collectives = collective_traffic(program, pairs);
  for (const auto& [ends, pair] : pairs) traffic.pairs.push_back(pair);
  return traffic;
}

}  // namespace tandem
