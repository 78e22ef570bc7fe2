#include "sim/shared_hardware.hpp"

#include <algorithm>

#include "sim/clock.hpp"
#include "sim/drain.hpp"

namespace tandem {

SharedHardware::SharedHardware(const Program& program, const Prices& prices, EventQueue& queue)
    : prices_(prices), queue_(queue), pending_(prices.resources.size(), RunQueue::kNever) {
  if (!prices.resources.empty()) find_threads(program);
  if (prices.link_bytes_per_second.empty()) return;
  network_.emplace(prices.link_bytes_per_second);
  find_separate_links();
}

/// By which thread of what each stream runs. That of a host has one of its own; others where a core is left for them,
/// else a worker's one thread runs all its steps.
void SharedHardware::find_threads(const Program& program) {
  std::vector<std::vector<std::uint32_t>> worker_of(prices_.resources.size());
  std::vector<std::int64_t> workers(prices_.resources.size(), 0);
  for (const std::uint32_t resource : prices_.worker_resource)
    if (resource != kExclusive) ++workers[resource];
  places_.assign(program.streams().size(), {kExclusive, 0});
  const auto give_thread = [&](StreamId stream, std::uint32_t resource) {
    if (resource == kExclusive || places_[index_of(stream)].resource != kExclusive) return;
    places_[index_of(stream)] = {resource, static_cast<std::uint32_t>(worker_of[resource].size())};
    worker_of[resource].push_back(index_of(program.stream(stream).worker));
  };
  for (std::uint32_t i = 0; i < program.streams().size(); ++i) {
    const auto [id, worker] = std::pair(static_cast<StreamId>(i), program.streams()[i].worker);
    const StreamId compute = program.workers()[index_of(worker)].compute;
    const std::uint32_t resource = prices_.worker_resource[index_of(worker)];
    give_thread(compute, resource);
    if (program.streams()[i].kind == StreamKind::host && program.streams()[i].count > 0)
      give_thread(id, prices_.host_resource[index_of(worker)]);
    else if (resource != kExclusive && workers[resource] < prices_.resources[resource].cores)
      give_thread(id, resource);
    else
      places_[i] = places_[index_of(compute)];
  }
  for (std::size_t i = 0; i < worker_of.size(); ++i) resources_.emplace_back(prices_.resources[i], worker_of[i]);
}

void SharedHardware::find_separate_links() {
  separate_.assign(prices_.link_bytes_per_second.size(), 0);
  for (const RoutePrice& route : prices_.routes)
    for (const std::uint32_t link : prices_.links_of(route))
      if (route.link_count > 1) separate_[link] = kPassedThrough;
  for (std::uint32_t link = 0; link < separate_.size(); ++link) {
    if (separate_[link] == kPassedThrough) continue;
    separate_[link] = static_cast<std::uint32_t>(links_.size());
    links_.emplace_back(*network_, link);
  }
  links_pending_.assign(links_.size(), SeparateLink::kNever);
}

void SharedHardware::add_flow(const RoutePrice& route, StepId step, double bytes, std::int64_t since) {
  const std::span<const std::uint32_t> links = prices_.links_of(route);
  if (const std::uint32_t link = separate_[links.front()]; link != kPassedThrough) {
    links_[link].add(since, index_of(step), bytes);
    return changed_links_.push_back(link);
  }
  if (free_flows_.empty()) {
    free_flows_.push_back(static_cast<std::uint32_t>(flow_step_.size()));
    flow_step_.push_back(0);
  }
  const std::uint32_t flow = free_flows_.back();
  free_flows_.pop_back();
  flow_step_[flow] = index_of(step);
  network_->add_since(since, queue_.now(), flow, links, bytes);
  network_changed_ = true;
}

std::int64_t SharedHardware::time_alone(const RoutePrice& route, double bytes) const {
  if (bytes == 0) return 0;
  if (route.link_count > 0) return network_->time_alone(prices_.links_of(route), bytes);
  return std::max<std::int64_t>(1, to_whole_picoseconds(bytes * 1e12 / route.bytes_per_second));
}

void SharedHardware::end_jobs(std::uint32_t resource, std::vector<std::uint32_t>& steps) {
  pending_[resource] = RunQueue::kNever;
  resources_[resource].finish_due(queue_.now(), steps);
  changed_resources_.push_back(resource);
}

void SharedHardware::end_flows(std::vector<std::uint32_t>& steps) {
  network_pending_ = FlowNetwork::kNever;
  network_changed_ = true;
  const std::size_t first = steps.size();
  network_->finish_due(queue_.now(), steps);
  for (std::size_t i = first; i < steps.size(); ++i) {
    free_flows_.push_back(steps[i]);
    steps[i] = flow_step_[steps[i]];
  }
}

/// Sees to it that the queue holds an event for when the resource must be looked at next, or an earlier one.
void SharedHardware::settle_last_changed() {
  const std::uint32_t resource = changed_resources_.back();
  std::erase(changed_resources_, resource);
  started_.clear();
  resources_[resource].settle(queue_.now(), started_);
  const std::int64_t next = resources_[resource].next();
  if (next >= pending_[resource]) return;
  pending_[resource] = next;
  queue_.push({next, resource, static_cast<std::uint32_t>(Happening::resource_due)});
}

void SharedHardware::end_flows_on(std::uint32_t separate_link, std::vector<std::uint32_t>& steps) {
  links_pending_[separate_link] = SeparateLink::kNever;
  links_[separate_link].finish_due(queue_.now(), steps);
  changed_links_.push_back(separate_link);
}

void SharedHardware::schedule_network() {
  network_changed_ = false;
  const std::int64_t end = network_->next_end();
  if (end >= network_pending_) return;
  network_pending_ = end;
  queue_.push({end, 0, static_cast<std::uint32_t>(Happening::network_due)});
}

void SharedHardware::schedule_links() {
  drain(changed_links_, [this](std::uint32_t link) {
    links_[link].settle(queue_.now());
    const std::int64_t end = links_[link].next_end();
    if (end >= links_pending_[link]) return;
    links_pending_[link] = end;
    queue_.push({end, link, static_cast<std::uint32_t>(Happening::link_due)});
  });
}

}  // namespace tandem
