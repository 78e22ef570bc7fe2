#include "tools/device_memory.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "base/error.hpp"
#include "plan/memory_script.hpp"
#include "plan/route_pricing.hpp"
#include "timeline/memory_list.hpp"

namespace tandem {

Bytes reserved_memory(const Device& device, const Plan& plan) {
  return {static_cast<std::int64_t>(std::ceil(static_cast<double>(device.memory.count) * plan.memory_reserve))};
}

Bytes usable_memory(const Device& device, const Plan& plan) { return device.memory - reserved_memory(device, plan); }

std::vector<DeviceNeed> device_needs(const Job& job) {
  const std::vector<MemoryPeak> peaks = script_peaks(job.program);
  std::vector<DeviceNeed> by_device(job.cluster.device_count());
  std::vector<bool> used(by_device.size(), false);
  for (std::uint32_t w = 0; w < peaks.size(); ++w) {
    const DeviceId device = job.program.workers()[w].device;
    DeviceNeed& need = by_device[index_of(device)];
    if (!used[index_of(device)] || peaks[w].total > peaks[index_of(need.largest)].total) need.largest = WorkerId{w};
    used[index_of(device)] = true;
    need.device = device;
    need.needed += peaks[w].total;
  }
  std::vector<DeviceNeed> needs;
  for (std::size_t d = 0; d < by_device.size(); ++d) {
    if (!used[d]) continue;
    by_device[d].usable = usable_memory(job.cluster.device(static_cast<DeviceId>(d)), job.plan);
    needs.push_back(by_device[d]);
  }
  return needs;
}

std::vector<DeviceNeed> host_needs(const Job& job) {
  const std::vector<MemoryPeak> peaks = script_peaks(job.program);
  const auto kept = [&](WorkerId worker) { return peaks[index_of(worker)].by_class[std::size_t(BufferClass::host)]; };
  std::map<std::pair<std::uint32_t, std::uint32_t>, DeviceNeed> servers;
  for (std::uint32_t w = 0; w < peaks.size(); ++w) {
    const DeviceId id = job.program.workers()[w].device;
    const Device& device = job.cluster.device(id);
    const Device* host = job.cluster.host_of(id);
    if (device.shares_cores || host == nullptr || kept(WorkerId{w}) == Bytes{}) continue;
    const std::pair key(job.cluster.devices[index_of(id)], host_root(job.cluster, id, device.host->sharers));
    const auto [at, is_new] = servers.try_emplace(key, DeviceNeed{id, WorkerId{w}, {}, host->memory, true});
    at->second.needed += kept(WorkerId{w});
    if (kept(WorkerId{w}) > kept(at->second.largest)) at->second.largest = WorkerId{w};
  }
  std::vector<DeviceNeed> needs;
  for (const auto& [key, need] : servers) needs.push_back(need);
  return needs;
}

std::vector<DeviceNeed> memory_needs(const Job& job) {
  std::vector<DeviceNeed> needs = device_needs(job);
  for (const DeviceNeed& need : host_needs(job)) needs.push_back(need);
  return needs;
}

DeviceNeed tightest(const std::vector<DeviceNeed>& needs) {
  invariant(!needs.empty(), "a job has workers");
  const auto lacking = [](const DeviceNeed& need) { return need.needed.count - need.usable.count; };
  return *std::ranges::max_element(needs, {}, lacking);
}

std::string usable_text(const Device& device, const Plan& plan) {
  const std::string usable = to_text(usable_memory(device, plan));
  if (plan.memory_reserve == 0) return usable;
  return fmt::format("{} ({} less {:g} % for fragmentation)", usable, to_text(device.memory),
                     100 * plan.memory_reserve);
}

namespace {

std::string breakdown(const MemoryPeak& peak) {
  std::string text;
  for (std::size_t i = 0; i < kBufferClasses; ++i)
    if (peak.by_class[i].count > 0)
      text += fmt::format("{}{} {}", text.empty() ? "" : ", ", name_of(static_cast<BufferClass>(i)),
                          to_text(peak.by_class[i]));
  return text;
}

}  // namespace

void require_memory(const Job& job) {
  const DeviceNeed need = tightest(memory_needs(job));
  if (need.fits()) return;
  const Device& device = job.cluster.device(need.device);
  if (need.on_host)
    throw NoAnswer(fmt::format("does not fit: the host of device {} ({}, of {}) must keep {} ({} bytes) for its workers, "
                               "{} bytes more than its {}; {} keeps most",
                               index_of(need.device), job.cluster.host_of(need.device)->name, device.name,
                               to_text(need.needed), need.needed.count, (need.needed - need.usable).count,
                               to_text(need.usable), job.program.workers()[index_of(need.largest)].name));
  const std::size_t worker = index_of(need.largest);
  throw NoAnswer(fmt::format("does not fit: {} needs {} ({} bytes) on device {} ({}), {} bytes more than its {}, {}; "
                             "peak by class: {}",
                             job.program.workers()[worker].name, to_text(need.needed), need.needed.count,
                             index_of(need.device), device.name, (need.needed - need.usable).count,
                             usable_text(device, job.plan), when_text(job.program, peak_moments(job.program)[worker]),
                             breakdown(script_peaks(job.program)[worker])));
}

}  // namespace tandem
