#pragma once
// A device whose speed is its FLOPs alone.

#include "hardware_profiles/device.hpp"

namespace tandem {

/// `memory`: bytes.
inline Device device_of(double flops, std::int64_t memory = 1'000'000'000) {
  Device device;
  device.peak_fp32 = {flops};
  device.memory_bandwidth = {1e18};
  device.memory = {memory};
  return device;
}

}  // namespace tandem
