#pragma once
// Whether a table of prices is one of this Program: checked once, so that the engine may index without asking.

#include "plan/prices.hpp"
#include "plan/program.hpp"

namespace tandem {

/// Throws InvariantError where a work, channel or worker has no price, a time is negative, or a resource is not in
/// the table.
void require_prices_fit(const Program& program, const Prices& prices);

}  // namespace tandem
