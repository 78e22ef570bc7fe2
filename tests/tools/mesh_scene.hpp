#pragma once
// Plans on meshes, ridden both ways and held to the whole model: what every grid of meshes has in common.

#include <array>
#include <map>
#include <string>
#include <tuple>
#include <vector>

#include "exec/run.hpp"
#include "exec/whole_model.hpp"
#include "tools/job.hpp"

namespace tandem {

/// Sizes of the mesh's axes.
struct MeshSizes {
  std::int64_t pipeline = 1, replicas = 1, height = 1, width = 1, tensor = 1;
  std::int64_t workers() const { return pipeline * replicas * height * width * tensor; }
};

/// Every mesh of this many workers; `space`: also over height and width.
std::vector<MeshSizes> meshes_of(std::int64_t workers, bool space);

/// Two micro-batches of `micro_batch_size` for each replica; sgd, one iteration.
Plan mesh_plan(const std::string& model, const MeshSizes& sizes, std::int64_t micro_batch_size = 1);
/// What tells this plan from others of the grid, for messages.
std::string described(const Plan& plan);

/// A host of two cores with made-up rates: times play no part in these tests.
Cluster made_up_host();

/// What came of one plan.
struct MeshRide {
  Job job;
  RunResult threads;
  std::vector<std::string> faults;      ///< what predicted, run, and the same steps on one thread do not share; none
  double gradient_error = 0;            ///< from the double model: GradientErrors::unexplained of tools/check.hpp
  double loss_error = 0;                ///< relative, from the double model
};

bool same_bits(const std::vector<float>& a, const std::vector<float>& b);
/// Checks that losses, weights and gradients of three iterations on one thread are those of the other plan, to the bit.
void check_same_bits(const Plan& plan, const Plan& other);

/// Rides plans, and keeps the double models that they are held to.
class MeshRider {
 public:
  MeshRide ride(const Plan& plan);

 private:
  /// Model, micro-batches, samples, seed; and the pipeline where its weights are stale.
  using Key = std::tuple<std::string, std::int64_t, std::int64_t, std::int64_t, std::string>;
  const WholeModelResult& whole(const Job& job);
  std::map<Key, WholeModelResult> wholes_;
};

/// The FLOPs of one micro-batch of every replica: products, elementwise operations, transcendentals. Layers are those
/// of the whole model as the plan takes it apart.
struct MeshFlops {
  Flops executed;     ///< by all workers, in layers
  Flops whole;        ///< of those layers, undivided
  Flops repeated;     ///< by ranks that repeat a layer's work; of ranks with a summand each: the bias
  Flops conversions;  ///< by all workers, between layouts
  Flops merging;      ///< by all workers, in layers of which sharing ranks repeat a part; in none of the above
  Flops merging_once; ///< of those layers, undivided
  Flops executed_products, declared_products;  ///< of matrix products alone
};
MeshFlops mesh_flops(const Job& job);

}  // namespace tandem
