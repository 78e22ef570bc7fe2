#include "hardware_profiles/host.hpp"

#include <cstdlib>
#include <filesystem>

namespace tandem {
namespace {

/// The variable's value where it is an absolute path (the XDG base directory specification ignores others).
std::string folder_from(const char* variable) {
  const char* value = std::getenv(variable);
  return value && value[0] == '/' ? value : "";
}

}  // namespace

std::string host_profile_path() {
  if (const std::string cache = folder_from("XDG_CACHE_HOME"); !cache.empty()) return cache + "/tandem/host.yaml";
  const std::string home = folder_from("HOME");
  if (home.empty()) throw InputError("no place for this machine's profile: neither XDG_CACHE_HOME nor HOME is set");
  return home + "/.cache/tandem/host.yaml";
}

HostProfile read_host(const std::string& path) {
  std::error_code ignored;
  if (!std::filesystem::exists(path, ignored))
    throw InputError(TextPosition{path}, "this machine has not been measured yet; run `tandem calibrate`");
  const YamlNode root = read_yaml(path);
  const Device device = read_device(root);
  if (!device.shares_cores) root.fail("the host's workers are threads", "shares_cores: false", "shares_cores: true");
  if (!device.threads_link) root.fail("the host's profile has no `threads_link:`; run `tandem calibrate`");
  return {device, *device.threads_link};
}

std::string write_host(const HostProfile& profile) {
  Device device = profile.device;
  device.threads_link = profile.link;
  return write_device(device);
}

Cluster host_cluster(const Device& device, const Link& link) {
  invariant(device.shares_cores, "the host's workers are threads");
  Cluster cluster;
  cluster.name = "host";
  cluster.profiles = {device};
  cluster.devices = {0};
  cluster.links = {link};
  cluster.within = {0};
  return cluster;
}

}  // namespace tandem
