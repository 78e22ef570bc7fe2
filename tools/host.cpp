#include "tools/host.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <chrono>
#include <ctime>
#include <filesystem>
#include <ostream>

#include "base/error.hpp"
#include "base/file.hpp"
#include "tools/calibration.hpp"
#include "tools/machine.hpp"

namespace tandem {
namespace {

std::string source_text(const Machine& machine) {
  return fmt::format("tandem calibrate, {:%Y-%m-%d}, {} ({} cores)", fmt::gmtime(std::time(nullptr)), machine.processor,
                     machine.cores);
}

bool made_here(const HostProfile& profile) {
  const Machine machine = this_machine();
  const std::string ending = fmt::format("{} ({} cores)", machine.processor, machine.cores);
  return profile.device.memory == machine.memory && profile.link.source.ends_with(ending);
}

}  // namespace

void keep_host(const HostProfile& profile) {
  const std::filesystem::path path = host_profile_path();
  std::error_code error;
  std::filesystem::create_directories(path.parent_path(), error);
  if (error) throw ResourceError(fmt::format("cannot make {}: {}", path.parent_path().string(), error.message()));
  write_file(path.string(), write_host(profile), true);
}

HostProfile calibrate_and_keep(Console& console) {
  const auto start = std::chrono::steady_clock::now();
  CalibrationOptions options;
  options.stop = console.stop;
  options.source = source_text(this_machine());
  HostProfile profile;
  {
    Progress progress(console, "measuring this machine", 100);
    options.progress = [&](std::int64_t percent, std::string_view what) { progress.advance(percent, what); };
    profile = calibrate_host(options);
  }
  keep_host(profile);
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
  console.err << fmt::format("measured this machine in {:.0f} s; kept in {}\n", took.count(), host_profile_path());
  return profile;
}

Cluster cluster_for(const std::string& name, Console& console) {
  if (name != "host") return load_cluster(name);
  HostProfile profile;
  if (std::filesystem::exists(host_profile_path())) {
    profile = read_host(host_profile_path());
    if (!made_here(profile)) {
      console.err << fmt::format("{} is of another machine: measuring this one\n", host_profile_path());
      profile = calibrate_and_keep(console);
    }
  } else {
    profile = calibrate_and_keep(console);
  }
  return host_cluster(profile.device, profile.link);
}

}  // namespace tandem
