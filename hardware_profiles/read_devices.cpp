#include "hardware_profiles/read_devices.hpp"

#include "hardware_profiles/zoo.hpp"

namespace tandem {
namespace {

std::uint32_t find_profile(Cluster& cluster, const YamlNode& name) {
  for (std::size_t index = 0; index < cluster.profiles.size(); ++index)
    if (cluster.profiles[index].name == name.text()) return static_cast<std::uint32_t>(index);
  std::optional<Device> device = find_zoo_device(name.text());
  if (!device)
    name.fail("unknown device" + did_you_mean(name.text(), device_names()), name.text(),
              "one under `profiles:` or of the zoo");
  cluster.profiles.push_back(std::move(*device));
  return static_cast<std::uint32_t>(cluster.profiles.size() - 1);
}

}  // namespace

void read_own_profiles(const YamlNode& root, Cluster& cluster) {
  const YamlNode* profiles = root.find("profiles");
  if (!profiles) return;
  for (const YamlNode& node : profiles->items()) {
    Device device = read_device(node);
    for (const Device& other : cluster.profiles)
      if (other.name == device.name) node.fail("this device is described twice", device.name);
    cluster.profiles.push_back(std::move(device));
  }
}

std::int64_t room_left(const Cluster& cluster) {
  return kMostDevices - static_cast<std::int64_t>(cluster.devices.size());
}

void read_devices(const YamlNode& list, Cluster& cluster) {
  if (list.items().empty()) list.fail("a cluster has devices", "[]", "[{profile: NAME, count: N}]");
  for (const YamlNode& entry : list.items()) {
    entry.only_keys({"profile", "count"});
    const std::uint32_t profile = find_profile(cluster, entry.at("profile"));
    const YamlNode* count = entry.find("count");
    const std::int64_t copies = count ? count->integer(1, room_left(cluster)) : 1;
    cluster.devices.insert(cluster.devices.end(), static_cast<std::size_t>(copies), profile);
  }
}

}  // namespace tandem
