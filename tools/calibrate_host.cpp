#include <fmt/format.h>

#include <algorithm>

#include "base/error.hpp"
#include "tools/calibration.hpp"
#include "tools/machine.hpp"

namespace tandem {
namespace {

/// Every group that the profile holds gets the same source.
void add_sources(Device& device, const std::string& source) {
  for (const char* group : {"compute", "memory", "overhead", "product_rates", "elementwise", "copy", "transcendentals",
                            "concurrency"})
    device.sources.emplace_back(group, source);
}

FlopsPerSecond best_rate(const ProductRates& rates) {
  FlopsPerSecond best;
  for (const auto& point : rates.points) best = std::max(best, point.rate);
  return best;
}

/// From two threads to four times as many as there are cores.
std::vector<std::int64_t> thread_counts(std::int64_t cores) {
  std::vector<std::int64_t> counts;
  for (std::int64_t threads = 2; threads <= 4 * cores; threads *= 2) counts.push_back(threads);
  return counts;
}

}  // namespace

HostProfile calibrate_host(const CalibrationOptions& options) {
  const Machine machine = this_machine();
  HostProfile profile;
  Device& device = profile.device;
  device.name = "host";
  device.kind = DeviceKind::cpu;
  device.cores = machine.cores;
  device.memory = machine.memory;
  device.shares_cores = true;
  const auto next = [&options](std::int64_t percent, std::string_view what) {
    if (options.stop.stop_requested()) throw RunError("interrupted while measuring this machine");
    if (options.progress) options.progress(percent, what);
  };
  next(0, "matrix products");
  device.product_rates = measure_products();
  next(25, "element-wise passes");
  device.elementwise = measure_elementwise();
  next(35, "copies");
  device.copy = measure_copy();
  next(45, "exponentials");
  device.transcendentals_per_second = measure_transcendentals();
  device.launch_overhead = measure_launch_overhead();
  next(50, "messages between threads");
  profile.link = measure_threads_link(machine.cores, options.stop);
  next(65, "threads at once");
  device.concurrency =
      measure_concurrency(load_model("gpt-nano"), Plan{}, machine.cores, thread_counts(machine.cores), options.stop);
  device.concurrency.turn = measure_turn(machine.cores, options.stop);
  device.peak_fp32 = best_rate(device.product_rates) * static_cast<double>(machine.cores);
  device.memory_bandwidth = device.elementwise.points.back().rate;
  add_sources(device, options.source);
  profile.link.source = options.source;
  device.threads_link = profile.link;
  next(100, "done");
  return profile;
}

void merge_kernels(Device& device, const std::vector<MeasuredKernel>& kernels) {
  const auto by_signature = [](const MeasuredKernel& a, const MeasuredKernel& b) { return a.signature < b.signature; };
  std::vector<MeasuredKernel> merged = kernels;
  std::sort(merged.begin(), merged.end(), by_signature);
  const std::size_t fresh = merged.size();
  for (const MeasuredKernel& old : device.kernels)
    if (!std::binary_search(merged.begin(), merged.begin() + static_cast<std::ptrdiff_t>(fresh), old, by_signature))
      merged.push_back(old);
  std::sort(merged.begin(), merged.end(), by_signature);
  device.kernels = std::move(merged);
}

}  // namespace tandem
