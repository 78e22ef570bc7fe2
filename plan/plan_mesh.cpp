// The mesh of a plan.

#include <fmt/format.h>

#include "base/error.hpp"
#include "plan/plan.hpp"

namespace tandem {

Mesh mesh_of(const Plan& plan) {
  constexpr double kMostWorkers = 1 << 20;
  const std::array<std::int64_t, kMeshAxes> sizes{plan.pipeline, plan.replicas, plan.height, plan.width, plan.tensor};
  double workers = 1;
  Mesh mesh;
  for (std::size_t axis = 0; axis < kMeshAxes; ++axis) {
    invariant(sizes[axis] >= 1, "a mesh has ranks on every axis");
    workers *= static_cast<double>(sizes[axis]);
    if (workers > kMostWorkers)
      throw InputError("the mesh has too many workers",
                       fmt::format("pp {}, dp {}, spatial {}x{}, tp {}", sizes[0], sizes[1], sizes[2], sizes[3],
                                   sizes[4]),
                       fmt::format("at most {}", kMostWorkers));
    mesh.sizes.at[axis] = static_cast<std::uint32_t>(sizes[axis]);
  }
  return mesh;
}

}  // namespace tandem
