#pragma once
// The bytes that an iteration moves, by channel, by collective and by pair of workers.

#include <vector>

#include "plan/program.hpp"

namespace tandem {

struct ChannelTraffic {
  std::int64_t messages = 0;
  Bytes bytes;
};

/// Counted apart at the two ends; `sent` equals `received` in every Program that verify() lets pass.
struct PairTraffic {
  WorkerId from, to;
  Bytes sent, received;
};

/// All members together, from the exchanges of the algorithm.
struct CollectiveTraffic {
  std::int64_t collectives = 0;
  Bytes bytes;  ///< sent
};

struct Traffic {
  std::vector<ChannelTraffic> channels;  ///< by ChannelId
  std::vector<CollectiveTraffic> collectives;  ///< by CollectiveSpecId
  std::vector<PairTraffic> pairs;        ///< those that talk, by sender, then by receiver
};

Traffic traffic_of(const Program& program);

}  // namespace tandem
