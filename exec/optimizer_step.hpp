#pragma once
// The optimizers' update of one flat range of parameters.

#include <cstdint>

#include "plan/plan.hpp"

namespace tandem {

/// Updates `count` weights in place; `state` holds optimizer.moments() ranges of `count` values, one after the other
/// (Adam: first moment, second moment; zero at the start). `iteration` counts from 1. Element by element, so that the
/// same bits come out however the range is cut. Adam: Kingma and Ba, arXiv 1412.6980, algorithm 1.
template <class Real>
void update_weights(const Optimizer& optimizer, std::int64_t iteration, std::int64_t count, const Real* gradient,
                    Real* weight, Real* state);

/// The same where each moment is anywhere; null for an optimizer that has none.
template <class Real>
void update_weights(const Optimizer& optimizer, std::int64_t iteration, std::int64_t count, const Real* gradient,
                    Real* weight, Real* first_moment, Real* second_moment);

}  // namespace tandem
