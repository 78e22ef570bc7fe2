// The replay of a progressive filling: see flow_network_shares.hpp.

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
  fixed_.clear();
  const Rate lowest = lowest_level();
  for (const std::uint32_t link : touched_) enlist(link);
  for (const std::uint32_t link : touched_) count_rising(link, lowest);
  while (!ahead_.empty()) {
    std::ranges::pop_heap(ahead_, comes_later);
    const Occasion next = ahead_.back();
    ahead_.pop_back();
    if (next.kind == Kind::link) fill(next.id, next.level);
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

void FlowShares::enlist(std::uint32_t link) {
  links_[link].replay = replay_;
  links_[link].fixed_there = 0;
  links_[link].next_level = kNoLevel;
  part_.push_back(link);
}

/// `link` takes part from `level` on: of its flows that the replay has not fixed, those of lower rates keep them.
void FlowShares::count_rising(std::uint32_t link, Rate level) {
  Link& at = links_[link];
  at.from = level;
  at.left = at.capacity;
  at.rising = 0;
  for (std::uint32_t hop = at.first; hop != kNone; hop = hops_[hop].after) {
    const std::uint32_t id = hops_[hop].flow;
    const Flow& flow = flows_[id];
    if (!rises_on(at, flow)) {
      at.left -= is_fixed(flow) ? flow.next_rate : flow.rate;
    } else {
      ++at.rising;
      announce(id);
    }
  }
  if (at.rising > 0) push({at.left / at.rising, link, Kind::link});
}

/// A flow that a link outside the replay may hold needs a look at its old rate.
void FlowShares::announce(std::uint32_t id) {
  Flow& flow = flows_[id];
  if (flow.rate == 0 || flow.announced == replay_) return;
  bool outside = false;
  for_each_link(id, [&](std::uint32_t link) { outside |= holds_from_outside(links_[link]); });
  if (!outside) return;
  flow.announced = replay_;
  push({flow.rate, id, Kind::flow});
}

void FlowShares::push(Occasion occasion) {
  ahead_.push_back(occasion);
  std::ranges::push_heap(ahead_, comes_later);
}

/// `level` was the link's share when it was pushed; since then its share can only have grown. What counts is the share
/// before any flow was fixed at `level`, so that links which fill up together all do, in whatever order they come.
void FlowShares::fill(std::uint32_t link, Rate level) {
  Link& at = links_[link];
  const std::uint32_t there = at.fixed_level == level ? at.fixed_there : 0;
  const Rate before = at.left + level * there;
  if (before < (level + 1) * (at.rising + there)) {
    at.next_level = level;
    for (std::uint32_t hop = at.first; hop != kNone && at.rising > 0; hop = hops_[hop].after)
      if (rises_on(at, flows_[hops_[hop].flow])) fix(hops_[hop].flow, level);
  } else if (at.rising > 0) {
    push({at.left / at.rising, link, Kind::link});
  }
}

/// A flow still rises at its old rate: a link outside the replay holds it there, or it leaves those links behind, which
/// filled up later with it fixed.
void FlowShares::pass(std::uint32_t id, Rate level) {
  if (is_fixed(flows_[id])) return;
  bool held = false;
  for_each_link(id, [&](std::uint32_t link) { held |= !takes_part(links_[link]) && links_[link].level == level; });
  if (held) return fix(id, level);
  for_each_link(id, [&](std::uint32_t link) {
    if (!holds_from_outside(links_[link])) return;
    enlist(link);
    count_rising(link, level);
  });
}

void FlowShares::fix(std::uint32_t id, Rate level) {
  Flow& flow = flows_[id];
  flow.fixed = replay_;
  flow.next_rate = level;
  fixed_.push_back(id);
  for_each_link(id, [&](std::uint32_t link) {
    Link& at = links_[link];
    if (takes_part(at)) {
      at.left -= level;
      --at.rising;
      at.fixed_there = at.fixed_level == level ? at.fixed_there + 1 : 1;
      at.fixed_level = level;
    } else if (at.level != kNoLevel && level != flow.rate) {
      enlist(link);
      count_rising(link, level);
    }
  });
}

}  // namespace tandem
