#include "exec/optimizer_step.hpp"

#include <cmath>

namespace tandem {

namespace {

template <class Real>
void descend(Real rate, std::int64_t count, const Real* gradient, Real* __restrict weight) {
  for (std::int64_t at = 0; at < count; ++at) weight[at] -= rate * gradient[at];
}

template <class Real>
struct AdamFactors {
  AdamFactors(const Optimizer& optimizer, std::int64_t iteration) {
    const auto power = static_cast<double>(iteration);
    keep_first = static_cast<Real>(optimizer.beta1);
    keep_second = static_cast<Real>(optimizer.beta2);
    take_first = static_cast<Real>(1 - optimizer.beta1);
    take_second = static_cast<Real>(1 - optimizer.beta2);
    rate = static_cast<Real>(optimizer.learning_rate / (1 - std::pow(optimizer.beta1, power)));
    correction = static_cast<Real>(1 / (1 - std::pow(optimizer.beta2, power)));
    epsilon = static_cast<Real>(optimizer.epsilon);
  }
  Real keep_first, keep_second, take_first, take_second;
  Real rate;        ///< learning rate / (1 - beta1^iteration)
  Real correction;  ///< 1 / (1 - beta2^iteration)
  Real epsilon;
};

/// A plain loop, because the compiler's vectors round as its scalars do (no contraction, an exact square root and an
/// exact division); Eigen's single-precision square root is an approximation that only vectors use.
template <class Real>
void adam(const AdamFactors<Real>& by, std::int64_t count, const Real* gradient, Real* __restrict weight,
          Real* __restrict first, Real* __restrict second) {
  for (std::int64_t at = 0; at < count; ++at) {
    first[at] = by.keep_first * first[at] + by.take_first * gradient[at];
    second[at] = by.keep_second * second[at] + by.take_second * (gradient[at] * gradient[at]);
    weight[at] -= by.rate * first[at] / (std::sqrt(second[at] * by.correction) + by.epsilon);
  }
}

}  // namespace

template <class Real>
void update_weights(const Optimizer& optimizer, std::int64_t iteration, std::int64_t count, const Real* gradient,
                    Real* weight, Real* first_moment, Real* second_moment) {
  switch (optimizer.kind) {
    case OptimizerKind::sgd: return descend(static_cast<Real>(optimizer.learning_rate), count, gradient, weight);
    case OptimizerKind::adam:
      return adam(AdamFactors<Real>(optimizer, iteration), count, gradient, weight, first_moment, second_moment);
  }
}

template <class Real>
void update_weights(const Optimizer& optimizer, std::int64_t iteration, std::int64_t count, const Real* gradient,
                    Real* weight, Real* state) {
  Real* const second = state == nullptr ? nullptr : state + count;
  update_weights(optimizer, iteration, count, gradient, weight, state, second);
}

template void update_weights(const Optimizer&, std::int64_t, std::int64_t, const float*, float*, float*, float*);
template void update_weights(const Optimizer&, std::int64_t, std::int64_t, const float*, float*, float*);
template void update_weights(const Optimizer&, std::int64_t, std::int64_t, const double*, double*, double*);

}  // namespace tandem
