// What a link of a replay counts: which of its flows rise, which keep their rates, and so its share.
// See flow_network_shares.hpp.

#include <algorithm>

#include "sim/flow_network_shares.hpp"

namespace tandem {

void FlowShares::enlist(std::uint32_t link) {
  links_[link].replay = replay_;
  links_[link].fixed_there = 0;
  links_[link].next_level = kNoLevel;
  part_.push_back(link);
}

/// `link` takes part from `level` on.
void FlowShares::count_rising(std::uint32_t link, Rate level) {
  const Link& at = links_[link];
  const Rate near = at.level == kNoLevel ? kNoLevel : at.level - std::min<Rate>(at.level, at.flows);
  if (near <= level) count(link, level);
  else if (!count(link, near)) count_fewer(link, level);
  look_ahead(link);
  if (at.rising > 0 && at.level != kNoLevel) push({at.level, link, Kind::filled_before});
}

/// Too many flows of `link` keep their rates. Those of rates above its share can do so least of all; when they rise,
/// its share stays near.
void FlowShares::count_fewer(std::uint32_t link, Rate level) {
  const Link& at = links_[link];
  const Rate share = at.rising > 0 && at.left <= at.capacity ? at.left / at.rising : 0, margin = 2 * Rate{at.flows} + 2;
  if (share <= level + margin || !count(link, share - margin)) count(link, level);
}

/// Counts the rising flows of `link` when those of old rates below `from` keep them. False where that need not hold.
bool FlowShares::count(std::uint32_t link, Rate from) {
  Link& at = links_[link];
  Rate used = 0;
  at.from = from;
  at.highest_kept = 0;
  at.rising = 0;
  for (std::uint32_t hop = at.first; hop != kNone; hop = hops_[hop].after) {
    const Flow& flow = flows_[hops_[hop].flow];
    if (is_fixed(flow)) {
      used += flow.next_rate;
    } else if (keeps_rate(at, flow)) {
      used += flow.rate;
      at.highest_kept = std::max(at.highest_kept, flow.rate);
    } else {
      ++at.rising;
      if (flow.rate != 0 && flow.rate != at.level) announce(hops_[hop].flow);
    }
  }
  at.left = at.capacity - used;
  if (used > at.capacity) return false;
  if (at.rising == 0) return at.flows <= at.left;
  return at.left / at.rising >= at.highest_kept + at.flows;
}

void FlowShares::look_ahead(std::uint32_t link) {
  Link& at = links_[link];
  if (at.rising == 0) return;
  at.share = at.left / at.rising;
  push({at.share, link, Kind::fill});
}

/// A flow that a link outside the replay may hold needs a look at its old rate.
void FlowShares::announce(std::uint32_t id) {
  Flow& flow = flows_[id];
  if (flow.announced == replay_) return;
  bool held = false;
  for_each_link(id, [&](std::uint32_t link) { held |= !takes_part(links_[link]) && links_[link].level == flow.rate; });
  if (!held) return;
  flow.announced = replay_;
  push({flow.rate, id, Kind::hold});
}

/// One more flow of `link` rises beyond its old rate, and so may some whose rates its share comes near.
void FlowShares::let_rise(std::uint32_t link, Rate old_rate) {
  Link& at = links_[link];
  at.left += old_rate;
  ++at.rising;
  if (at.left / at.rising < at.highest_kept + at.flows) count_fewer(link, old_rate);
  look_ahead(link);
}

}  // namespace tandem
