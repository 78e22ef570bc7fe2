#include "tools/memory_view.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/error.hpp"
#include "timeline/chart.hpp"
#include "timeline/memory_list.hpp"
#include "tools/device_memory.hpp"
#include "tools/wrapped.hpp"

namespace tandem {

std::vector<Flag> memory_flags() {
  return {{"memory", "", "draw workers' memory by class, and list what is alive at the peak", "output"},
          {"memory-of", "WORKER", "the same of this worker (a name, or a rank), or of all", "output"}};
}

namespace {

bool is_rank(const std::string& text) {
  return !text.empty() && text.size() < 10 && text.find_first_not_of("0123456789") == std::string::npos;
}

std::vector<WorkerId> all_workers(const Program& program) {
  std::vector<WorkerId> all;
  for (std::uint32_t w = 0; w < program.workers().size(); ++w) all.push_back(WorkerId{w});
  return all;
}

/// A line for each kind of device, of the one that needs most.
std::string devices_text(const Job& job) {
  std::vector<DeviceNeed> tightest_of(job.cluster.profiles.size());
  std::vector<bool> used(tightest_of.size(), false);
  for (const DeviceNeed& need : device_needs(job)) {
    const std::uint32_t kind = job.cluster.devices[index_of(need.device)];
    if (!used[kind] || need.needed > tightest_of[kind].needed) tightest_of[kind] = need;
    used[kind] = true;
  }
  std::string text;
  for (std::size_t kind = 0; kind < tightest_of.size(); ++kind) {
    if (!used[kind]) continue;
    const Device& device = job.cluster.profiles[kind];
    const DeviceNeed& need = tightest_of[kind];
    const std::string reserve =
        job.plan.memory_reserve > 0
            ? fmt::format("{} ({:g} %) are reserved for fragmentation", to_text(reserved_memory(device, job.plan)),
                          100 * job.plan.memory_reserve)
            : std::string("nothing is reserved for fragmentation (--memory-reserve)");
    text += wrapped(fmt::format("{}: {} needed of {}; {}", device.name, to_text(need.needed), to_text(device.memory),
                                reserve), "", "  ");
  }
  return text;
}

}  // namespace

std::vector<WorkerId> asked_workers(const Arguments& arguments, const Program& program, const Timeline& timeline) {
  const auto name = arguments.text("memory-of");
  if (!name) return telling_workers(timeline, ChartOptions{}.graphs);
  if (*name == "all") return all_workers(program);
  const auto count = static_cast<std::int64_t>(program.workers().size());
  if (is_rank(*name)) return {WorkerId{static_cast<std::uint32_t>(flag_integer("memory-of", *name, 0, count - 1))}};
  std::vector<std::string> names{"all"};
  for (const Worker& worker : program.workers()) names.push_back(worker.name);
  const auto found = std::ranges::find(names, *name);
  if (found == names.end())
    throw InputError(fmt::format("--memory-of: no such worker{}", did_you_mean(*name, names)), *name,
                     "a worker's name such as \"stage 0\", its rank, or all");
  return {WorkerId{static_cast<std::uint32_t>(found - names.begin() - 1)}};
}

std::string memory_view(const Arguments& arguments, const Console& console, const Job& job, const Ride& ride) {
  if (!arguments.has("memory") && !arguments.has("memory-of")) return {};
  const std::vector<WorkerId> workers = asked_workers(arguments, job.program, ride.timeline);
  std::string text = memory_chart(job.program, ride, workers, {console.width, console.colour});
  const std::vector<PeakMoment> peaks = peak_moments(job.program);
  const WorkerId highest = *std::ranges::max_element(workers, {}, [&](WorkerId w) { return peaks[index_of(w)].total; });
  text += '\n' + memory_list(job.program, peaks[index_of(highest)], {console.width}) + '\n' + devices_text(job);
  if (workers.size() < peaks.size())
    text += "--memory-of NAME or all draws others; --json lists what each holds\n";
  return text;
}

nlohmann::ordered_json memory_json(const Job& job) {
  nlohmann::ordered_json workers = nlohmann::ordered_json::array(), devices = nlohmann::ordered_json::array();
  for (const PeakMoment& peak : peak_moments(job.program)) workers.push_back(peak_moment_json(job.program, peak));
  for (const DeviceNeed& need : device_needs(job)) {
    const Device& device = job.cluster.device(need.device);
    devices.push_back({{"device", index_of(need.device)},
                       {"name", device.name},
                       {"needed_bytes", need.needed.count},
                       {"usable_bytes", need.usable.count},
                       {"reserved_bytes", reserved_memory(device, job.plan).count},
                       {"memory_bytes", device.memory.count}});
  }
  return {{"peaks", std::move(workers)}, {"devices", std::move(devices)}};
}

}  // namespace tandem
