#pragma once
// Small models whose tensors can be worked out by hand, and what the library says to wrong input.

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.hpp"
#include "models/model.hpp"
#include "plan/lower.hpp"

namespace tandem {

inline LayerDefinition source(std::string name, std::string kind, double features) {
  return {std::move(name), std::move(kind), {{"features", features}}};
}

inline LayerDefinition linear(std::string name, double features, std::string input = {}) {
  LayerDefinition layer{std::move(name), "linear", {{"features", features}}};
  if (!input.empty()) layer.inputs = {std::move(input)};
  return layer;
}

inline LayerDefinition layer(std::string name, std::string kind, std::vector<std::string> inputs) {
  return {std::move(name), std::move(kind), {}, std::move(inputs)};
}

/// 0 x (4 values), 1 a (linear 8), 2 r (relu), 3 b (linear 2), 4 targets, 5 loss; a pipeline may cut at 2, 3 and 4.
inline Model two_layer_mlp() {
  return Model("two-layer-mlp", {source("x", "values", 4), linear("a", 8, "x"), layer("r", "relu", {"a"}),
                                 linear("b", 2, "r"), source("targets", "target_values", 2),
                                 layer("loss", "mean_squared_error", {"b", "targets"})});
}

/// x, then `blocks` of a linear layer and a relu, all 16 values wide, then targets and loss. One tensor of one sample
/// is 64 bytes. Layer 0 is x; block i is layers 1 + 2 i and 2 + 2 i.
inline Model equal_blocks(std::size_t blocks) {
  std::vector<LayerDefinition> layers{source("x", "values", 16)};
  for (std::size_t i = 0; i < blocks; ++i) {
    const std::string number = std::to_string(i);
    layers.push_back(linear("linear" + number, 16, layers.back().name));
    layers.push_back(layer("relu" + number, "relu", {"linear" + number}));
  }
  const std::string last = layers.back().name;
  layers.push_back(source("targets", "target_values", 16));
  layers.push_back(layer("loss", "mean_squared_error", {last, "targets"}));
  return Model("equal-blocks", layers);
}

/// One block per stage.
inline std::vector<std::size_t> block_cuts(std::size_t stages) {
  std::vector<std::size_t> cuts;
  for (std::size_t stage = 1; stage < stages; ++stage) cuts.push_back(1 + 2 * stage);
  return cuts;
}

inline std::vector<DeviceId> one_device_each(std::size_t stages) {
  std::vector<DeviceId> devices;
  for (std::uint32_t stage = 0; stage < stages; ++stage) devices.push_back(static_cast<DeviceId>(stage));
  return devices;
}

/// The layers [first, last) as the only rank of their stage computes them.
inline Segment lay_out(const Model& model, std::size_t first, std::size_t last, std::int64_t batch) {
  return lay_out_segment(undivided(model), first, last, batch);
}

/// A plan of one sample per micro-batch.
inline Plan plan_of(std::string schedule, std::size_t stages, std::int64_t micro_batches) {
  Plan plan;
  plan.schedule = std::move(schedule);
  plan.pipeline = static_cast<std::int64_t>(stages);
  plan.micro_batches = micro_batches;
  plan.micro_batch_size = 1;
  return plan;
}

/// What an InputError says, or "" when there is none.
template <class Act>
std::string complaint(Act act) {
  try {
    act();
    return "";
  } catch (const InputError& error) {
    return error.what();
  }
}

}  // namespace tandem
