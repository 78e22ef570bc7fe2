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

}  // namespace tandem
