#include "tests/catch.hpp"
#include "tests/models/definitions.hpp"

using namespace tandem;

namespace {

std::string refusal(const std::vector<LayerDefinition>& definitions) {
  return message_of([&] { Model("m", definitions); });
}

}  // namespace

TEST_CASE("a tied parameter names its owner and counts once") {
  auto second = linear("b", 4);
  second.tie = "a.weight";

  const Model model("m", {values("x", 4), linear("a", 4), second, targets(4), squared_loss("b")});

  const auto& tied = model.parameter(model.layer(find_layer(model, "b")).parameters[0]);
  REQUIRE(tied.tied_to);
  CHECK(model.parameter(*tied.tied_to).name == "a.weight");
  CHECK(model.parameter_count() == 16 + 4 + 4);
}

TEST_CASE("ties that cannot be kept are refused") {
  const auto tied = [](LayerDefinition layer, const std::string& owner) { return layer.tie = owner, layer; };
  const auto with = [&](const LayerDefinition& b, const LayerDefinition& c) {
    return refusal({values("x", 4), linear("a", 4), b, c, targets(4), squared_loss("c")});
  };

  CHECK(with(tied(linear("b", 4), "a.wieght"), linear("c", 4)) ==
        R"(error: layer "b": tied to an unknown parameter; did you mean "a.weight"?; got "a.wieght", want the name of a parameter, such as "wte.weight")");
  CHECK(with(tied(linear("b", 8), "a.weight"), linear("c", 4)) ==
        R"(error: layer "b": tied to a.weight, which differs in shape; got "8x4", want 4x4)");
  CHECK(with(tied(linear("b", 4), "b.weight"), linear("c", 4)) == R"(error: layer "b": tied to its own weight)");
  CHECK(with(tied(linear("b", 4), "a.weight"), tied(linear("c", 4), "b.weight")) ==
        R"(error: layer "c": tied to a parameter that is tied itself; got "b.weight")");
  CHECK(with(tied(linear("b", 4), "c.weight"), tied(linear("c", 4), "a.weight")) ==
        R"(error: layer "b": tied to a parameter that is tied itself; got "c.weight")");
  CHECK(with(tied(linear("b", 4), "a.weight"), tied(linear("c", 4), "a.weight")) ==
        R"(error: layer "c": a second layer tied to the same parameter; got "a.weight", want at most one)");
  CHECK(with(tied(relu("b"), "a.weight"), linear("c", 4)) == R"(error: layer "b": tied, but it has no weight)");
}
