#pragma once
// The work of compute steps as prepared functions: everything that no micro-batch changes is looked up beforehand.

#include <functional>

#include "exec/bases.hpp"
#include "exec/clock.hpp"
#include "models/dataset.hpp"
#include "plan/plan.hpp"

namespace tandem {

/// Told of every kernel, on the thread that ran it.
using KernelObserver = std::function<void(LayerId, Pass, Picoseconds)>;

/// One call of a step's work.
struct StepCall {
  Bases bases;
  std::int64_t iteration = 0;  ///< from 0
  std::uint32_t micro_batch = 0;
  float* losses = nullptr;     ///< by micro-batch
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
};

StepFunction make_forward(const WorkContext& context, const Segment& segment);
/// B runs I, then W, layer by layer from the end; I and W alone do their half of it.
StepFunction make_backward(const WorkContext& context, const Segment& segment, StepKind kind);
StepFunction make_zero_gradients(const Segment& segment);
/// The gradient of a tied parameter becomes the sum over both of its uses.
StepFunction make_add_gradient(const WorkContext& context, const Segment& segment);
StepFunction make_update(const WorkContext& context, const Segment& segment);

/// The row of the tied parameter, or of a tied one's owner, whose other use lies in another segment, and whose gradient
/// has `bytes`. Throws InvariantError unless there is exactly one.
const SegmentParameter& parted_tie(const Model& model, const Segment& segment, Bytes bytes);

}  // namespace tandem
