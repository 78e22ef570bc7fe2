#include "exec/whole_model.hpp"

#include "base/error.hpp"
#include "exec/model_walk.hpp"
#include "exec/optimizer_step.hpp"

namespace tandem {

namespace {

/// The mean loss of an iteration; its gradient is left in `walk`.
double run_iteration(ModelWalk& walk, const Dataset& dataset, std::int64_t iteration, std::int64_t micro_batches,
                     std::int64_t micro_batch_size) {
  const double share = 1 / static_cast<double>(micro_batches);
  walk.zero_gradients();
  double sum = 0;
  for (std::int64_t micro_batch = 0; micro_batch < micro_batches; ++micro_batch) {
    walk.load(dataset, iteration, micro_batch * micro_batch_size);
    sum += walk.forward();
    walk.backward(share);
  }
  return sum * share;
}

}  // namespace

WholeModelResult train_whole_model(const Model& model, const Dataset& dataset, const Optimizer& optimizer,
                                   std::int64_t iterations, std::int64_t micro_batches, std::int64_t micro_batch_size,
                                   std::uint64_t seed) {
  invariant(iterations >= 0 && micro_batches > 0 && micro_batch_size > 0, "there is something to train on");
  ModelWalk walk(model, micro_batch_size);
  walk.start_weights(seed);
  std::vector<ModelWalk::Values> states;
  for (const auto& weight : walk.weights)
    states.emplace_back(weight.size() * static_cast<std::size_t>(optimizer.states()));
  WholeModelResult result;
  for (std::int64_t iteration = 0; iteration < iterations; ++iteration) {
    result.losses.push_back(run_iteration(walk, dataset, iteration, micro_batches, micro_batch_size));
    for (std::size_t i = 0; i < states.size(); ++i) {
      update_weights(optimizer, iteration + 1, static_cast<std::int64_t>(walk.weights[i].size()),
                     walk.gradients[i].data(), walk.weights[i].data(), states[i].data());
    }
  }
  for (const auto& weight : walk.weights) result.weights.emplace_back(weight.begin(), weight.end());
  for (const auto& gradient : walk.gradients) result.gradients.emplace_back(gradient.begin(), gradient.end());
  return result;
}

}  // namespace tandem
