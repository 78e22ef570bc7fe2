#include <cmath>

#include <fmt/format.h>

#include "tests/catch.hpp"
#include "tests/models/definitions.hpp"

using namespace tandem;

namespace {

std::string refusal(const std::vector<LayerDefinition>& definitions) {
  return message_of([&] { Model("m", definitions); });
}

}  // namespace

TEST_CASE("a cycle is printed from layer to reader") {
  const auto message = refusal({values("x", 4), targets(4), add("a", "x", "c"), relu("b", "a"), relu("c", "b"),
                                squared_loss("c")});

  CHECK(message == R"(error: layer "a": the layers form a cycle: a -> b -> c -> a)");
}

TEST_CASE("a layer that reads itself is a cycle of one") {
  const auto message = refusal({values("x", 4), targets(4), add("a", "x", "a"), squared_loss("a")});

  CHECK(message == R"(error: layer "a": the layers form a cycle: a -> a)");
}

TEST_CASE("a long cycle is printed in short") {
  std::vector<LayerDefinition> definitions{values("x", 4), targets(4), add("l0", "x", "l999")};
  for (int i = 1; i < 1000; ++i) definitions.push_back(relu(fmt::format("l{}", i), fmt::format("l{}", i - 1)));
  definitions.push_back(squared_loss("l999"));

  const auto message = refusal(definitions);

  CHECK_THAT(message, Catch::Contains("l0 -> l1 -> l2 -> ") && Catch::EndsWith(" -> ... -> l0"));
  CHECK(message.size() < 200);
}

TEST_CASE("what is wrong with a definition is said with its layer") {
  const std::vector<LayerDefinition> rest{targets(4), squared_loss("a")};
  const auto with = [&](LayerDefinition layer) { return refusal({values("x", 4), std::move(layer), rest[0], rest[1]}); };

  CHECK_THAT(with({.name = "a", .kind = "linnear"}), Catch::Contains(R"(layer "a": unknown layer kind; did you mean "linear"?)"));
  CHECK(with({.name = "a", .kind = "linear"}) == R"(error: layer "a": missing attribute "features": columns of the output)");
  CHECK_THAT(with({.name = "a", .kind = "linear", .attributes = {{"featres", 4}}}),
             Catch::Contains(R"(layer "a": linear has no such attribute; did you mean "features"?; got "featres")"));
  CHECK_THAT(with(linear("a", 0)), Catch::Contains(R"(layer "a": features is out of range; got "0", want a whole number)"));
  CHECK_THAT(with(linear("a", 4.5)), Catch::Contains(R"(layer "a": features is out of range; got "4.5")"));
  CHECK_THAT(with(linear("a", std::nan(""))), Catch::Contains(R"(layer "a": features is out of range; got "nan")"));
  CHECK_THAT(with(linear("a", 4, "y")), Catch::Contains(R"(layer "a": unknown input; got "y")"));
  CHECK_THAT(with(linear("a", 5)), Catch::Contains(R"(layer "loss": inputs differ in shape; got "5 and 4")"));
  CHECK_THAT(with(linear("", 4)), Catch::Contains("not a layer name"));
  CHECK_THAT(with(linear("../a", 4)), Catch::Contains("not a layer name"));
  CHECK_THAT(with(linear("x", 4)), Catch::Contains(R"(layer "x": name is used twice)"));
}

TEST_CASE("a layer with too few or too many inputs is refused") {
  CHECK(refusal({linear("a", 4), targets(4), squared_loss("a")}) ==
        R"(error: layer "a": linear has the wrong number of inputs; got "0", want 1)");
  CHECK_THAT(refusal({values("x", 4), {.name = "a", .kind = "relu", .inputs = {"x", "x"}}, targets(4), squared_loss("a")}),
             Catch::Contains(R"(relu has the wrong number of inputs; got "2", want 1)"));
}

TEST_CASE("a model has one loss, and every other output is read") {
  CHECK(refusal({}) == "error: the model has no layers");
  CHECK_THAT(refusal({values("x", 4), linear("a", 4)}), Catch::Contains("the model has no loss"));
  auto second = squared_loss("a");
  second.name = "loss2";
  CHECK(refusal({values("x", 4), linear("a", 4), targets(4), squared_loss("a"), second}) ==
        R"(error: layer "loss2": a second loss beside "loss")");
  CHECK(refusal({values("x", 4), linear("a", 4), relu("idle"), targets(4), squared_loss("a")}) ==
        R"(error: layer "idle": no layer reads its output)");
  CHECK(refusal({values("x", 4), linear("a", 4), targets(4), squared_loss("a"), relu("r", "loss")}) ==
        R"(error: layer "r": reads the loss, which no layer may)");
}

TEST_CASE("an error carries the position of a definition that has one") {
  auto layer = linear("a", 4, "y");
  layer.position = {"m.yaml", 7, 3};

  const auto message = refusal({values("x", 4), layer, targets(4), squared_loss("a")});

  CHECK_THAT(message, Catch::StartsWith(R"(m.yaml:7:3: error: layer "a": unknown input; got "y")"));
}

TEST_CASE("a model of more than 100,000 layers is refused") {
  std::vector<LayerDefinition> definitions{values("x", 4)};
  for (int i = 0; i < 100'000; ++i) definitions.push_back(relu(fmt::format("r{}", i)));

  CHECK(refusal(definitions) == R"(error: the model has too many layers; got "100001", want at most 100000)");
}

TEST_CASE("a model of more bytes than 64 bits can count is refused, not wrapped") {
  constexpr double kWidest = 1 << 24;
  std::vector<LayerDefinition> definitions{values("x", kWidest), targets(kWidest)};
  definitions.push_back(linear("l0", kWidest, "x"));
  for (int i = 1; i < 8192; ++i) definitions.push_back(linear(fmt::format("l{}", i), kWidest));
  definitions.push_back(squared_loss("l8191"));

  CHECK_THROWS_AS(Model("m", definitions), InputError);  // 2^13 layers of 2^48 weights of 2^2 bytes: 2^63
}
