#include "hardware_profiles/power.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace tandem {
namespace {

void require(bool known, const Device& device, std::string_view what) {
  if (!known) throw InputError(fmt::format("device \"{}\" has no {}", device.name, what));
}

}  // namespace

std::optional<Joules> energy(const Device& device, Seconds busy, Seconds idle) {
  invariant(busy.value >= 0 && idle.value >= 0, "time passes forwards");
  if (device.power_idle.value <= 0 || device.power_peak.value <= 0) return std::nullopt;
  return device.power_peak * busy + device.power_idle * idle;
}

std::vector<FrequencyEnergy> energy_by_frequency(const Device& device, Flops work, std::optional<Seconds> period) {
  require(!device.power_curve.empty(), device, "power_curve");
  require(device.frequency.value > 0, device, "frequency in its compute group");
  require(!period || device.power_idle.value > 0, device, "idle power");
  std::vector<FrequencyEnergy> rows;
  for (const PowerPoint& point : device.power_curve) {
    const Seconds busy = work / (device.peak_fp32 * (point.frequency / device.frequency));
    if (period && busy > *period) continue;
    Joules spent = point.power * busy;
    if (period) spent += device.power_idle * (*period - busy);
    rows.push_back({point.frequency, busy, spent});
  }
  return rows;
}

std::optional<FrequencyEnergy> thriftiest_frequency(const Device& device, Flops work, std::optional<Seconds> period) {
  const std::vector<FrequencyEnergy> rows = energy_by_frequency(device, work, period);
  const auto least = std::min_element(rows.begin(), rows.end(), [](const FrequencyEnergy& a, const FrequencyEnergy& b) {
    return a.energy < b.energy;
  });
  if (least == rows.end()) return std::nullopt;
  return *least;
}

}  // namespace tandem
