#pragma once
// Small profile documents, and what goes wrong when one line of them changes.

#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

#include "hardware_profiles/cluster.hpp"

namespace tandem {

/// 4 cores, 1 TFLOP/s, 8 GB at 100 GB/s, a launch of 10 us, 10 to 110 W, a link of 2 us and 10 GB/s.
inline constexpr std::string_view kSmallDevice = R"(device: small
kind: gpu
compute:
  cores: 4
  frequency: 1 GHz
  peak_fp32: 1 TFLOP/s
  source: a datasheet
memory:
  capacity: 8 GB
  bandwidth: 100 GB/s
  source: a datasheet
power:
  idle: 10 W
  peak: 110 W
  source: a meter
overhead:
  launch: 10 us
  source: a stopwatch
link:
  latency: 2 us
  bandwidth: 10 GB/s
  source: a datasheet
)";

inline std::string replaced(std::string_view text, std::string_view old, std::string_view fresh) {
  std::string result(text);
  const std::size_t at = result.find(old);
  invariant(at != std::string::npos, "the text to replace is there");
  return result.replace(at, old.size(), fresh);
}

inline Device device_from(std::string_view text) { return read_device(parse_yaml(text, "device.yaml")); }
inline Device small_device() { return device_from(kSmallDevice); }
inline Cluster cluster_from(std::string_view text) { return read_cluster(parse_yaml(text, "cluster.yaml")); }

/// What the reader says to `text`, or "" when it accepts.
template <class Read>
std::string complaint(Read read) {
  try {
    read();
    return "";
  } catch (const InputError& error) {
    return error.what();
  }
}

/// What read_device() says when `old` in the small device reads `fresh`.
inline std::string complaint_about(std::string_view old, std::string_view fresh) {
  return complaint([&] { device_from(replaced(kSmallDevice, old, fresh)); });
}

/// A folder of its own for one test, gone at its end.
class Folder {
 public:
  explicit Folder(const std::string& name)
      : path_(std::filesystem::temp_directory_path() / ("tandem-profiles-" + name)) {
    std::filesystem::remove_all(path_);
    std::filesystem::create_directories(path_);
  }
  ~Folder() { std::filesystem::remove_all(path_); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;

  std::string path(const std::string& name) const { return (path_ / name).string(); }
  std::string write(const std::string& name, std::string_view text) const {
    std::filesystem::create_directories(std::filesystem::path(path(name)).parent_path());
    std::ofstream(path(name)) << text;
    return path(name);
  }

 private:
  std::filesystem::path path_;
};

}  // namespace tandem
