#pragma once
// The regions of a rank's part: what of a window's output needs no neighbour's values, and how much of it that is.

#include "models/model.hpp"
#include "plan/segment.hpp"

namespace tandem {

/// Does the layer slide a window over this dimension of its input? Then its F kernel, and that of a halo's join, takes
/// KernelArguments::rectangle.
bool slides_over(const Model& model, LayerId layer, std::int64_t dimension);

/// Of the join's dimension what is the rank's own, without the strips before and after it.
OutputRange interior_of_join(const Model& model, LayerId join);
/// Outputs of the window, along the join's dimension, whose taps reach none of its strips; none where the part is small.
OutputRange interior_of_window(const Model& model, LayerId window, LayerId join);

/// The rectangles that the region adds to the one within it. None is empty.
std::vector<OutputRectangle> pieces_of(const LayerPlan& plan, const TensorSpec& output, Region region);
/// Share of the layer's output values that F over this region computes; those of a layer's regions add up to 1.
double share_of(const Model& model, const LayerPlan& plan, Region region);

}  // namespace tandem
