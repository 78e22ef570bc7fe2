#include <algorithm>
#include <functional>
#include <random>
#include <set>

#include <fmt/format.h>
#include <rapidcheck.h>

#include "tests/catch.hpp"
#include "tests/models/definitions.hpp"

using namespace tandem;

namespace {

/// A connected model of up to 40 layers of width 4 whose edges are drawn at random; every output is read.
std::vector<LayerDefinition> random_definitions() {
  const auto count = *rc::gen::inRange(1, 40);
  std::vector<LayerDefinition> definitions{values("x", 4), linear("l0", 4, "x")};
  std::set<std::string> unread{"l0"};
  for (int i = 1; i < count; ++i) {
    const auto pick = [&] { return definitions[*rc::gen::inRange<std::size_t>(0, definitions.size())].name; };
    const auto name = fmt::format("l{}", i), first = pick();
    const auto form = *rc::gen::inRange(0, 3);
    const auto second = form == 2 ? pick() : first;
    definitions.push_back(form == 0 ? linear(name, 4, first) : form == 1 ? relu(name, first) : add(name, first, second));
    unread.erase(first);
    unread.erase(second);
    unread.insert(name);
  }
  auto last = *unread.begin();
  unread.erase(last);
  for (const auto& name : unread) {
    definitions.push_back(add(fmt::format("join.{}", name), last, name));
    last = definitions.back().name;
  }
  definitions.insert(definitions.end(), {targets(4), squared_loss(last)});
  return definitions;
}

std::vector<LayerDefinition> shuffled(std::vector<LayerDefinition> definitions) {
  std::mt19937 order(*rc::gen::arbitrary<std::uint32_t>());
  std::shuffle(definitions.begin(), definitions.end(), order);
  return definitions;
}

bool reads_across(const Layer& layer, std::size_t cut) {
  return std::ranges::any_of(layer.readers, [cut](LayerId reader) { return index_of(reader) >= cut; });
}

void check(const std::string& what, const std::function<void()>& property) { CHECK(rc::check(what, property)); }

}  // namespace

TEST_CASE("whatever the graph and the order it is written in, every input has a smaller id than its reader") {
  check("inputs before readers", [] {
    const Model model("m", shuffled(random_definitions()));

    for (std::uint32_t i = 0; i < model.layer_count(); ++i) {
      for (const auto input : model.layers()[i].inputs) RC_ASSERT(index_of(input) < i);
    }
  });
}

TEST_CASE("whatever the graph, definitions in order keep their order and sources stand before their first reader") {
  check("stable order", [] {
    const auto definitions = random_definitions();
    const Model model("m", definitions);

    std::vector<std::string> written, kept;
    for (const auto& definition : definitions) written.push_back(definition.name);
    for (const auto& layer : model.layers()) kept.push_back(layer.name);
    RC_ASSERT(kept == written);  // x is followed by l0, targets by loss
    for (std::uint32_t i = 0; i < model.layer_count(); ++i) {
      const auto& layer = model.layers()[i];
      if (layer.kind->inputs == 0) RC_ASSERT(index_of(layer.readers.front()) == i + 1);
    }
  });
}

TEST_CASE("whatever the graph, inputs and readers mirror each other") {
  check("inputs mirror readers", [] {
    const Model model("m", shuffled(random_definitions()));

    for (std::uint32_t i = 0; i < model.layer_count(); ++i) {
      const auto& layer = model.layers()[i];
      RC_ASSERT(std::ranges::is_sorted(layer.readers));
      RC_ASSERT(std::ranges::adjacent_find(layer.readers) == layer.readers.end());
      for (const auto reader : layer.readers) {
        RC_ASSERT(std::ranges::count(model.layer(reader).inputs, static_cast<LayerId>(i)) >= 1);
      }
      for (const auto input : layer.inputs) {
        RC_ASSERT(std::ranges::count(model.layer(input).readers, static_cast<LayerId>(i)) == 1);
      }
    }
  });
}

TEST_CASE("whatever the graph, a cut is crossed by exactly the layers before it that are read behind it") {
  check("crossing and readers", [] {
    const Model model("m", shuffled(random_definitions()));

    for (std::size_t cut = 1; cut < model.layer_count(); ++cut) {
      std::vector<LayerId> expected;
      bool source_crosses = false;
      for (std::uint32_t i = 0; i < cut; ++i) {
        if (!reads_across(model.layers()[i], cut)) continue;
        expected.push_back(static_cast<LayerId>(i));
        source_crosses = source_crosses || model.layers()[i].kind->inputs == 0;
      }
      RC_ASSERT(model.crossing(cut) == expected);
      RC_ASSERT(!expected.empty());
      RC_ASSERT(model.may_cut(cut) == !source_crosses);
    }
  });
}

TEST_CASE("whatever the graph, a layer needs a gradient when a parameter stands before it") {
  check("gradients and parameters", [] {
    const Model model("m", shuffled(random_definitions()));

    std::vector<bool> behind_parameter(model.layer_count(), false);
    for (std::uint32_t i = 0; i < model.layer_count(); ++i) {
      for (const auto input : model.layers()[i].inputs) {
        if (behind_parameter[index_of(input)] || !model.layer(input).parameters.empty()) behind_parameter[i] = true;
      }
      RC_ASSERT(model.needs_gradient(static_cast<LayerId>(i)) == behind_parameter[i]);
    }
  });
}

TEST_CASE("whatever the graph, FLOPs are proportional to the batch") {
  check("flops per sample", [] {
    const Model model("m", random_definitions());
    const auto batch = *rc::gen::inRange<std::int64_t>(1, 64);

    for (const auto pass : {Pass::forward, Pass::input_gradient, Pass::weight_gradient}) {
      RC_ASSERT(model.flops(pass, batch) == model.flops(pass, 1) * batch);
    }
  });
}

TEST_CASE("whatever the graph, the same definitions in another order have the same layers and parameters") {
  check("order of definitions", [] {
    const auto definitions = random_definitions();
    const Model one("m", definitions), other("m", shuffled(definitions));

    auto first = names_of(one), second = names_of(other);
    std::ranges::sort(first);
    std::ranges::sort(second);
    RC_ASSERT(first == second);
    RC_ASSERT(one.parameter_count() == other.parameter_count());
    RC_ASSERT(one.flops(Pass::forward, 3) == other.flops(Pass::forward, 3));
  });
}
