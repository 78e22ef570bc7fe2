#include "hardware_profiles/device_groups.hpp"
#include "hardware_profiles/profile_reading.hpp"

namespace tandem {
namespace {

constexpr std::int64_t kMostCores = 100'000'000;

bool always(const Device&) { return true; }

void read_compute(const YamlNode& section, Device& device) {
  section.only_keys({"cores", "frequency", "peak_fp32", "peak_bf16", "source"});
  device.cores = section.at("cores").integer(1, kMostCores);
  if (const YamlNode* frequency = section.find("frequency"))
    device.frequency = quantity_within(*frequency, Hertz{1}, kFastestClock);
  device.peak_fp32 = read_arithmetic_rate(section.at("peak_fp32"));
  if (const YamlNode* peak = section.find("peak_bf16")) device.peak_bf16 = read_arithmetic_rate(*peak);
}

std::string write_compute(const Device& device) {
  std::string text = fmt::format("  cores: {}\n", device.cores);
  if (device.frequency.value > 0) text += fmt::format("  frequency: {}\n", to_exact_text(device.frequency));
  text += fmt::format("  peak_fp32: {}\n", to_exact_text(device.peak_fp32));
  if (device.peak_bf16.value > 0) text += fmt::format("  peak_bf16: {}\n", to_exact_text(device.peak_bf16));
  return text;
}

void read_memory(const YamlNode& section, Device& device) {
  section.only_keys({"capacity", "bandwidth", "source"});
  device.memory = section.at("capacity").quantity<Bytes>();
  device.memory_bandwidth = read_transfer_rate(section.at("bandwidth"));
}

std::string write_memory(const Device& device) {
  return fmt::format("  capacity: {}\n  bandwidth: {}\n", to_exact_text(device.memory),
                     to_exact_text(device.memory_bandwidth));
}

bool has_power(const Device& device) { return device.power_idle.value > 0 || device.power_peak.value > 0; }

void read_power(const YamlNode& section, Device& device) {
  section.only_keys({"idle", "peak", "source"});
  const YamlNode* idle = section.find("idle");
  const YamlNode* peak = section.find("peak");
  if (!idle && !peak) section.fail("no number in this group", "", "idle: or peak: or both");
  if (idle) device.power_idle = quantity_within(*idle, Watts{1e-6}, kMostPower);
  if (peak) device.power_peak = quantity_within(*peak, Watts{1e-6}, kMostPower);
  if (idle && peak && device.power_peak < device.power_idle)
    peak->fail("peak power below idle power", peak->text(), fmt::format("at least {}", to_text(device.power_idle)));
}

std::string write_power(const Device& device) {
  std::string text;
  if (device.power_idle.value > 0) text += fmt::format("  idle: {}\n", to_exact_text(device.power_idle));
  if (device.power_peak.value > 0) text += fmt::format("  peak: {}\n", to_exact_text(device.power_peak));
  return text;
}

bool has_power_curve(const Device& device) { return !device.power_curve.empty(); }

void read_power_curve(const YamlNode& section, Device& device) {
  section.only_keys({"points", "source"});
  for (const YamlNode& row : read_rows(section, "points", 2, "[frequency, power]")) {
    const PowerPoint point{quantity_within(row.items()[0], Hertz{1}, kFastestClock),
                           quantity_within(row.items()[1], Watts{1e-6}, kMostPower)};
    if (!device.power_curve.empty() && point.frequency <= device.power_curve.back().frequency)
      row.items()[0].fail("frequencies must ascend", row.items()[0].text(),
                          fmt::format("above {}", to_text(device.power_curve.back().frequency)));
    device.power_curve.push_back(point);
  }
}

std::string write_power_curve(const Device& device) {
  std::string text = "  points:\n";
  for (const PowerPoint& point : device.power_curve)
    text += fmt::format("    - [{}, {}]\n", to_exact_text(point.frequency), to_exact_text(point.power));
  return text;
}

bool has_overhead(const Device& device) { return device.launch_overhead.value > 0; }

void read_overhead(const YamlNode& section, Device& device) {
  section.only_keys({"launch", "source"});
  device.launch_overhead = read_time(section.at("launch"));
}

std::string write_overhead(const Device& device) {
  return fmt::format("  launch: {}\n", to_exact_text(device.launch_overhead));
}

constexpr DeviceGroup kGroups[] = {
    {"compute", true, always, read_compute, write_compute},
    {"memory", true, always, read_memory, write_memory},
    {"power", false, has_power, read_power, write_power},
    {"power_curve", false, has_power_curve, read_power_curve, write_power_curve},
    {"overhead", false, has_overhead, read_overhead, write_overhead},
};

}  // namespace

std::span<const DeviceGroup> datasheet_groups() { return kGroups; }

}  // namespace tandem
