#include "sim/flow_network_shares.hpp"

#include <algorithm>
#include <cmath>

#include "base/error.hpp"

namespace tandem {

FlowShares::FlowShares(std::span<const double> bytes_per_second) : links_(bytes_per_second.size()) {
  const double widest = bytes_per_second.empty() ? 1 : *std::ranges::max_element(bytes_per_second);
  invariant(std::isfinite(widest), "a capacity is finite");
  int exponent = 0;
  std::frexp(widest, &exponent);
  unit_ = std::ldexp(1.0, exponent - kRateBits);
  for (std::size_t i = 0; i < links_.size(); ++i) {
    invariant(bytes_per_second[i] >= std::ldexp(widest, -50) && bytes_per_second[i] > 0,
              "a capacity is positive and within a factor of 2^50 of the widest");
    links_[i].capacity = static_cast<Rate>(std::ldexp(bytes_per_second[i], kRateBits - exponent));
  }
}

bool FlowShares::join(std::uint32_t flow, std::span<const std::uint32_t> links) {
  if (flow >= flows_.size()) flows_.resize(flow + std::size_t{1});
  invariant(flows_[flow].first == kNone && !links.empty(), "a flow joins once, over a link or more");
  std::uint32_t next = kNone;
  std::uint32_t company = 0;
  for (const std::uint32_t link : links) {
    const std::uint32_t hop = enter(flow, link);
    hops_[hop].next = next;
    next = hop;
    company |= links_[link].flows - 1;
  }
  flows_[flow].first = next;
  if (company == 0) start_alone(flow, links);
  else joined_.push_back(flow);
  return company == 0;
}

std::uint32_t FlowShares::enter(std::uint32_t flow, std::uint32_t link) {
  invariant(link < links_.size(), "a flow's links exist");
  std::uint32_t hop = free_hop_;
  if (hop == kNone) {
    hop = static_cast<std::uint32_t>(hops_.size());
    hops_.emplace_back();
  } else {
    free_hop_ = hops_[hop].next;
  }
  Link& at = links_[link];
  hops_[hop] = {flow, link, kNone, at.first, kNone};
  if (at.first != kNone) hops_[at.first].before = hop;
  at.first = hop;
  ++at.flows;
  return hop;
}

void FlowShares::start_alone(std::uint32_t flow, std::span<const std::uint32_t> links) {
  const Rate rate = narrowest(links);
  flows_[flow].rate = rate;
  for (const std::uint32_t link : links) {
    links_[link].total = rate;
    links_[link].level = links_[link].capacity == rate ? rate : kNoLevel;
  }
}

FlowShares::Rate FlowShares::narrowest(std::uint32_t flow) {
  Rate narrowest = kNoLevel;
  for_each_link(flow, [&](std::uint32_t link) { narrowest = std::min(narrowest, links_[link].capacity); });
  return narrowest;
}

FlowShares::Rate FlowShares::narrowest(std::span<const std::uint32_t> links) const {
  Rate narrowest = kNoLevel;
  for (const std::uint32_t link : links) narrowest = std::min(narrowest, links_[link].capacity);
  return narrowest;
}

void FlowShares::leave(std::uint32_t flow) {
  invariant(flows_[flow].rate > 0, "a flow that leaves has been solved");
  for (std::uint32_t hop = flows_[flow].first; hop != kNone;) {
    const std::uint32_t next = hops_[hop].next;
    leave_link(hop);
    hop = next;
  }
  flows_[flow].first = kNone;
  flows_[flow].rate = 0;
}

void FlowShares::leave_link(std::uint32_t hop) {
  Hop& from = hops_[hop];
  Link& link = links_[from.link];
  link.total -= flows_[from.flow].rate;
  if (--link.flows == 0) link.level = kNoLevel;
  if (link.level != kNoLevel) touch(from.link);
  (from.before == kNone ? link.first : hops_[from.before].after) = from.after;
  if (from.after != kNone) hops_[from.after].before = from.before;
  from.next = free_hop_;
  free_hop_ = hop;
}

void FlowShares::touch(std::uint32_t link) {
  if (links_[link].touched) return;
  links_[link].touched = true;
  touched_.push_back(link);
}

void FlowShares::solve(std::vector<std::uint32_t>& changed) {
  for (const std::uint32_t flow : joined_) touch_routes(flow);
  for (const std::uint32_t flow : joined_) touch_crowded(flow);
  do replay();
  while (!leaves_room());
  keep(changed);
}

/// A link that holds no flow back can do without a replay where the newcomers, each as fast as its narrowest link,
/// leave it room; that narrowest link takes part, so that something holds the flow.
void FlowShares::touch_routes(std::uint32_t flow) {
  const Rate most = narrowest(flow);
  for_each_link(flow, [&](std::uint32_t link) {
    if (links_[link].level != kNoLevel || links_[link].capacity == most) touch(link);
    else links_[link].asked += most;
  });
}

void FlowShares::touch_crowded(std::uint32_t flow) {
  for_each_link(flow, [&](std::uint32_t link) {
    Link& at = links_[link];
    if (at.total + at.asked + at.flows > at.capacity) touch(link);
  });
}

/// A link out of the replay would fill up at no level of the whole filling either where each of its flows could be
/// faster by one unit.
bool FlowShares::leaves_room() {
  const std::size_t before = touched_.size();
  swap_rates();
  for (const std::uint32_t flow : changed_) {
    for_each_link(flow, [&](std::uint32_t link) {
      const Link& at = links_[link];
      if (!takes_part(at) && at.total + at.flows > at.capacity) touch(link);
    });
  }
  const bool room = touched_.size() == before;
  if (!room) swap_rates();
  return room;
}

/// Exchanges the old rates and the new, in the links' totals too.
void FlowShares::swap_rates() {
  for (const std::uint32_t id : changed_) {
    Flow& flow = flows_[id];
    for_each_link(id, [&](std::uint32_t link) { links_[link].total += flow.next_rate - flow.rate; });
    std::swap(flow.rate, flow.next_rate);
  }
}

void FlowShares::keep(std::vector<std::uint32_t>& changed) {
  for (const std::uint32_t link : part_) links_[link].level = links_[link].next_level;
  changed.insert(changed.end(), changed_.begin(), changed_.end());
  for (const std::uint32_t link : touched_) links_[link].touched = false;
  touched_.clear();
  for (const std::uint32_t flow : joined_) {
    invariant(flows_[flow].rate > 0, "every flow has a rate");
    for_each_link(flow, [&](std::uint32_t link) { links_[link].asked = 0; });
  }
  joined_.clear();
}

}  // namespace tandem
