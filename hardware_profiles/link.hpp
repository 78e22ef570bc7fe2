#pragma once
// A link: what carries bytes between devices, or between the threads of one.

#include <string>

#include "base/units.hpp"
#include "base/yaml.hpp"

namespace tandem {

/// A way from one device to another. Messages in the same direction share its bandwidth at max-min fair rates.
struct Link {
  std::string name;
  Seconds latency;
  BytesPerSecond bandwidth;     ///< per direction
  bool full_duplex = true;
  Seconds wake_latency;         ///< latency when who waits sleeps, as threads do where they outnumber the cores
  std::string source;

  bool operator==(const Link&) const = default;
};

/// Reads a link's section: bandwidth and source, and where known latency (absent: 0, not modelled), wake_latency
/// (absent: the latency) and full_duplex (absent: true). Throws InputError with the place.
Link read_link(const YamlNode& section, std::string name);
/// The same out of a section that holds more than a link. `wake_latency` is not among its keys.
Link read_link_among_others(const YamlNode& section, std::string name);
/// The section's lines, indented by two spaces, such that read_link() gives an equal link back under the same name.
std::string write_link(const Link& link);

}  // namespace tandem
