#pragma once
// The mesh: workers on the axes pipeline x data x height x width x tensor, and who shares which axis.

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/id.hpp"

namespace tandem {

/// From the outermost axis to the innermost: tensor ranks are neighbours.
enum class MeshAxis : std::uint8_t { pipeline, data, height, width, tensor };
inline constexpr std::size_t kMeshAxes = 5;
std::string_view name_of(MeshAxis axis);

/// A position on the mesh, or the mesh's sizes; by MeshAxis.
struct Coordinate {
  std::array<std::uint32_t, kMeshAxes> at{};
  std::uint32_t& operator[](MeshAxis axis) { return at[static_cast<std::size_t>(axis)]; }
  std::uint32_t operator[](MeshAxis axis) const { return at[static_cast<std::size_t>(axis)]; }
  bool operator==(const Coordinate&) const = default;
};

struct Mesh {
  Coordinate sizes{{1, 1, 1, 1, 1}};

  std::uint32_t size(MeshAxis axis) const { return sizes[axis]; }
  std::uint32_t workers() const;          ///< product of the sizes
  std::uint32_t workers_per_stage() const { return workers() / size(MeshAxis::pipeline); }
  std::uint32_t rank_of(const Coordinate& at) const;
  Coordinate coordinate_of(std::uint32_t rank) const;
  /// "stage 1" (or whatever a pipeline rank is called), and where an axis has more than one rank also ", data 0", ", height 1", ", tensor 3".
  std::string worker_name(const Coordinate& at, std::string_view pipeline = "stage") const;
};

}  // namespace tandem
