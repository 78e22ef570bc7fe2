#pragma once
// A plan from a file, from flags, or from both: flags override the file.

#include <vector>

#include "plan/plan.hpp"
#include "tools/options.hpp"

namespace tandem {

/// The flags that set a field of the plan; a table row each.
std::vector<Flag> plan_flags();

/// Reads the first positional word as a plan file, if there is one, then applies the flags. A flag that changes the model
/// or the number of ranks drops the file's cuts. `fallback` is the plan where there is no file.
Plan plan_from(const Arguments& arguments, const Plan& fallback);

}  // namespace tandem
