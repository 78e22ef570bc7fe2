#pragma once
// Which tensors one pass of a layer touches: what buffers a step uses, and where in them, follow from it.

#include <vector>

#include "plan/program.hpp"

namespace tandem {

/// A tensor that a pass reads or writes; it lies somewhere.
struct Touch {
  Placement at;
  Bytes bytes;
  Access access;
};

/// Beside weights and gradients of parameters. A gradient that the pass adds to is written. `local`: the segment's
/// model.
std::vector<Touch> touches_of(const Segment& segment, const Model& local, const PassItem& item);
std::vector<Touch> touches_of(const std::vector<BoundaryCopy>& copies);

/// Does a step of this kind run kernels of a segment's layers? F, B, I, W and R.
bool is_pass(StepKind kind);
/// The segment's parts that steps of this kind run: StepWork::part counts in them.
const std::vector<SegmentPart>& parts_of(const Segment& segment, StepKind kind);

}  // namespace tandem
