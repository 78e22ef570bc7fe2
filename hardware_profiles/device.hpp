#pragma once
// A device profile: what one kind of device can do, every group of numbers with its source.

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/units.hpp"
#include "base/yaml.hpp"

namespace tandem {

enum class DeviceKind : std::uint8_t { cpu, gpu, ipu };

/// (size, rate) points, ascending in size; read by interpolation on logarithms, clamped at both ends.
struct RateCurve {
  struct Point {
    Bytes size;
    BytesPerSecond rate;
  };
  std::vector<Point> points;
  BytesPerSecond at(Bytes size) const;  ///< Throws InvariantError when empty.
};

/// Rate of single-precision matrix products (m x k)(k x n), measured on a grid.
struct ProductRates {
  struct Point {
    std::int64_t m, n, k;
    FlopsPerSecond rate;
  };
  std::vector<Point> points;
  /// Inverse-distance interpolation on log2 of m, n, k among the nearest points; exact at a grid point.
  FlopsPerSecond at(std::int64_t m, std::int64_t n, std::int64_t k) const;
};

/// What happens when several threads compute at once on one device.
struct Concurrency {
  struct Point {
    std::int64_t threads;
    double slowdown;  ///< of each thread beyond its fair share of the cores: 1 = none
  };
  std::vector<Point> points;           ///< ascending; interpolated; empty: no slowdown
  double at(std::int64_t threads) const;
};

struct MeasuredKernel {
  std::string signature;  ///< kernel_signature()
  Seconds median, p10, p90;
  std::int64_t runs = 0;
};

struct PowerPoint {
  Hertz frequency;
  Watts power;
};

struct Device {
  std::string name;
  DeviceKind kind = DeviceKind::cpu;
  std::vector<std::pair<std::string, std::string>> sources;  ///< (group of numbers, where they are from)

  std::int64_t cores = 1;
  Hertz frequency;
  FlopsPerSecond peak_fp32;
  Bytes memory;
  BytesPerSecond memory_bandwidth;
  Seconds launch_overhead;          ///< per kernel
  Watts power_idle, power_peak;
  std::vector<PowerPoint> power_curve;
  bool bulk_synchronous = false;    ///< computes or exchanges, never both (an IPU)
  /// Several workers may live on this device, each step asking for one core of it (a CPU whose workers are threads).
  bool shares_cores = false;

  /// Measured on this machine by `tandem calibrate`; empty for profiles from datasheets.
  ProductRates product_rates;
  RateCurve elementwise;            ///< bytes read + written per second by a simple element-wise pass, by bytes touched
  RateCurve copy;                   ///< bytes copied per second, by bytes copied
  double transcendentals_per_second = 0;
  Concurrency concurrency;
  std::vector<MeasuredKernel> kernels;  ///< sorted by signature
};

/// Reads the device format of docs/profiles.md. Throws InputError with the place.
Device read_device(const YamlNode& root);
/// The same format, such that read_device() gives an equal Device back.
std::string write_device(const Device& device);

}  // namespace tandem
