#include "sim/energy.hpp"

#include <algorithm>

namespace tandem {
namespace {

Seconds busy_time(const Program& program, const Worker& worker, const Timeline& timeline) {
  Picoseconds busy;
  const Stream& stream = program.stream(worker.compute);
  const auto first = timeline.spans.begin() + index_of(stream.first);
  for (const Span& span : std::span(first, first + stream.count)) busy += span.end - span.start;
  return to_seconds(busy);
}

}  // namespace

std::vector<Joules> energy_of(const Program& program, const Prices& prices, const Timeline& timeline,
                              std::span<const RunQueue> resources) {
  const auto known = [](const std::optional<DevicePower>& power) { return power.has_value(); };
  if (std::none_of(prices.power.begin(), prices.power.end(), known)) return {};
  std::vector<Seconds> busy(prices.power.size());
  std::vector<double> workers(prices.power.size(), 0);
  for (std::size_t i = 0; i < program.workers().size(); ++i) {
    const Worker& worker = program.workers()[i];
    const std::uint32_t resource = prices.worker_resource[i];
    busy[index_of(worker.device)] += resource == kExclusive
        ? busy_time(program, worker, timeline)
        : Seconds{resources[resource].occupancy() * 1e-12 / static_cast<double>(prices.resources[resource].cores)};
    workers[index_of(worker.device)] += 1;
  }
  std::vector<Joules> energy(prices.power.size());
  const Seconds iteration = to_seconds(timeline.makespan());
  for (std::size_t i = 0; i < energy.size(); ++i) {
    if (!prices.power[i]) continue;
    const DevicePower power = *prices.power[i];
    energy[i] = power.idle * iteration;
    if (workers[i] > 0) energy[i] += (power.peak - power.idle) * (busy[i] / workers[i]);
  }
  return energy;
}

}  // namespace tandem
