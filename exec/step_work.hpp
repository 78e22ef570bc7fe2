#pragma once
// The work of compute steps as prepared functions: everything that no micro-batch changes is looked up beforehand.

#include <functional>

#include "exec/bases.hpp"
#include "exec/clock.hpp"
#include "models/dataset.hpp"
#include "plan/plan.hpp"

namespace tandem {

/// Told of every kernel, on the thread that ran it. The interior and the border of a layer are told apart.
using KernelObserver = std::function<void(const Model& local, LayerId, Pass, Region, Picoseconds)>;

/// One call of a step's work.
struct StepCall {
  Bases bases;
  std::int64_t iteration = 0;  ///< from 0
  std::int64_t update = 0;     ///< of an update: how many of this segment came before, from the first iteration on
  std::uint32_t micro_batch = 0;    ///< of all replicas
  std::int64_t first_sample = 0;    ///< of the micro-batch, in the global batch
  float* losses = nullptr;          ///< by micro-batch of all replicas, and part of its samples
  const KernelObserver* observer = nullptr;
};

/// Throws std::runtime_error where a value is not finite.
using StepFunction = std::function<void(const StepCall&)>;

/// What all works of a run share; outlives them.
struct WorkContext {
  const Program& program;
  const Model& model;
  const Dataset& dataset;
  const Optimizer& optimizer;
  std::uint64_t seed = 0;

  /// The layers that a segment's ids speak of.
  const LocalModel& local(SegmentId segment) const { return program.local(segment); }
};

/// One part of F.
StepFunction make_forward(const WorkContext& context, const StepWork& work);
/// One part of B, which runs I and W layer by layer from the end; of I, or of W, where they are apart; or of R, which
/// runs F again.
StepFunction make_backward(const WorkContext& context, const StepWork& work);
StepFunction make_zero_gradients(const WorkContext& context, const StepWork& work);
/// The gradient of a tied parameter becomes the sum over both of its uses; or a shard gains its block of a bucket.
StepFunction make_add_gradient(const WorkContext& context, const StepWork& work);
StepFunction make_update(const WorkContext& context, const StepWork& work);
/// A bucket's own block of weights goes where the blocks of all ranks are gathered.
StepFunction make_own_block(const WorkContext& context, const StepWork& work);

/// The row of the tied parameter, or of a tied one's owner, whose other use lies in another segment, and whose gradient
/// has `bytes`. Throws InvariantError unless there is exactly one.
const SegmentParameter& parted_tie(const Model& model, const Segment& segment, Bytes bytes);

}  // namespace tandem
