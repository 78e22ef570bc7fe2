#include "hardware_profiles/cost.hpp"

#include <algorithm>

namespace tandem {
namespace {

const MeasuredKernel* find_kernel(const Device& device, const std::string& signature) {
  const auto found = std::lower_bound(
      device.kernels.begin(), device.kernels.end(), signature,
      [](const MeasuredKernel& kernel, const std::string& wanted) { return kernel.signature < wanted; });
  return found != device.kernels.end() && found->signature == signature ? &*found : nullptr;
}

}  // namespace

std::string_view name_of(CostSource source) {
  switch (source) {
    case CostSource::recorded: return "recorded";
    case CostSource::measured: return "measured";
    case CostSource::roofline: return "roofline";
  }
  invariant(false, "every source of a cost has a name");
  return {};
}

Cost CostModel::kernel(const std::string& signature, const Work& work, const Device& device) const {
  if (use_measured_)
    if (const MeasuredKernel* kernel = find_kernel(device, signature)) return {kernel->median, CostSource::measured};
  return {roofline(work, device), CostSource::roofline};
}

Cost CostModel::copy(Bytes bytes, const Device& device) const {
  if (use_measured_ && bytes.count > 0 && !device.copy.points.empty())
    return {bytes / device.copy.at(bytes), CostSource::measured};
  return {roofline(Work{{}, 0, 0, bytes, bytes}, device), CostSource::roofline};
}

std::optional<Cost> CostModel::recorded(const std::string& step_key) const {
  const auto found = recorded_.find(step_key);
  if (found == recorded_.end()) return std::nullopt;
  return Cost{found->second, CostSource::recorded};
}

}  // namespace tandem
