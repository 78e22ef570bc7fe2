#include "sim/flow_network.hpp"

#include "base/error.hpp"

namespace tandem {

FlowNetwork::FlowNetwork(std::span<const double> bytes_per_second) : shares_(bytes_per_second) {}

void FlowNetwork::add_since(std::int64_t since, std::int64_t now, std::uint32_t flow,
                            std::span<const std::uint32_t> links, double bytes) {
  invariant(bytes > 0, "a flow has bytes to move");
  move_to(now);
  if (flow >= progress_.size()) progress_.resize(flow + std::size_t{1});
  progress_[flow] = FlowProgress::of(bytes, since);
  const bool alone = shares_.join(flow, links);
  invariant(alone || since == now, "a flow that has been under way was alone");
  if (!alone) return;
  progress_[flow].rate = shares_.bytes_per_second(flow);
  ends_.set(flow, progress_[flow].end());
}

std::int64_t FlowNetwork::time_alone(std::span<const std::uint32_t> links, double bytes) const {
  FlowProgress progress = FlowProgress::of(bytes, 0);
  progress.rate = shares_.bytes_per_second_alone(links);
  return progress.end();
}

void FlowNetwork::finish_due(std::int64_t now, std::vector<std::uint32_t>& finished) {
  for (std::int64_t end = next_end(); end <= now; end = next_end()) {
    time_ = end;
    const std::size_t before = finished.size();
    ends_.take(end, finished);
    for (std::size_t i = before; i < finished.size(); ++i) shares_.leave(finished[i]);
    if (end == now) return;  // others may join at this instant: one solution for all
  }
  move_to(now);
}

std::int64_t FlowNetwork::next_end() {
  const std::int64_t end = ends_.earliest();
  if (shares_.solved() || end <= time_) return end;
  changed_.clear();
  shares_.solve(changed_);
  for (const std::uint32_t flow : changed_) change_rate(flow);
  return ends_.earliest();
}

void FlowNetwork::move_to(std::int64_t now) {
  if (now == time_) return;
  invariant(now > time_, "virtual time runs forward");
  invariant(next_end() >= now, "a flow that is due is finished before time moves on");
  time_ = now;
}

void FlowNetwork::change_rate(std::uint32_t flow) {
  progress_[flow].change_rate(shares_.bytes_per_second(flow), time_);
  ends_.set(flow, progress_[flow].end());
}

}  // namespace tandem
