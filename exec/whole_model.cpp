#include "exec/whole_model.hpp"

#include <deque>

#include "base/error.hpp"
#include "exec/model_walk.hpp"
#include "exec/optimizer_step.hpp"

namespace tandem {

namespace {

/// Trains; keeps the versions of the weights that micro-batches to come still read.
class Training {
 public:
  Training(const Model& model, const Dataset& dataset, const Optimizer& optimizer, std::int64_t micro_batches,
           std::int64_t micro_batch_size, std::uint64_t seed, const StaleWeights& stale, const std::vector<double>& margins)
      : model_(model), dataset_(dataset), optimizer_(optimizer), micro_batches_(micro_batches),
        micro_batch_size_(micro_batch_size), round_(stale.round == 0 ? micro_batches : stale.round), stale_(stale),
        walk_(model, micro_batch_size) {
    walk_.margins = margins;
    walk_.start_weights(seed);
    for (const auto& weight : walk_.weights)
      states_.emplace_back(weight.size() * static_cast<std::size_t>(optimizer.moments()));
  }

  /// The mean loss of an iteration; the gradient of its last update is left.
  double run_iteration(std::int64_t iteration) {
    versions_.clear();
    walk_.zero_gradients();
    double sum = 0;
    for (std::int64_t batch = 0; batch < micro_batches_; ++batch) {
      if (!stale_.version.empty()) read_versions(static_cast<std::size_t>(batch));
      if (batch > 0 && batch % round_ == 0) walk_.zero_gradients();
      walk_.load(dataset_, iteration, batch * micro_batch_size_);
      sum += walk_.forward();
      walk_.backward(1 / static_cast<double>(round_));
      if ((batch + 1) % round_ == 0) update();
    }
    return sum / static_cast<double>(micro_batches_);
  }
  const ModelWalk& walk() const { return walk_; }

 private:
  void update() {
    if (!stale_.version.empty() && versions_.empty()) versions_.push_back(walk_.weights);
    ++updates_;
    for (std::size_t i = 0; i < states_.size(); ++i)
      update_weights(optimizer_, updates_, static_cast<std::int64_t>(walk_.weights[i].size()),
                     walk_.gradients[i].data(), walk_.weights[i].data(), states_[i].data());
    if (!stale_.version.empty()) versions_.push_back(walk_.weights);
  }

  void read_versions(std::size_t batch) {
    if (versions_.empty()) versions_.push_back(walk_.weights);
    walk_.read_instead.clear();
    for (std::uint32_t i = 0; i < walk_.weights.size(); ++i) {
      const auto id = static_cast<ParameterId>(i);
      const std::size_t owner = index_of(model_.parameter(id).tied_to.value_or(id));
      walk_.read_instead.push_back(versions_.at(stale_.version[i][batch])[owner].data());
    }
  }

  const Model& model_;
  const Dataset& dataset_;
  const Optimizer& optimizer_;
  std::int64_t micro_batches_, micro_batch_size_, round_, updates_ = 0;
  const StaleWeights& stale_;
  ModelWalk walk_;
  std::vector<ModelWalk::Values> states_;
  std::deque<std::vector<ModelWalk::Values>> versions_;  ///< of this iteration
};

}  // namespace

WholeModelResult train_whole_model(const Model& model, const Dataset& dataset, const Optimizer& optimizer,
                                   std::int64_t iterations, std::int64_t micro_batches, std::int64_t micro_batch_size,
                                   std::uint64_t seed, const StaleWeights& stale,
                                   const std::vector<double>& margins) {
  invariant(iterations >= 0 && micro_batches > 0 && micro_batch_size > 0, "there is something to train on");
  Training training(model, dataset, optimizer, micro_batches, micro_batch_size, seed, stale, margins);
  WholeModelResult result;
  for (std::int64_t iteration = 0; iteration < iterations; ++iteration)
    result.losses.push_back(training.run_iteration(iteration));
  for (const auto& weight : training.walk().weights) result.weights.emplace_back(weight.begin(), weight.end());
  for (const auto& gradient : training.walk().gradients) result.gradients.emplace_back(gradient.begin(), gradient.end());
  result.turned = training.walk().turned;
  return result;
}

}  // namespace tandem
