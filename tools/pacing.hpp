#pragma once
// Follows another device's clock: prices, scaled, as the targets of a paced run.

#include "exec/run.hpp"
#include "plan/prices.hpp"

namespace tandem {

/// Every duration times `scale`; none becomes zero that was not.
Prices scaled_prices(Prices prices, double scale);
/// What each step must last at least. A collective: its rounds without contention, over the slowest of its routes.
Pacing pacing_of(const Program& program, const Prices& prices);

}  // namespace tandem
