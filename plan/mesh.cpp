#include "plan/mesh.hpp"

#include <fmt/format.h>

namespace tandem {

std::string_view name_of(MeshAxis axis) {
  constexpr std::string_view kNames[] = {"stage", "data", "height", "width", "tensor"};
  return kNames[static_cast<std::size_t>(axis)];
}

std::uint32_t Mesh::workers() const {
  std::uint32_t product = 1;
  for (const std::uint32_t size : sizes.at) product *= size;
  return product;
}

std::uint32_t Mesh::rank_of(const Coordinate& at) const {
  std::uint32_t rank = 0;
  for (std::size_t axis = 0; axis < kMeshAxes; ++axis) rank = rank * sizes.at[axis] + at.at[axis];
  return rank;
}

Coordinate Mesh::coordinate_of(std::uint32_t rank) const {
  Coordinate at;
  for (std::size_t axis = kMeshAxes; axis-- > 0; rank /= sizes.at[axis]) at.at[axis] = rank % sizes.at[axis];
  return at;
}

std::string Mesh::worker_name(const Coordinate& at, std::string_view pipeline) const {
  std::string name;
  for (std::size_t axis = 0; axis < kMeshAxes; ++axis)
    if (axis == 0 || sizes.at[axis] > 1)
      name += fmt::format("{}{} {}", axis == 0 ? "" : ", ", axis == 0 ? pipeline : name_of(static_cast<MeshAxis>(axis)),
                          at.at[axis]);
  return name;
}

}  // namespace tandem
