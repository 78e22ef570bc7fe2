#pragma once
// The model as one rank of the mesh computes it: layers with local shapes, and the conversions between layouts among
// them. It is a Model, so everything that works on models works on a rank's part.

#include <cstdint>
#include <optional>
#include <vector>

#include "models/model.hpp"
#include "plan/collective.hpp"
#include "plan/mesh.hpp"

namespace tandem {

/// Where a rank's own tensor lies in the whole one: per dimension the runs of indices that it holds; empty: all.
struct IndexRun {
  std::int64_t first, count;
  bool operator==(const IndexRun&) const = default;
};
using TensorSlice = std::vector<std::vector<IndexRun>>;

/// Calls act(local index, whole index, count) for runs that are contiguous in both, in ascending order. `dims`: of the
/// whole tensor; a slice without dimensions is the whole.
template <class Act>
void for_each_run(const std::vector<std::int64_t>& dims, const TensorSlice& slice, Act&& act);

/// A collective that the rank takes part in at a layer of its model, in place on that layer's output (forward) or on
/// the gradient of it (backward).
struct LayerCollective {
  MeshAxis axis = MeshAxis::tensor;
  std::optional<CollectiveKind> forward, backward;
  /// Elements of one sample: block bounds of the group's ranks (its vector is the whole batch's), or the strips.
  std::vector<std::int64_t> bounds{};
  std::vector<HaloStrips> strips{};
};

struct LocalLayer {
  std::optional<LayerId> whole;   ///< none: a conversion
  TensorSlice output{};           ///< of the output, in the whole layer's
  std::optional<LayerCollective> collective{};
};

struct LocalParameter {
  ParameterId whole{};
  TensorSlice slice{};
  /// By MeshAxis: the gradient is a summand along that axis, so it is reduced over it.
  std::array<bool, kMeshAxes> partial{};
};

struct LocalModel {
  Model model;
  std::vector<LocalLayer> layers;          ///< by local LayerId
  std::vector<LocalParameter> parameters;  ///< by local ParameterId
  bool says_loss = true;                   ///< of the ranks that compute the same part of the loss, the first
};

/// The whole model as the only rank's own.
LocalModel undivided(const Model& model);

template <class Act>
void for_each_run(const std::vector<std::int64_t>& dims, const TensorSlice& slice, Act&& act) {
  std::int64_t total = 1;
  for (const std::int64_t size : dims) total *= size;
  if (slice.empty()) return act(std::int64_t{0}, std::int64_t{0}, total);
  std::int64_t local = 0;
  const auto walk = [&](auto&& self, std::size_t dimension, std::int64_t whole) -> void {
    std::int64_t stride = 1;
    for (std::size_t i = dimension + 1; i < dims.size(); ++i) stride *= dims[i];
    const std::vector<IndexRun> all{{0, dims[dimension]}};
    bool rest_is_whole = true;
    for (std::size_t i = dimension + 1; i < slice.size(); ++i) rest_is_whole &= slice[i].empty();
    for (const IndexRun& run : slice[dimension].empty() ? all : slice[dimension]) {
      if (rest_is_whole) {
        act(local, whole + run.first * stride, run.count * stride);
        local += run.count * stride;
        continue;
      }
      for (std::int64_t i = run.first; i < run.first + run.count; ++i) self(self, dimension + 1, whole + i * stride);
    }
  };
  walk(walk, 0, 0);
}

}  // namespace tandem
