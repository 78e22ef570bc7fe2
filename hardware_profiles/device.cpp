#include "hardware_profiles/device.hpp"

#include <algorithm>
#include <array>

#include "hardware_profiles/device_groups.hpp"
#include "hardware_profiles/profile_reading.hpp"

namespace tandem {
namespace {

constexpr std::array<std::pair<std::string_view, DeviceKind>, 4> kKinds{
    {{"cpu", DeviceKind::cpu}, {"gpu", DeviceKind::gpu}, {"ipu", DeviceKind::ipu}, {"tpu", DeviceKind::tpu}}};

DeviceKind read_kind(const YamlNode& node) {
  for (const auto& [name, kind] : kKinds)
    if (node.text() == name) return kind;
  node.fail("unknown kind of device", node.text(), "cpu, gpu, ipu or tpu");
}

std::string_view name_of(DeviceKind kind) {
  const auto row = std::find_if(kKinds.begin(), kKinds.end(), [&](const auto& entry) { return entry.second == kind; });
  invariant(row != kKinds.end(), "every kind of device has a name");
  return row->first;
}

void read_behaviour(const YamlNode& root, Device& device) {
  if (const YamlNode* node = root.find("shares_cores")) device.shares_cores = node->boolean();
  if (const YamlNode* node = root.find("bulk_synchronous")) device.bulk_synchronous = node->boolean();
}

void read_groups(std::span<const DeviceGroup> groups, const YamlNode& root, Device& device) {
  for (const DeviceGroup& group : groups) {
    if (!group.required && !root.find(group.key)) continue;
    const YamlNode& section = root.at(group.key);
    group.read(section, device);
    device.sources.emplace_back(group.key, read_source(section));
  }
}

const std::string* source_of(const Device& device, std::string_view group) {
  for (const auto& [name, source] : device.sources)
    if (name == group) return &source;
  return nullptr;
}

void write_groups(std::span<const DeviceGroup> groups, const Device& device, std::string& text) {
  for (const DeviceGroup& group : groups) {
    const std::string* source = source_of(device, group.key);
    if (!source && !group.present(device)) continue;
    invariant(source != nullptr, fmt::format("the numbers of group {} have a source", group.key));
    text += fmt::format("{}:\n{}  source: {}\n", group.key, group.write(device), quoted(*source));
  }
}

constexpr std::int64_t kMostSharers = 64;

/// A link, and how many devices hang on it.
void read_host_link(const YamlNode& section, Device& device) {
  section.only_keys({"latency", "bandwidth", "full_duplex", "shared_by", "source"});
  device.host_link = read_link_among_others(section, device.name + " host");
  if (const YamlNode* sharers = section.find("shared_by")) device.host_link_sharers = sharers->integer(1, kMostSharers);
}

HostOf read_host_of(const YamlNode& section) {
  section.only_keys({"profile", "shared_by", "source"});
  HostOf host{read_name(section.at("profile")), 1, read_source(section)};
  if (const YamlNode* sharers = section.find("shared_by")) host.sharers = sharers->integer(1, kMostSharers);
  return host;
}

std::string write_host_of(const HostOf& host) {
  std::string text = fmt::format("host:\n  profile: {}\n", host.profile);
  if (host.sharers > 1) text += fmt::format("  shared_by: {}\n", host.sharers);
  return text + fmt::format("  source: {}\n", quoted(host.source));
}

}  // namespace

Device read_device(const YamlNode& root) {
  root.only_keys({"device", "kind", "shares_cores", "bulk_synchronous", "compute", "memory", "power", "power_curve",
                  "overhead", "product_rates", "elementwise", "copy", "transcendentals", "concurrency", "kernels",
                  "link", "threads_link", "host_link", "host"});
  Device device;
  device.name = read_name(root.at("device"));
  device.kind = read_kind(root.at("kind"));
  read_behaviour(root, device);
  read_groups(datasheet_groups(), root, device);
  read_groups(measured_groups(), root, device);
  if (const YamlNode* link = root.find("link")) device.link = read_link(*link, device.name + " link");
  if (const YamlNode* threads = root.find("threads_link"))
    device.threads_link = read_link(*threads, device.name + " threads");
  if (const YamlNode* link = root.find("host_link")) read_host_link(*link, device);
  if (const YamlNode* host = root.find("host")) device.host = read_host_of(*host);
  return device;
}

std::string write_device(const Device& device) {
  std::string text = fmt::format("device: {}\nkind: {}\n", device.name, name_of(device.kind));
  if (device.shares_cores) text += "shares_cores: true\n";
  if (device.bulk_synchronous) text += "bulk_synchronous: true\n";
  write_groups(datasheet_groups(), device, text);
  write_groups(measured_groups(), device, text);
  if (device.link) text += "link:\n" + write_link(*device.link);
  if (device.threads_link) text += "threads_link:\n" + write_link(*device.threads_link);
  if (device.host_link) text += "host_link:\n" + write_link(*device.host_link);
  if (device.host_link_sharers > 1) text += fmt::format("  shared_by: {}\n", device.host_link_sharers);
  if (device.host) text += write_host_of(*device.host);
  return text;
}

}  // namespace tandem
