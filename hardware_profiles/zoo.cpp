#include "hardware_profiles/zoo.hpp"

#include <algorithm>

#include "hardware_profiles/cluster.hpp"
#include "hardware_profiles/host.hpp"
#include "hardware_profiles/profile_files.hpp"

namespace tandem {
namespace {

std::optional<YamlNode> find_zoo_file(const std::string& name) {
  for (const EmbeddedFile& file : profile_files())
    if (file.name == name + ".yaml") return parse_yaml(file.text, std::string(file.name));
  return std::nullopt;
}

std::vector<std::string> names_of(std::string_view kind) {
  std::vector<std::string> names;
  for (const EmbeddedFile& file : profile_files()) {
    const YamlNode root = parse_yaml(file.text, std::string(file.name));
    if (const YamlNode* name = root.find(kind)) names.push_back(name->text());
  }
  std::sort(names.begin(), names.end());
  return names;
}

bool is_path(const std::string& text) { return text.find('/') != std::string::npos || text.ends_with(".yaml"); }

/// What `name` stands for, as a document; nothing when it is no name of the zoo.
std::optional<YamlNode> find_document(const std::string& name) {
  return is_path(name) ? std::optional(read_yaml(name)) : find_zoo_file(name);
}

Cluster host_as_cluster(bool counted) {
  if (counted) throw InputError("this machine cannot be multiplied", "host with a count", "host");
  const HostProfile host = read_host(host_profile_path());
  return host_cluster(host.device, host.link);
}

[[noreturn]] void fail_unknown(std::string_view what, const std::string& name, std::vector<std::string> known) {
  known.push_back("host");
  throw InputError(std::string("unknown ") + std::string(what) + did_you_mean(name, known), name,
                   "a name of the zoo, \"host\", or a .yaml file");
}

}  // namespace

std::optional<Device> find_zoo_device(const std::string& name) {
  const std::optional<YamlNode> root = find_zoo_file(name);
  if (!root || !root->find("device")) return std::nullopt;
  return read_device(*root);
}

CountedName split_count(const std::string& text) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string::npos || text.find('/', colon) != std::string::npos) return {text};
  const std::string count = text.substr(colon + 1);
  const bool digits = count.find_first_not_of("0123456789") == std::string::npos;
  if (count.empty() || !digits || count.size() > 7 || count.front() == '0')
    throw InputError("unsuitable count of devices or nodes after ':'", count, "1 to 1000000");
  return {text.substr(0, colon), std::stoll(count), true};
}

std::vector<std::string> device_names() { return names_of("device"); }
std::vector<std::string> cluster_names() { return names_of("cluster"); }

Device load_device(const std::string& name_or_path) {
  if (name_or_path == "host") return read_host(host_profile_path()).device;
  const std::optional<YamlNode> root = find_document(name_or_path);
  if (!root) fail_unknown("device", name_or_path, device_names());
  if (root->find("cluster")) root->fail("this is a cluster, not a device", name_or_path);
  return read_device(*root);
}

Cluster load_cluster(const std::string& name_or_path) {
  const CountedName wanted = split_count(name_or_path);
  if (wanted.name == "host") return host_as_cluster(wanted.counted);
  const std::optional<YamlNode> root = find_document(wanted.name);
  if (!root) {
    std::vector<std::string> known = cluster_names();
    for (std::string& name : device_names()) known.push_back(std::move(name));
    fail_unknown("cluster", wanted.name, std::move(known));
  }
  if (!root->find("cluster")) return cluster_of(read_device(*root), wanted.count);
  return read_cluster(*root, wanted.counted ? std::optional(wanted.count) : std::nullopt);
}

}  // namespace tandem
