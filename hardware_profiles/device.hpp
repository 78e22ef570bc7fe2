#pragma once
// A device profile: what one kind of device can do, every group of numbers with its source.

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/units.hpp"
#include "base/yaml.hpp"
#include "hardware_profiles/link.hpp"

namespace tandem {

enum class DeviceKind : std::uint8_t { cpu, gpu, ipu, tpu };

/// (size, rate) points, ascending in size; read by interpolation on logarithms, clamped at both ends.
struct RateCurve {
  struct Point {
    Bytes size;
    BytesPerSecond rate;
    bool operator==(const Point&) const = default;
  };
  std::vector<Point> points;
  bool operator==(const RateCurve&) const = default;
  BytesPerSecond at(Bytes size) const;  ///< Throws InvariantError when empty.
};

/// Rate of single-precision matrix products (m x k)(k x n), measured on a grid.
struct ProductRates {
  struct Point {
    std::int64_t m, n, k;
    FlopsPerSecond rate;
    bool operator==(const Point&) const = default;
  };
  std::vector<Point> points;
  bool operator==(const ProductRates&) const = default;
  /// Inverse-distance interpolation on log2 of m, n, k among the nearest points; exact at a grid point, and never
  /// outside the rates of its neighbours. Shapes beyond the grid are read at its border. InvariantError when empty.
  FlopsPerSecond at(std::int64_t m, std::int64_t n, std::int64_t k) const;
};

inline constexpr Seconds kShortestTurn{1e-6};

/// What happens when several threads compute at once on one device.
struct Concurrency {
  struct Point {
    std::int64_t threads;
    double slowdown;  ///< of each thread beyond its fair share of the cores: 1 = none
    bool operator==(const Point&) const = default;
  };
  std::vector<Point> points;           ///< ascending; interpolated; empty: no slowdown
  /// The system takes a core from a thread that computes, and gives it to one that waits, at multiples of this. As long
  /// as nothing else is measured: a tick of Linux (CONFIG_HZ=250).
  Seconds turn{4e-3};
  bool operator==(const Concurrency&) const = default;
  double at(std::int64_t threads) const;
};

struct MeasuredKernel {
  std::string signature;  ///< kernel_signature()
  Seconds median, p10, p90;
  std::int64_t runs = 0;
  bool operator==(const MeasuredKernel&) const = default;
};

struct PowerPoint {
  Hertz frequency;
  Watts power;
  bool operator==(const PowerPoint&) const = default;
};

/// The server that a device hangs on.
struct HostOf {
  std::string profile;       ///< name of a device: all of the server's cores
  std::int64_t sharers = 1;  ///< so many devices of a kind, as a cluster lists them, hang on one
  std::string source;
  bool operator==(const HostOf&) const = default;
};

struct Device {
  std::string name;
  DeviceKind kind = DeviceKind::cpu;
  /// (group of numbers, where they are from), in the order of the file's groups: compute, memory, power, power_curve,
  /// overhead, product_rates, elementwise, copy, transcendentals, concurrency, kernels. A link has its own.
  std::vector<std::pair<std::string, std::string>> sources;

  std::int64_t cores = 1;
  Hertz frequency;                  ///< 0: unknown
  FlopsPerSecond peak_fp32;         ///< of all cores together
  FlopsPerSecond peak_bf16;         ///< of matrix products of bfloat16 values, summed in float32; 0: as peak_fp32
  Bytes memory;
  BytesPerSecond memory_bandwidth;
  Seconds launch_overhead;          ///< per kernel; 0: unknown or none
  Watts power_idle, power_peak;     ///< 0: unknown
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

  std::optional<Link> link;             ///< joins several devices of this kind where no cluster file says how
  std::optional<Link> threads_link;     ///< joins workers that are threads on one such device
  std::optional<Link> host_link;        ///< to the memory of its host; a device that shares its cores needs none
  std::int64_t host_link_sharers = 1;   ///< so many devices of this kind, as a cluster lists them, hang on one such link
  std::optional<HostOf> host;           ///< none: nothing is computed there; a device that shares its cores is its own

  bool operator==(const Device&) const = default;
};

/// Reads the device format of docs/profiles.md. Throws InputError with the place.
Device read_device(const YamlNode& root);
/// The same format, such that read_device() gives an equal Device back. Throws InvariantError when a group of numbers
/// has no source.
std::string write_device(const Device& device);

}  // namespace tandem
