#include "timeline/traffic.hpp"

#include <map>

#include "timeline/worker_view.hpp"

namespace tandem {

Traffic traffic_of(const Program& program) {
  struct Counts {
    std::int64_t sent = 0, received = 0;
  };
  std::vector<Counts> counts(program.channels().size());
  for (const Step& step : program.steps()) {
    if (!is_message(step.kind)) continue;
    Counts& count = counts[index_of(program.messages()[step.object].channel)];
    ++(step.kind == StepKind::send ? count.sent : count.received);
  }
  Traffic traffic;
  std::map<std::pair<WorkerId, WorkerId>, PairTraffic> pairs;
  for (std::size_t i = 0; i < counts.size(); ++i) {
    const Channel& channel = program.channels()[i];
    traffic.channels.push_back({counts[i].sent, channel.bytes * counts[i].sent});
    PairTraffic& pair = pairs[{channel.from, channel.to}];
    pair.from = channel.from;
    pair.to = channel.to;
    pair.sent += channel.bytes * counts[i].sent;
    pair.received += channel.bytes * counts[i].received;
  }
  for (const auto& [ends, pair] : pairs) traffic.pairs.push_back(pair);
  return traffic;
}

}  // namespace tandem
