#include <fmt/format.h>

#include "tests/catch.hpp"
#include "tests/models/definitions.hpp"

using namespace tandem;

using Names = std::vector<std::string>;

namespace {

/// x -> a -> r -> b, added to a: the smallest residual block.
Model residual_model() {
  return Model("residual", {values("x", 4), linear("a", 4, "x"), relu("r"), linear("b", 4), add("sum", "a", "b"),
                            targets(4), squared_loss("sum")});
}

Names names_of(const Model& model, const std::vector<LayerId>& ids) {
  Names names;
  for (const auto id : ids) names.push_back(model.layer(id).name);
  return names;
}

}  // namespace

TEST_CASE("layers written in order keep their order, and sources move before their first reader") {
  const Model model("m", {targets(4), values("x", 4), linear("a", 4), linear("b", 4), squared_loss("b")});

  CHECK(names_of(model) == Names{"x", "a", "b", "targets", "loss"});
}

TEST_CASE("layers written in any order are sorted by what they read") {
  const Model model("m", {squared_loss("c"), linear("c", 4, "b"), targets(4), linear("b", 4, "a"), linear("a", 4, "x"),
                          values("x", 4)});

  CHECK(names_of(model) == Names{"x", "a", "b", "c", "targets", "loss"});
}

TEST_CASE("a layer without inputs reads the one before it") {
  const Model model("m", {values("x", 4), linear("a", 8), targets(8), squared_loss("a")});

  CHECK(model.layer(find_layer(model, "a")).inputs == std::vector{find_layer(model, "x")});
}

TEST_CASE("every layer knows its readers, each once") {
  const Model model("m", {values("x", 4), linear("a", 4), add("twice", "a", "a"), add("sum", "twice", "a"), targets(4),
                          squared_loss("sum")});

  const auto& a = model.layer(find_layer(model, "a"));

  CHECK(a.readers == std::vector{find_layer(model, "twice"), find_layer(model, "sum")});
}

TEST_CASE("a cut in the middle of a residual block carries both branches") {
  const auto model = residual_model();  // x a r b sum targets loss

  CHECK(names_of(model, model.crossing(2)) == Names{"a"});
  CHECK(names_of(model, model.crossing(3)) == Names{"a", "r"});
  CHECK(names_of(model, model.crossing(4)) == Names{"a", "b"});
  CHECK(names_of(model, model.crossing(5)) == Names{"sum"});
}

TEST_CASE("no cut parts a source from its reader") {
  const auto model = residual_model();  // x a r b sum targets loss

  std::vector<bool> allowed;
  for (std::size_t cut = 1; cut < model.layer_count(); ++cut) allowed.push_back(model.may_cut(cut));

  CHECK(allowed == std::vector{false, true, true, true, true, false});  // between x and a; between targets and loss
}

TEST_CASE("a source read twice forbids every cut up to its last reader") {
  const Model model("m", {values("x", 4), linear("a", 4), add("sum", "a", "x"), relu("r"), targets(4), squared_loss("r")});

  CHECK_FALSE(model.may_cut(1));
  CHECK_FALSE(model.may_cut(2));
  CHECK(model.may_cut(3));
}

TEST_CASE("the first linear layer runs W and no I") {
  const auto model = residual_model();
  const auto first = find_layer(model, "a"), second = find_layer(model, "b"), x = find_layer(model, "x");

  CHECK_FALSE(model.needs_gradient(first));
  CHECK(model.needs_gradient(second));
  CHECK_FALSE(model.needs_gradient(x));
  CHECK(model.work(first, Pass::input_gradient, 2).flops() == Flops{0});
  CHECK(model.work(first, Pass::weight_gradient, 2).flops() == Flops{2 * 4 * 4 * 2 + 8});
  CHECK(model.work(second, Pass::input_gradient, 2).flops() == Flops{2 * 4 * 4 * 2});
}

TEST_CASE("what reads only sources needs no gradient however deep") {
  const Model model("m", {values("x", 4), relu("r1"), relu("r2"), linear("a", 4), targets(4), squared_loss("a")});

  CHECK_FALSE(model.needs_gradient(find_layer(model, "r2")));
  CHECK_FALSE(model.needs_gradient(find_layer(model, "a")));
  CHECK(model.needs_gradient(find_layer(model, "loss")));
}

TEST_CASE("parameters are named after their layer") {
  const auto model = residual_model();

  Names names;
  for (const auto& parameter : model.parameters()) names.push_back(parameter.name);

  CHECK(names == Names{"a.weight", "a.bias", "b.weight", "b.bias"});
  CHECK(model.parameter_count() == 2 * (16 + 4));
}

TEST_CASE("a deep chain written backwards is sorted without recursion") {
  constexpr int kDepth = 50'000;
  std::vector<LayerDefinition> definitions{values("x", 4), targets(4), squared_loss(fmt::format("r{}", kDepth))};
  for (int i = kDepth; i > 0; --i) definitions.push_back(relu(fmt::format("r{}", i), fmt::format("r{}", i - 1)));
  definitions.push_back(linear("r0", 4, "x"));

  const Model model("deep", definitions);

  CHECK(model.layer_count() == kDepth + 4);
  CHECK(model.layers()[1].name == "r0");
}
