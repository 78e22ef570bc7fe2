// The replay of a progressive filling, level by level: see flow_network_shares.hpp.

#include <algorithm>

#include "sim/flow_network_shares.hpp"

namespace tandem {

namespace {

constexpr auto comes_later = [](const auto& a, const auto& b) {
  return a.level != b.level ? a.level > b.level : a.kind > b.kind;
};

}  // namespace

void FlowShares::replay() {
  ++replay_;
  part_.clear();
  changed_.clear();
  const Rate lowest = lowest_level();
  for (const std::uint32_t link : touched_) enlist(link);
  for (const std::uint32_t link : touched_) count_rising(link, lowest);
  while (!ahead_.empty()) {
    std::ranges::pop_heap(ahead_, comes_later);
    const Occasion next = ahead_.back();
    ahead_.pop_back();
    if (next.kind == Kind::fill) fill(next.id, next.level);
    else if (next.kind == Kind::filled_before) release_flows(next.id, next.level);
    else pass(next.id, next.level);
  }
}

/// Below it nothing changes: no touched link filled up there, nor can it now.
FlowShares::Rate FlowShares::lowest_level() const {
  Rate lowest = kNoLevel;
  for (const std::uint32_t link : touched_)
    if (links_[link].flows > 0)
      lowest = std::min({lowest, links_[link].level, links_[link].capacity / links_[link].flows});
  return lowest;
}

void FlowShares::push(Occasion occasion) {
  ahead_.push_back(occasion);
  std::ranges::push_heap(ahead_, comes_later);
}

/// `level` was the link's share when it was pushed; since then its share has grown, or was pushed anew. What counts is
/// the share before any flow was fixed at `level`, so that links which fill up together all do, in whatever order.
void FlowShares::fill(std::uint32_t link, Rate level) {
  Link& at = links_[link];
  if (at.share != level) return;
  const std::uint32_t there = at.fixed_level == level ? at.fixed_there : 0;
  const Rate before = at.left + level * there;
  if (before < (level + 1) * (at.rising + there)) {
    at.next_level = level;
    for (std::uint32_t hop = at.first; hop != kNone && at.rising > 0; hop = hops_[hop].after)
      if (rises_on(at, flows_[hops_[hop].flow])) fix(hops_[hop].flow, level);
  } else {
    look_ahead(link);
  }
}

/// Flows that `link` fixed at `level` before, and now does not.
void FlowShares::release_flows(std::uint32_t link, Rate level) {
  const Link& at = links_[link];
  for (std::uint32_t hop = at.first; hop != kNone && at.rising > 0; hop = hops_[hop].after)
    if (flows_[hops_[hop].flow].rate == level) pass(hops_[hop].flow, level);
}

/// A flow still rises at its old rate: a link outside the replay holds it there, or nothing does.
void FlowShares::pass(std::uint32_t id, Rate level) {
  if (is_fixed(flows_[id]) || flows_[id].released == replay_) return;
  bool held = false;
  for_each_link(id, [&](std::uint32_t link) { held |= !takes_part(links_[link]) && links_[link].level == level; });
  if (held) fix(id, level);
  else release(id);
}

void FlowShares::release(std::uint32_t id) {
  const Rate old_rate = flows_[id].rate;
  flows_[id].released = replay_;
  for_each_link(id, [&](std::uint32_t link) {
    if (takes_part(links_[link]) && old_rate < links_[link].from) let_rise(link, old_rate);
  });
  for_each_link(id, [&](std::uint32_t link) {
    if (!holds_from_outside(links_[link])) return;
    enlist(link);
    count_rising(link, old_rate);
  });
}

void FlowShares::fix(std::uint32_t id, Rate level) {
  Flow& flow = flows_[id];
  for_each_link(id, [&](std::uint32_t link) {
    Link& at = links_[link];
    if (!takes_part(at)) return;
    if (keeps_rate(at, flow)) {
      at.left += flow.rate - level;
    } else {
      at.left -= level;
      --at.rising;
      at.fixed_there = at.fixed_level == level ? at.fixed_there + 1 : 1;
      at.fixed_level = level;
    }
  });
  flow.fixed = replay_;
  flow.next_rate = level;
  if (level == flow.rate) return;
  changed_.push_back(id);
  for_each_link(id, [&](std::uint32_t link) {
    if (!holds_from_outside(links_[link])) return;
    enlist(link);
    count_rising(link, level);
  });
}

}  // namespace tandem
