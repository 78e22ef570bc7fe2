#pragma once
// A topology: how cables join the ends of a network, which of them a message takes, and what is known in closed form.

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "hardware_profiles/link.hpp"

namespace tandem {

/// A topology at one size. Vertices are numbered: first the ends, then whatever switches it has.
struct Shape {
  std::uint32_t ends = 1;
  std::vector<std::int64_t> parameters;  ///< in the order of the topology's table
};

/// Joins two vertices, in both directions. A bus joins all ends: `a` and `b` are 0, and it has one direction.
struct Cable {
  std::uint32_t a = 0, b = 0;
  std::uint32_t kind = 0;  ///< index into Topology::kinds
  bool bus = false;
};

/// A cable as a message takes it: from `a` to `b`, or back.
struct Hop {
  std::uint32_t cable = 0;
  bool back = false;
  bool operator==(const Hop&) const = default;
};
using Hops = std::vector<Hop>;

struct TopologyParameter {
  std::string_view name, meaning;
  std::int64_t low, high;
  std::optional<std::int64_t> fallback = std::nullopt;  ///< none: it must be given
};

/// Why a shape cannot be.
struct Misfit {
  std::string problem, got, want;
};

/// A row of the table. Its functions take shapes for which fits() holds, and numbers within them. Every route is found
/// by rule, with nothing stored, and the way back has as many hops as the way there.
struct Topology {
  std::string_view name, meaning, source;
  std::span<const TopologyParameter> parameters;
  std::span<const std::string_view> kinds;                     ///< of cables
  std::optional<Misfit> (*misfit)(const Shape&);               ///< nothing: the shape can be
  std::uint64_t (*cable_count)(const Shape&);
  Cable (*cable)(const Shape&, std::uint32_t cable);
  /// Appends the way between two different ends.
  void (*route)(const Shape&, std::uint32_t from, std::uint32_t to, Hops&);
  /// Appends the way from an end to where the network is left for other nodes; nullptr: each end leaves by itself.
  void (*leave)(const Shape&, std::uint32_t from, Hops&);
  /// Hops of the longest route where all places are taken; never fewer where some are free.
  std::uint32_t (*diameter)(const Shape&);
  /// What the poorest half of the ends can send to the other half at once, in one direction. One link for each kind.
  BytesPerSecond (*bisection)(const Shape&, std::span<const Link> kinds);
};

/// In the order of `docs/networks.md`.
std::span<const Topology* const> topologies();
/// nullptr when there is none of this name.
const Topology* find_topology(std::string_view name);

}  // namespace tandem
