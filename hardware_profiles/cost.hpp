#pragma once
// How long does this device take for this work? Three sources, stacked: recorded, measured, roofline.

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "hardware_profiles/device.hpp"
#include "models/layer.hpp"

namespace tandem {

enum class CostSource : std::uint8_t { recorded, measured, roofline };
std::string_view name_of(CostSource source);

struct Cost {
  Seconds time;
  CostSource source;
};

/// Rate of matrix products of values of this type: the device's own for bfloat16 where its profile has one, else that of
/// single precision, which computes them widened.
FlopsPerSecond product_peak(const Device& device, ElementType type);

/// max(arithmetic, memory traffic) + launch overhead. Arithmetic: each product at the rate measured for its shape, or
/// at product_peak(); all else is in single precision: transcendentals at their measured rate, or counted as FLOPs.
/// Traffic: bytes at the measured element-wise bandwidth for that size, or at memory bandwidth. (Williams et al.,
/// "Roofline", CACM 2009.)
/// Where cores are shared the answer is for one worker on one core: the peak is divided by the cores, the memory
/// bandwidth is not. Element-wise operations count as FLOPs. No work takes no time, not even a launch.
Seconds roofline(const Work& work, const Device& device);

/// Prices kernels and steps. The first source that knows answers: a recorded step, a measured kernel, the roofline.
class CostModel {
 public:
  /// `use_measured` false leaves out the device's table of measured kernels.
  explicit CostModel(bool use_measured = true) : use_measured_(use_measured) {}

  /// One pass of one layer over one micro-batch.
  Cost kernel(const std::string& signature, const Work& work, const Device& device) const;

  /// Copying `bytes` from one place of the device's memory to another: at the copy bandwidth measured for that size, else
  /// by the roofline of reading and writing them.
  Cost copy(Bytes bytes, const Device& device) const;

  /// Recorded time of a whole step, under the key step_key() of plan/prices.hpp ("stage 0 F").
  void record(const std::string& step_key, Seconds time) { recorded_[step_key] = time; }
  std::optional<Cost> recorded(const std::string& step_key) const;

 private:
  bool use_measured_;
  std::map<std::string, Seconds> recorded_;
};

}  // namespace tandem
