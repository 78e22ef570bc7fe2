#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <ostream>

#include "hardware_profiles/cluster.hpp"
#include "tools/output.hpp"
#include "tools/show.hpp"
#include "tools/show_cluster.hpp"

namespace tandem {
namespace {

using Json = nlohmann::ordered_json;

std::string_view name_of(DeviceKind kind) {
  static constexpr std::string_view kNames[] = {"CPU", "GPU", "IPU", "TPU"};
  return kNames[static_cast<std::size_t>(kind)];
}

Json as_json(const Device& device) {
  Json sources = Json::object();
  for (const auto& [group, source] : device.sources) sources[group] = source;
  if (device.host) sources["host"] = device.host->source;
  return {{"name", device.name},
          {"kind", std::string(name_of(device.kind))},
          {"cores", device.cores},
          {"peak_fp32_flops_per_s", device.peak_fp32.value},
          {"peak_bf16_flops_per_s", device.peak_bf16.value > 0 ? Json(device.peak_bf16.value) : Json(nullptr)},
          {"memory_bytes", device.memory.count},
          {"memory_bandwidth_bytes_per_s", device.memory_bandwidth.value},
          {"host", device.host ? Json(device.host->profile) : Json()},
          {"sources", sources}};
}

Json as_json(const Cluster& cluster) {
  Json links = Json::array(), devices = Json::array();
  for (const Link& link : cluster.links)
    links.push_back({{"name", link.name},
                     {"bandwidth_bytes_per_s", link.bandwidth.value},
                     {"latency_s", link.latency.value},
                     {"source", link.source}});
  for (const std::uint32_t profile : cluster.devices) devices.push_back(cluster.profiles[profile].name);
  return {{"name", cluster.name},
          {"devices", devices},
          {"topology", topology_line(cluster)},
          {"bisection_bytes_per_s", cluster.bisection().value},
          {"links", links}};
}

}  // namespace

void show_devices(const Arguments& arguments, Console& console) {
  Json rows = Json::array();
  for (const std::string& name : device_names()) {
    const Device device = load_device(name);
    rows.push_back(as_json(device));
    if (arguments.has("json")) continue;
    console.out << fmt::format("{:<22} {}  {:>14}  {:>9} at {}\n", name, name_of(device.kind), to_text(device.peak_fp32),
                               to_text(device.memory), to_text(device.memory_bandwidth));
    for (const auto& [group, source] : device.sources) console.out << fmt::format("    {}: {}\n", group, source);
    if (device.host)
      console.out << fmt::format("    host: {}, shared by {}: {}\n", device.host->profile, device.host->sharers,
                                 device.host->source);
  }
  if (arguments.has("json")) print_json(console, rows);
}

void show_clusters(const Arguments& arguments, Console& console) {
  Json rows = Json::array();
  for (const std::string& name : cluster_names()) {
    const Cluster cluster = load_cluster(name);
    rows.push_back(as_json(cluster));
    if (!arguments.has("json")) console.out << cluster_text(cluster);
  }
  if (arguments.has("json")) return print_json(console, rows);
  console.out << "host                this machine, once measured (tandem calibrate)\n"
                 "DEVICE:N            N devices of a profile on its own link, as tesla-k80:4\n"
                 "CLUSTER:N           a cluster of nodes with N of them, as dgx-a100:16\n";
}

}  // namespace tandem
