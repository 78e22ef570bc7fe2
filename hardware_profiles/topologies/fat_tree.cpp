// Levels of equal switches, with as many cables up as down but for the leaves, which may be over-subscribed.

#include "hardware_profiles/topologies/fat_tree.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "hardware_profiles/topologies/rows.hpp"

namespace tandem {
namespace {

constexpr std::string_view kKinds[] = {"cable"};
constexpr TopologyParameter kParameters[] = {
    {"levels", "levels of switches", 1, kMostTreeLevels},
    {"radix", "ports of a switch", 2, 1024},
    {"oversubscription", "cables down for each cable up, of a leaf switch", 1, 64, 1}};

std::int64_t levels_of(const Shape& shape) { return shape.parameters[0]; }
std::int64_t radix_of(const Shape& shape) { return shape.parameters[1]; }
/// Ports for one cable up and those down that share it.
std::int64_t ports_of_share(const Shape& shape) { return shape.parameters[2] + 1; }

std::optional<Misfit> misfit(const Shape& shape) {
  if (levels_of(shape) > 1 && radix_of(shape) % ports_of_share(shape) != 0)
    return Misfit{fmt::format("the radix of a leaf switch does not divide into {} ports down for each port up",
                              shape.parameters[2]),
                  std::to_string(radix_of(shape)), fmt::format("a multiple of {}", ports_of_share(shape))};
  if (levels_of(shape) > 2 && radix_of(shape) % 2 != 0)
    return Misfit{"the switches of a middle level have as many ports up as down", std::to_string(radix_of(shape)),
                  "an even radix"};
  if (FatTree::places(shape) < shape.ends)
    return Misfit{fmt::format("a fat tree with {} levels of radix {} has too few ports", levels_of(shape),
                              radix_of(shape)),
                  std::to_string(shape.ends), fmt::format("at most {}", FatTree::places(shape))};
  return std::nullopt;
}

/// The vertex of level `level` above end `end`, when its place within its subtree is `place`.
std::uint32_t switch_above(const FatTree& tree, std::uint64_t end, std::uint32_t level, std::uint64_t place) {
  return static_cast<std::uint32_t>(tree.first_vertex[level] + end / tree.reach[level] * tree.width[level] + place);
}

Cable cable_of(const Shape& shape, std::uint32_t cable) {
  const FatTree tree(shape);
  if (cable < shape.ends) return {cable, switch_above(tree, cable, 1, 0), 0};
  std::uint32_t level = 2;
  while (cable >= tree.first_cable[level + 1]) ++level;
  const std::uint64_t within = cable - tree.first_cable[level];
  const std::uint64_t below = within / tree.parents[level], port = within % tree.parents[level];
  const std::uint64_t subtree = below / tree.width[level - 1], place = below % tree.width[level - 1];
  const std::uint64_t some_end = subtree * tree.reach[level - 1];
  return {switch_above(tree, some_end, level - 1, place),
          switch_above(tree, some_end, level, place * tree.parents[level] + port), 0};
}

/// The cable from below `level` above `end`, where the places of the switches are those on the way to `to`.
std::uint32_t cable_towards(const FatTree& tree, std::uint32_t end, std::uint32_t to, std::uint32_t level) {
  if (level == 1) return end;
  std::uint64_t place = 0;
  for (std::uint32_t each = 2; each < level; ++each)
    place = place * tree.parents[each] + tree.port_towards(to, each);
  const std::uint64_t below = end / tree.reach[level - 1] * tree.width[level - 1] + place;
  return static_cast<std::uint32_t>(tree.first_cable[level] + below * tree.parents[level] +
                                    tree.port_towards(to, level));
}

/// Up by the port that the destination names, to the lowest switch above both, and down the only way there is.
void up_and_down(const Shape& shape, std::uint32_t from, std::uint32_t to, Hops& hops) {
  const FatTree tree(shape);
  const std::uint32_t top = tree.meeting_level(from, to);
  for (std::uint32_t level = 1; level <= top; ++level) hops.push_back({cable_towards(tree, from, to, level), false});
  for (std::uint32_t level = top; level >= 1; --level) hops.push_back({cable_towards(tree, to, to, level), true});
}

/// Cables that carry the traffic of ends [first, last), which begin or end with a leaf, to other leaves.
std::uint64_t ways_up(const FatTree& tree, std::uint64_t first, std::uint64_t last) {
  std::uint64_t cables = 0;
  for (std::uint64_t at = first; at < last;) {
    const std::uint64_t end = std::min(last, (at / tree.reach[1] + 1) * tree.reach[1]);
    cables += std::min(end - at, tree.parents[2]);
    at = end;
  }
  return cables;
}

BytesPerSecond lower_half(const Shape& shape, std::span<const Link> kinds) {
  const FatTree tree(shape);
  const std::uint64_t half = shape.ends / 2, leaf = tree.reach[1];
  if (shape.ends <= leaf) return kinds[0].bandwidth * static_cast<double>(half);
  const std::uint64_t split = half / leaf * leaf;  // first end of the leaf that the middle cuts, if it cuts one
  const std::uint64_t leaf_end = std::min<std::uint64_t>(split + leaf, shape.ends);
  const std::uint64_t within = std::min(half - split, leaf_end - half);
  const std::uint64_t sent = ways_up(tree, 0, split) + std::min(half - split - within, tree.parents[2]);
  const std::uint64_t received =
      half == split ? ways_up(tree, half, shape.ends)
                    : std::min(leaf_end - half - within, tree.parents[2]) + ways_up(tree, leaf_end, shape.ends);
  return kinds[0].bandwidth * static_cast<double>((half == split ? 0 : within) + std::min(sent, received));
}

}  // namespace

FatTree::FatTree(const Shape& shape) : levels(static_cast<std::uint32_t>(levels_of(shape))) {
  const auto radix = static_cast<std::uint64_t>(radix_of(shape));
  const auto share = static_cast<std::uint64_t>(ports_of_share(shape));
  parents[1] = reach[0] = width[0] = width[1] = 1;
  for (std::uint32_t level = 1; level <= levels; ++level) {
    const bool top = level == levels;
    children[level] = top ? radix : level == 1 ? radix / share * (share - 1) : radix / 2;
    if (!top) parents[level + 1] = level == 1 ? radix / share : radix / 2;
    reach[level] = reach[level - 1] * children[level];
    if (level > 1) width[level] = width[level - 1] * parents[level];
  }
  first_vertex[1] = first_cable[2] = shape.ends;
  const std::uint64_t trees_in_use = (shape.ends + reach[levels - 1] - 1) / reach[levels - 1];
  for (std::uint32_t level = 1; level < levels; ++level) {
    const std::uint64_t switches = trees_in_use * (reach[levels - 1] / reach[level]) * width[level];
    first_vertex[level + 1] = first_vertex[level] + switches;
    first_cable[level + 2] = first_cable[level + 1] + switches * parents[level + 1];
  }
}

std::uint64_t FatTree::places(const Shape& shape) {
  const FatTree tree(shape);
  return tree.reach[tree.levels];
}

std::uint32_t FatTree::meeting_level(std::uint32_t from, std::uint32_t to) const {
  std::uint32_t level = 1;
  while (from / reach[level] != to / reach[level]) ++level;
  return level;
}

std::uint64_t FatTree::port_towards(std::uint32_t to, std::uint32_t level) const {
  return to / width[level - 1] % parents[level];
}

constinit const Topology kFatTree = {
    .name = "fat_tree",
    .meaning = "levels of equal switches, as many cables up as down",
    .source = "Leiserson, \"Fat-trees\", IEEE Transactions on Computers 34(10), 1985; routing by destination: Zahavi, "
              "\"D-Mod-K Routing\", Technion CCIT report 776, 2010",
    .parameters = kParameters,
    .kinds = kKinds,
    .misfit = misfit,
    .cable_count = [](const Shape& shape) -> std::uint64_t {
      const FatTree tree(shape);
      return tree.first_cable[tree.levels + 1];
    },
    .cable = cable_of,
    .route = up_and_down,
    .leave = nullptr,
    .diameter = [](const Shape& shape) -> std::uint32_t {
      return shape.ends < 2 ? 0 : 2 * FatTree(shape).meeting_level(0, shape.ends - 1);
    },
    .bisection = lower_half};

}  // namespace tandem
