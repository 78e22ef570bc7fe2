#pragma once
// The numbers of a fat tree at one size: how many children and parents each switch has, level by level.

#include <array>
#include <cstdint>

#include "hardware_profiles/topology.hpp"

namespace tandem {

inline constexpr std::uint32_t kMostTreeLevels = 5;

/// Levels count from 1, the leaf switches; ends are level 0. Below a switch of level i lie reach[i] ends; together they
/// are a subtree, which has width[i] switches on that level. Switches are numbered by level, then by subtree.
struct FatTree {
  explicit FatTree(const Shape& shape);

  std::uint32_t levels = 1;
  std::array<std::uint64_t, kMostTreeLevels + 1> children{};      ///< of a switch; [0] unused
  std::array<std::uint64_t, kMostTreeLevels + 2> parents{};       ///< of a vertex of the level below; [1] = 1
  std::array<std::uint64_t, kMostTreeLevels + 1> reach{}, width{};
  std::array<std::uint64_t, kMostTreeLevels + 2> first_vertex{}, first_cable{};  ///< by level; cables below the level

  /// Ends that the switches can serve when the top is full.
  static std::uint64_t places(const Shape& shape);
  /// The lowest level whose switches lie above both ends.
  std::uint32_t meeting_level(std::uint32_t from, std::uint32_t to) const;
  /// The port that messages to `to` take up from level - 1: spreads neighbouring ends over the parents.
  std::uint64_t port_towards(std::uint32_t to, std::uint32_t level) const;
};

}  // namespace tandem
