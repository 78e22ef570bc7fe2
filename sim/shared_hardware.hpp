#pragma once
// What steps share: the cores of hosts and the links of the network, each with one event under way for its next end.

#include <optional>
#include <span>
#include <vector>

#include "plan/prices.hpp"
#include "sim/event_queue.hpp"
#include "sim/flow_network.hpp"
#include "sim/happening.hpp"
#include "sim/processor_sharing.hpp"
#include "sim/separate_link.hpp"

namespace tandem {

/// A job is named by its step: what computes, or what sends. A step has at most one job at a time.
class SharedHardware {
 public:
  /// Both must outlive this.
  SharedHardware(const Prices& prices, EventQueue& queue);

  /// The step takes `work` > 0 picoseconds of the resource when alone on it.
  void add_job(std::uint32_t resource, StepId step, std::int64_t work) {
    resources_[resource].add(queue_.now(), index_of(step), work);
    schedule(resource);
  }
  /// The step's `bytes` > 0 move over the route's links, since now, or since a time from when on it has been alone on
  /// them (FlowNetwork::add_since). From then on schedule_flows() is due at this instant.
  void add_flow(const RoutePrice& route, StepId step, double bytes, std::int64_t since);
  std::uint32_t flows_on(std::uint32_t link) const {
    return separate_[link] == kPassedThrough ? network_->flows_on(link) : links_[separate_[link]].flows();
  }
  /// What `bytes` take to move over the route when nobody else is on it; never zero where there are any.
  std::int64_t time_alone(const RoutePrice& route, double bytes) const;

  /// Appends the steps whose jobs have ended by now.
  void end_jobs(std::uint32_t resource, std::vector<std::uint32_t>& steps);
  void end_flows(std::vector<std::uint32_t>& steps);
  /// Of one separate link, as its event names it.
  void end_flows_on(std::uint32_t separate_link, std::vector<std::uint32_t>& steps);
  /// Sees to it that events are under way for the next ends of flows, after all of an instant have joined or left.
  void schedule_flows() {
    if (network_changed_) schedule_network();
    if (!changed_links_.empty()) schedule_links();
  }

  bool saturated(std::uint32_t resource) const { return resources_[resource].saturated(); }
  std::span<const ProcessorSharing> resources() const { return resources_; }

 private:
  void find_separate_links();
  void schedule(std::uint32_t resource);
  void schedule_network();
  void schedule_links();

  const Prices& prices_;
  EventQueue& queue_;
  std::vector<ProcessorSharing> resources_;
  std::vector<std::int64_t> pending_;  ///< by resource: the earliest event that is in the queue for it
  std::optional<FlowNetwork> network_;
  std::int64_t network_pending_ = FlowNetwork::kNever;
  bool network_changed_ = false;
  std::vector<std::uint32_t> flow_step_;   ///< by flow of the network
  std::vector<std::uint32_t> free_flows_;

  static constexpr std::uint32_t kPassedThrough = 0xffffffff;
  std::vector<std::uint32_t> separate_;       ///< by link: in links_, or kPassedThrough
  std::vector<SeparateLink> links_;
  std::vector<std::int64_t> links_pending_;   ///< by separate link: the earliest event that is in the queue for it
  std::vector<std::uint32_t> changed_links_;
};

}  // namespace tandem
