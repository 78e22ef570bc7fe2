#include "hardware_profiles/cost.hpp"

namespace tandem {
namespace {

/// What one worker can reach: the whole device, or one core of a device whose cores are shared.
FlopsPerSecond worker_peak(const Device& device, ElementType type = ElementType::float32) {
  const FlopsPerSecond peak = product_peak(device, type);
  return device.shares_cores ? peak / static_cast<double>(device.cores) : peak;
}

/// What was measured are rates of single precision.
Seconds product_time(const Product& product, ElementType type, const Device& device) {
  if (product.flops().count == 0) return {};
  const bool measured = !device.product_rates.points.empty() && product_peak(device, type) == device.peak_fp32;
  return product.flops() /
         (measured ? device.product_rates.at(product.m, product.n, product.k) : worker_peak(device, type));
}

Seconds transcendental_time(std::int64_t evaluations, const Device& device) {
  const bool measured = device.transcendentals_per_second > 0;
  const double per_second = measured ? device.transcendentals_per_second : worker_peak(device).value;
  return {static_cast<double>(evaluations) / per_second};
}

Seconds arithmetic_time(const Work& work, const Device& device) {
  Seconds time = Flops{work.elementwise} / worker_peak(device) + transcendental_time(work.transcendentals, device);
  for (const Product& product : work.products) time += product_time(product, work.type, device);
  return time;
}

Seconds traffic_time(Bytes bytes, const Device& device) {
  const bool measured = !device.elementwise.points.empty();
  return bytes / (measured ? device.elementwise.at(bytes) : device.memory_bandwidth);
}

}  // namespace

FlopsPerSecond product_peak(const Device& device, ElementType type) {
  return type == ElementType::bfloat16 && device.peak_bf16.value > 0 ? device.peak_bf16 : device.peak_fp32;
}

Seconds roofline(const Work& work, const Device& device) {
  invariant(device.peak_fp32.value > 0 && device.memory_bandwidth.value > 0, "a device computes and moves bytes");
  const Seconds arithmetic = arithmetic_time(work, device);
  const Seconds traffic = traffic_time(work.read + work.written, device);
  const Seconds busy = arithmetic < traffic ? traffic : arithmetic;
  return busy.value > 0 ? busy + device.launch_overhead : Seconds{};
}

}  // namespace tandem
