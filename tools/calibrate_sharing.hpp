#pragma once
// Measures what it costs that threads share memory: each piece by itself, apart from any sum that is predicted.

#include "exec/shared_sum.hpp"
#include "sim/shared_sum.hpp"

namespace tandem {

/// Medians over many repeats; takes about 0.3 s. The terms are timed in a loop over the problem's samples.
/// On a machine of one core a line never moves between cores, so its transfer costs nothing.
SharingCosts measure_sharing_costs(const LinearRegression& problem, std::int64_t cores);

}  // namespace tandem
