#include "hardware_profiles/fabric.hpp"

#include <fmt/format.h>

#include <utility>

#include "base/error.hpp"

namespace tandem {
namespace {

std::string vertex_name(const Fabric& fabric, std::uint32_t vertex, const std::string& end) {
  const bool is_end = vertex < fabric.shape.ends;
  return fmt::format("{} {}", is_end ? end : "switch", is_end ? vertex : vertex - fabric.shape.ends);
}

}  // namespace

std::uint32_t Fabric::link_of(const Hop& hop) const {
  const Cable cable = topology->cable(shape, hop.cable);
  const bool second = hop.back && !cable.bus && links[cable.kind].full_duplex;
  return 2 * hop.cable + (second ? 1 : 0);
}

NetworkLink Fabric::link(std::uint32_t id, const std::string& end) const {
  invariant(id < link_count(), "a link of the fabric");
  const Cable cable = topology->cable(shape, id / 2);
  const Link& link = links[cable.kind];
  if (cable.bus) return {link.name, link.bandwidth, link.latency};
  auto [from, to] = std::pair(vertex_name(*this, cable.a, end), vertex_name(*this, cable.b, end));
  if (id % 2 == 1) std::swap(from, to);
  return {fmt::format("{}: {} {} {}", link.name, from, link.full_duplex ? "to" : "and", to), link.bandwidth,
          link.latency};
}

}  // namespace tandem
