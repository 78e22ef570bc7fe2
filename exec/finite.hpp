#pragma once
// Looks for values that are no finite numbers, and names the first tensor that holds one.

#include <string>

#include "exec/bases.hpp"

namespace tandem {

/// ` (first in the output of "h.2.add_1")`: the earliest float tensor of the forward step that is still there and holds
/// a value that is not finite; "" where there is none.
std::string first_not_finite(const Model& model, const Segment& segment, const Bases& bases);

}  // namespace tandem
