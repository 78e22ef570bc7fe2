#pragma once
// The rounding of a loss, bounded from the model itself: a whole model walked in double, layer by layer.

#include <vector>

#include "exec/aligned_values.hpp"
#include "models/dataset.hpp"
#include "models/model.hpp"

namespace tandem {

/// One layer of the walk, as its local errors are reckoned.
struct WalkedLayer {
  const Model& model;
  const Layer& layer;
  std::int64_t batch;
  std::vector<const double*> inputs;              ///< null where it holds tokens
  const AlignedValues<double>& output;
  std::vector<const AlignedValues<double>*> parameters;
};

/// How far each value of the output in float lies from the exact function of the inputs in float, whatever the order of
/// the sums in it. A sum of n products rounds n times, each time by at most u = 2^-24 of what has been summed so far,
/// so of the sum m of the magnitudes; with roundings that are independent and as often up as down the error behaves
/// like sqrt(n) u m (Higham and Mary, "A new approach to probabilistic rounding error analysis", 2019).
std::vector<double> local_errors(const WalkedLayer& layer);

struct RoundedLoss {
  double loss = 0;      ///< in double
  double rounding = 0;  ///< the loss in float is no further off
  std::vector<AlignedValues<double>> gradients;  ///< of the loss; by ParameterId, empty for a tied use
};

/// The loss of the samples [first, first + batch) as one micro-batch. An error e of a value of a layer's output moves
/// the loss by d(loss)/d(value) e, to first order. All of them together move it by more than
/// t sqrt(sum of (d(loss)/d(value) local error)^2) with a probability of at most 2 exp(-t^2 / 2) (Hoeffding, 1963,
/// theorem 2, over all single roundings); t is 6 here, which leaves 3 in 10^8.
RoundedLoss rounded_loss(const Model& model, const Dataset& dataset, const std::vector<std::vector<double>>& weights,
                         std::int64_t iteration, std::int64_t first, std::int64_t batch);

}  // namespace tandem
