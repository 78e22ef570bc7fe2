#pragma once
// Definitions of small models for tests, and ways to look into them.

#include <string>
#include <vector>

#include "models/model.hpp"
#include "tests/base/message_of.hpp"

namespace tandem {

inline LayerDefinition values(const std::string& name, double features) {
  return {.name = name, .kind = "values", .attributes = {{"features", features}}};
}

inline LayerDefinition targets(double features) {
  return {.name = "targets", .kind = "target_values", .attributes = {{"features", features}}};
}

inline LayerDefinition linear(const std::string& name, double features, const std::string& input = "") {
  LayerDefinition definition{.name = name, .kind = "linear", .attributes = {{"features", features}}};
  if (!input.empty()) definition.inputs = {input};
  return definition;
}

inline LayerDefinition relu(const std::string& name, const std::string& input = "") {
  LayerDefinition definition{.name = name, .kind = "relu"};
  if (!input.empty()) definition.inputs = {input};
  return definition;
}

inline LayerDefinition add(const std::string& name, const std::string& first, const std::string& second) {
  return {.name = name, .kind = "residual_add", .inputs = {first, second}};
}

inline LayerDefinition squared_loss(const std::string& prediction) {
  return {.name = "loss", .kind = "mean_squared_error", .inputs = {prediction, "targets"}};
}

inline std::vector<std::string> names_of(const Model& model) {
  std::vector<std::string> names;
  for (const auto& layer : model.layers()) names.push_back(layer.name);
  return names;
}

inline LayerId find_layer(const Model& model, const std::string& name) {
  for (std::uint32_t i = 0; i < model.layer_count(); ++i) {
    if (model.layers()[i].name == name) return static_cast<LayerId>(i);
  }
  throw std::out_of_range("no layer " + name);
}

inline Flops product_flops(const Work& work) {
  Flops total;
  for (const auto& product : work.products) total += product.flops();
  return total;
}

}  // namespace tandem
