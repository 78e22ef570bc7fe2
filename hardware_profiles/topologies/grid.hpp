#pragma once
// Lines of ends in up to three directions, with or without a cable from the last back to the first.

#include <array>

#include "hardware_profiles/topology.hpp"

namespace tandem {

/// Ends are numbered along the first direction, then the second, then the third.
struct Grid {
  std::array<std::uint32_t, 3> sizes = {1, 1, 1};
  bool wrapped = true;

  std::uint64_t cable_count() const;
  Cable cable(std::uint32_t cable) const;
  /// One direction after the other, in each the shorter way round; where both are as long, upwards.
  void route(std::uint32_t from, std::uint32_t to, Hops& hops) const;
  std::uint32_t diameter() const;
  /// Cables that a plane across the longest direction cuts.
  std::uint64_t cables_across() const;

 private:
  std::uint32_t ends() const { return sizes[0] * sizes[1] * sizes[2]; }
  std::uint32_t stride(std::size_t direction) const;
  bool is_ring(std::size_t direction) const { return wrapped && sizes[direction] > 2; }
  std::uint32_t cables_per_line(std::size_t direction) const;
  std::uint64_t first_cable(std::size_t direction) const;
};

}  // namespace tandem
