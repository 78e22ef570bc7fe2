#pragma once
// How much of a layer lies in the interior of its rank's part, where no window needs a neighbour's rows.

#include "models/model.hpp"
#include "plan/segment.hpp"

namespace tandem {

/// Share of the layer's output values that a pass over this region computes; interior and border add up to 1. A layer
/// that reads no halo is all interior.
double share_of(const Model& model, LayerId layer, Region region);

}  // namespace tandem
