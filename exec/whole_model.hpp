#pragma once
// The unpartitioned model trained with the reference kernels in double: the yardstick for the numbers of a run.

#include <cstdint>
#include <vector>

#include "models/dataset.hpp"
#include "models/model.hpp"
#include "plan/plan.hpp"

namespace tandem {

struct WholeModelResult {
  std::vector<double> losses;                  ///< by iteration
  std::vector<std::vector<double>> weights;    ///< by ParameterId, after the last iteration; empty for a tied use
  std::vector<std::vector<double>> gradients;  ///< of the last iteration, ties summed; empty for a tied use
  std::int64_t turned = 0;                     ///< decisions of kinks, where asked for
};

/// Weights that change while micro-batches are under way.
struct StaleWeights {
  std::int64_t round = 0;  ///< micro-batches of one update; 0: all of an iteration
  /// By ParameterId (of tied uses, too) and micro-batch: how many updates of the iteration its layer has seen; never
  /// fewer than that of the micro-batch before. Empty: none.
  std::vector<std::vector<std::uint32_t>> version;
};

/// Knows no Program, stage or buffer: walks the graph once forward, once backward, per micro-batch; averages; updates.
/// `margins`: ModelWalk::margins.
WholeModelResult train_whole_model(const Model& model, const Dataset& dataset, const Optimizer& optimizer,
                                   std::int64_t iterations, std::int64_t micro_batches, std::int64_t micro_batch_size,
                                   std::uint64_t seed, const StaleWeights& stale = {},
                                   const std::vector<double>& margins = {});

}  // namespace tandem
