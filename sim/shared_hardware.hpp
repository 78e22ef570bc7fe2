#pragma once
// What steps share: the cores of hosts and the links of the network, each with one event under way for its next end.

#include <optional>
#include <span>
#include <vector>

#include "plan/prices.hpp"
#include "sim/event_queue.hpp"
#include "sim/flow_network.hpp"
#include "sim/happening.hpp"
#include "sim/run_queue.hpp"
#include "sim/separate_link.hpp"

namespace tandem {

/// A job is named by its step: what computes, or what sends. A step has at most one job at a time.
class SharedHardware {
 public:
  /// All must outlive this.
  SharedHardware(const Program& program, const Prices& prices, EventQueue& queue);

  /// The step takes the thread that runs the stream's steps `work` > 0 picoseconds of a core. From then on settle() is
  /// due at this instant.
  void add_job(StreamId stream, StepId step, std::int64_t work, bool urgent = false) {
    const Place at = places_[index_of(stream)];
    resources_[at.resource].add(at.thread, index_of(step), work, urgent);
    changed_resources_.push_back(at.resource);
  }
  /// A thread of the worker has ended a job at this instant.
  bool has_left(WorkerId worker) const {
    return resources_[prices_.worker_resource[index_of(worker)]].has_left(index_of(worker));
  }
  /// Nothing else happens at this instant: calls begin(step, time) for the steps that get a core for the first time.
  template <class Begin>
  void settle(Begin begin) {
    while (!changed_resources_.empty()) {
      settle_last_changed();
      for (const RunQueue::Start& start : started_) begin(static_cast<StepId>(start.job), start.time);
    }
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

  std::span<const RunQueue> resources() const { return resources_; }

 private:
  void find_separate_links();
  void find_threads(const Program& program);
  void settle_last_changed();
  void schedule_network();
  void schedule_links();

  const Prices& prices_;
  EventQueue& queue_;
  std::vector<RunQueue> resources_;
  std::vector<std::int64_t> pending_;  ///< by resource: the earliest event that is in the queue for it
  struct Place {
    std::uint32_t resource, thread;
  };
  std::vector<Place> places_;          ///< by stream, where there are resources: who runs its steps
  std::vector<std::uint32_t> changed_resources_;
  std::vector<RunQueue::Start> started_;
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
