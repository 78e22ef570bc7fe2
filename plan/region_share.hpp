#pragma once
// The interior of a rank's part: the rows of a window's output that need no neighbour's rows, and how much of it they
// are.

#include "models/model.hpp"
#include "plan/segment.hpp"

namespace tandem {

/// Does the layer slide a window over this dimension of its input? Then its F kernel, and that of a halo's join, takes
/// KernelArguments::rows.
bool slides_over(const Model& model, LayerId layer, std::int64_t dimension);

/// The join's own rows, without the strips before and after them.
OutputRows interior_of_join(const Model& model, LayerId join);
/// The output rows of the window whose taps reach none of the join's strips; none of them where the part is small.
OutputRows interior_of_window(const Model& model, LayerId window, LayerId join);

/// Share of the layer's output values that F over this region computes; interior and border add up to 1.
double share_of(const Model& model, const LayerPlan& plan, Region region);

}  // namespace tandem
