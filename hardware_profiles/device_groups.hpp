#pragma once
// The groups of numbers of a device file, as a table: how each is read, written and recognised. Each has one source.

#include <span>
#include <string>
#include <string_view>

#include "hardware_profiles/device.hpp"

namespace tandem {

struct DeviceGroup {
  std::string_view key;
  bool required;
  bool (*present)(const Device&);                    ///< does the device have any number of this group?
  void (*read)(const YamlNode& section, Device&);    ///< everything but `source:`
  std::string (*write)(const Device&);               ///< lines indented by two spaces, without the source
};

/// From datasheets: compute, memory, power, power_curve, overhead.
std::span<const DeviceGroup> datasheet_groups();
/// By calibration: product_rates, elementwise, copy, transcendentals, concurrency, kernels.
std::span<const DeviceGroup> measured_groups();

}  // namespace tandem
