#pragma once
// Whether a table of prices is one of this Program: checked once, so that the engine may index without asking.

#include "plan/prices.hpp"
#include "plan/program.hpp"

namespace tandem {

/// Throws InvariantError where a work, channel, collective or worker has no price, a time is negative, or a route, link
/// or resource is not in its table.
void require_prices_fit(const Program& program, const Prices& prices);

}  // namespace tandem
