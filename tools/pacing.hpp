#pragma once
// Follows another device's clock: prices, scaled, as the targets of a paced run.

#include "exec/run.hpp"
#include "plan/prices.hpp"

namespace tandem {

/// Every duration times `scale`; none becomes zero that was not.
Prices scaled_prices(Prices prices, double scale);
/// What each step must last at least.
Pacing pacing_of(const Prices& prices);

}  // namespace tandem
