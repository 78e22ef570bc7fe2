#pragma once
// Energy of a device: from its idle and peak power, and from its table of power over frequency.

#include <optional>
#include <vector>

#include "hardware_profiles/device.hpp"

namespace tandem {

/// Peak power while busy, idle power otherwise; nothing when the profile lacks either. Where cores are shared, `busy`
/// is the time of all cores together divided by their number, so that half the cores busy draw half the difference.
std::optional<Joules> energy(const Device& device, Seconds busy, Seconds idle);

struct FrequencyEnergy {
  Hertz frequency;
  Seconds busy;
  Joules energy;
};

/// A fixed amount of work at each frequency of the profile's power curve: it takes work / (FLOPs per cycle x frequency)
/// at the curve's power, then idle power until `period` has passed. FLOPs per cycle are peak_fp32 / frequency of the
/// profile. Frequencies too low for the period are left out. Throws InputError naming what the profile lacks: a curve,
/// a frequency, or (with a period) idle power.
std::vector<FrequencyEnergy> energy_by_frequency(const Device& device, Flops work,
                                                 std::optional<Seconds> period = std::nullopt);
/// The row of energy_by_frequency() with the least energy, the lower frequency on a tie; nothing when none meets the
/// period.
std::optional<FrequencyEnergy> thriftiest_frequency(const Device& device, Flops work,
                                                    std::optional<Seconds> period = std::nullopt);

}  // namespace tandem
