#include "hardware_profiles/link.hpp"

#include "hardware_profiles/profile_reading.hpp"

namespace tandem {

Link read_link(const YamlNode& section, std::string name) {
  section.only_keys({"latency", "wake_latency", "bandwidth", "full_duplex", "source"});
  Link link = read_link_among_others(section, std::move(name));
  if (const YamlNode* wake = section.find("wake_latency")) link.wake_latency = read_time(*wake);
  return link;
}

Link read_link_among_others(const YamlNode& section, std::string name) {
  Link link;
  link.name = std::move(name);
  link.bandwidth = read_transfer_rate(section.at("bandwidth"));
  if (const YamlNode* latency = section.find("latency")) link.latency = read_time(*latency);
  link.wake_latency = link.latency;
  if (const YamlNode* duplex = section.find("full_duplex")) link.full_duplex = duplex->boolean();
  link.source = read_source(section);
  return link;
}

std::string write_link(const Link& link) {
  invariant(!link.source.empty(), "a link's numbers have a source");
  const std::string wake =
      link.wake_latency == link.latency ? "" : fmt::format("  wake_latency: {}\n", to_exact_text(link.wake_latency));
  return fmt::format("  latency: {}\n{}  bandwidth: {}\n  full_duplex: {}\n  source: {}\n", to_exact_text(link.latency),
                     wake, to_exact_text(link.bandwidth), link.full_duplex, quoted(link.source));
}

}  // namespace tandem
