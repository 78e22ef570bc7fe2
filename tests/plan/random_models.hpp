#pragma once
// Random small models, cuts and plans, each from a seed that replays it on any machine.

#include <algorithm>
#include <cstdint>
#include <random>

#include "tests/plan/models.hpp"

namespace tandem {

class Dice {
 public:
  explicit Dice(std::uint64_t seed) : bits_(seed) {}
  /// low .. high, both included; the same on every platform.
  std::int64_t between(std::int64_t low, std::int64_t high) {
    return low + static_cast<std::int64_t>(bits_() % static_cast<std::uint64_t>(high - low + 1));
  }
  bool chance(int in) { return between(1, in) == 1; }
  template <class Value>
  const Value& pick(const std::vector<Value>& values) {
    return values[static_cast<std::size_t>(between(0, std::ssize(values) - 1))];
  }

 private:
  std::mt19937_64 bits_;
};

/// A chain of up to ten layers of random kinds and widths, with residual edges over any distance, a second source of
/// data and tied weights now and then; at its end a loss.
class RandomModel {
 public:
  explicit RandomModel(Dice& dice) : dice_(dice) {
    add(source("x", "values", static_cast<double>(width())), 0);
    for (std::int64_t count = dice_.between(1, 10); count > 0; --count) add_layer();
    add(linear("y", 4, layers_.back().name), 4);
    layers_.push_back(source("targets", "target_values", 4));
    layers_.push_back(layer("loss", dice_.chance(2) ? "mean_squared_error" : "mean_absolute_error", {"y", "targets"}));
  }
  Model build() const { return Model("random", layers_); }

 private:
  struct Output {
    std::string name;
    std::int64_t width;
  };

  std::int64_t width() { return 4 * dice_.between(1, 6); }
  std::string fresh(const std::string& kind) { return kind + std::to_string(layers_.size()); }

  void add(LayerDefinition definition, std::int64_t columns) {
    if (columns == 0) columns = static_cast<std::int64_t>(definition.attributes[0].second);
    outputs_.push_back({definition.name, columns});
    layers_.push_back(std::move(definition));
  }

  void add_layer() {
    const Output before = outputs_.back();
    const std::int64_t choice = dice_.between(0, 6);
    if (choice <= 1) return add_linear(before, dice_.chance(2) ? before.width : width());
    if (choice == 2) return add_tied(before);
    if (choice == 3) return add_second_source(before);
    if (choice == 4) return add(layer(fresh("norm"), "layer_norm", {before.name}), before.width);
    if (choice == 5) return add(layer(fresh("unit"), dice_.chance(2) ? "relu" : "gelu", {before.name}), before.width);
    return add_residual(before);
  }

  void add_linear(const Output& before, std::int64_t columns) {
    const std::string name = fresh("linear");
    if (columns == before.width) square_.push_back({name, columns});
    add(linear(name, static_cast<double>(columns), before.name), columns);
  }

  void add_residual(const Output& before) {
    std::vector<Output> equal;
    for (const Output& output : outputs_)
      if (output.width == before.width) equal.push_back(output);
    add(layer(fresh("add"), "residual_add", {dice_.pick(equal).name, before.name}), before.width);
  }

  void add_second_source(const Output& before) {
    const std::string name = fresh("data");
    layers_.push_back(source(name, "values", static_cast<double>(before.width)));
    add(layer(fresh("add"), "residual_add", {before.name, name}), before.width);
  }

  void add_tied(const Output& before) {
    const auto owner = std::find_if(square_.begin(), square_.end(),
                                    [&](const Output& output) { return output.width == before.width; });
    if (owner == square_.end()) return add_linear(before, before.width);
    LayerDefinition definition = linear(fresh("tied"), static_cast<double>(before.width), before.name);
    definition.tie = owner->name + ".weight";
    square_.erase(owner);
    add(std::move(definition), before.width);
  }

  Dice& dice_;
  std::vector<LayerDefinition> layers_;
  std::vector<Output> outputs_, square_;
};

/// Any number of cuts at places where the model may be split, at most `most`.
inline std::vector<std::size_t> random_cuts(Dice& dice, const Model& model, std::int64_t most) {
  std::vector<std::size_t> places, cuts;
  for (std::size_t cut = 1; cut < model.layer_count(); ++cut)
    if (model.may_cut(cut)) places.push_back(cut);
  for (std::int64_t count = dice.between(0, std::min<std::int64_t>(most, std::ssize(places))); count > 0; --count) {
    const std::size_t place = dice.pick(places);
    places.erase(std::find(places.begin(), places.end(), place));
    cuts.push_back(place);
  }
  std::sort(cuts.begin(), cuts.end());
  return cuts;
}

}  // namespace tandem
