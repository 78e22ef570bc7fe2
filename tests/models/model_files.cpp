#include "models/model_file.hpp"

#include "tests/catch.hpp"
#include "tests/models/definitions.hpp"

using namespace tandem;

using Names = std::vector<std::string>;

namespace {

Model read(const std::string& text) { return read_model_file(parse_yaml(text, "m.yaml")); }

std::string refusal(const std::string& text) {
  return message_of([&] { read(text); });
}

/// A model of x, what `middle` says, and a loss on the layer called y.
std::string around(const std::string& middle) {
  return "model: m\nlayers:\n  - {name: x, kind: values, features: 4}\n" + middle +
         "  - {name: targets, kind: target_values, features: 4}\n"
         "  - {name: loss, kind: mean_squared_error, inputs: [y, targets]}\n";
}

}  // namespace

TEST_CASE("a model file lists layers that read the one before them") {
  const auto model = read(around("  - {kind: linear, features: 8}\n  - {kind: relu}\n"
                                 "  - {name: y, kind: linear, features: 4, bias: 0}\n"));

  CHECK(model.name() == "m");
  CHECK(names_of(model) == Names{"x", "linear_1", "relu_1", "y", "targets", "loss"});
  CHECK(model.parameter_count() == 4 * 8 + 8 + 8 * 4);
}

TEST_CASE("a layer without a name is called after its kind and counted") {
  const auto model = read(around("  - {kind: relu}\n  - {kind: gelu}\n  - {kind: relu}\n  - {name: y, kind: relu}\n"));

  CHECK(names_of(model) == Names{"x", "relu_1", "gelu_1", "relu_2", "y", "targets", "loss"});
}

TEST_CASE("a repeated block names its layers after the block and its turn") {
  const auto model = read(around("  - repeat: 2\n    name: h\n    layers:\n"
                                 "      - {name: up, kind: linear, features: 8}\n"
                                 "      - {name: down, kind: linear, features: 4}\n"
                                 "      - {name: add, kind: residual_add, inputs: [block_input, previous]}\n"
                                 "  - {name: y, kind: relu}\n"));
  const auto input_names = [&](const std::string& name) {
    Names names;
    for (const auto input : model.layer(find_layer(model, name)).inputs) names.push_back(model.layer(input).name);
    return names;
  };

  CHECK(names_of(model) == Names{"x", "h.0.up", "h.0.down", "h.0.add", "h.1.up", "h.1.down", "h.1.add", "y", "targets",
                                 "loss"});
  CHECK(input_names("h.0.add") == Names{"x", "h.0.down"});
  CHECK(input_names("h.1.add") == Names{"h.0.add", "h.1.down"});
}

TEST_CASE("a name means the layer of the innermost block that has one") {
  const auto model = read(around("  - {name: a, kind: linear, features: 4}\n"
                                 "  - {name: b, kind: relu}\n"
                                 "  - repeat: 1\n    name: outer\n    layers:\n"
                                 "      - {name: a, kind: linear, features: 4}\n"
                                 "      - repeat: 1\n        name: inner\n        layers:\n"
                                 "          - {name: sum, kind: residual_add, inputs: [a, b]}\n"
                                 "          - {name: sum2, kind: residual_add, inputs: [sum, outer.0.a]}\n"
                                 "  - {name: y, kind: relu}\n"));
  const auto& sum = model.layer(find_layer(model, "outer.0.inner.0.sum"));

  CHECK(model.layer(sum.inputs[0]).name == "outer.0.a");
  CHECK(model.layer(sum.inputs[1]).name == "b");
}

TEST_CASE("a layer may be tied to a parameter of its own block") {
  const auto model = read(around("  - repeat: 2\n    name: h\n    layers:\n"
                                 "      - {name: up, kind: linear, features: 4}\n"
                                 "      - {name: down, kind: linear, features: 4, tie: up.weight}\n"
                                 "  - {name: y, kind: relu}\n"));
  const auto& tied = model.parameter(model.layer(find_layer(model, "h.1.down")).parameters[0]);

  REQUIRE(tied.tied_to);
  CHECK(model.parameter(*tied.tied_to).name == "h.1.up.weight");
}

TEST_CASE("layers may be written in any order") {
  const auto model = read("model: m\nlayers:\n"
                          "  - {name: loss, kind: mean_squared_error, inputs: [y, t]}\n"
                          "  - {name: y, kind: relu, inputs: [a]}\n"
                          "  - {name: a, kind: linear, features: 2, inputs: [x]}\n"
                          "  - {name: x, kind: values, features: 2}\n"
                          "  - {name: t, kind: target_values, features: 2}\n");

  CHECK(names_of(model) == Names{"x", "a", "y", "t", "loss"});
}

TEST_CASE("what is wrong in a model file is located") {
  const auto with = [](const std::string& layer) { return refusal(around("  - " + layer + "\n")); };  // line 4

  CHECK_THAT(with("{name: y, kind: rleu}"),
             Catch::StartsWith(R"(m.yaml:4:21: error: unknown layer kind; did you mean "relu"?; got "rleu", want one of)"));
  CHECK(with("{name: y, kind: linear, feature: 4}") ==
        R"(m.yaml:4:29: error: linear has no key of this name; did you mean "features"?; got "feature")");
  CHECK_THAT(with("{name: y, kind: linear, features: 0}"), Catch::StartsWith("m.yaml:4:39: error:"));
  CHECK_THAT(with("{name: y, kind: linear, features: 1e3}"), Catch::StartsWith("m.yaml:4:40: error:"));
  CHECK_THAT(with("{name: y, kind: linear, features: 4, deviation: -1}"), Catch::StartsWith("m.yaml:4:53: error:"));
  CHECK_THAT(with("{name: y, kind: linear}"),
             Catch::StartsWith(R"(m.yaml:4:5: error: layer "y": missing attribute "features")"));
  CHECK_THAT(with("{name: y, kind: relu, inputs: [z]}"), Catch::StartsWith(R"(m.yaml:4:36: error: unknown input; got "z")"));
  CHECK_THAT(with("{name: y, kind: relu, inputs: x}"), Catch::StartsWith("m.yaml:4:35: error:"));
  CHECK_THAT(with("{name: y, kind: relu, inputs: [block_input]}"),
             Catch::StartsWith(R"(m.yaml:4:36: error: there is no layer before; got "block_input")"));
  CHECK_THAT(with("{name: y, kind: linear, features: 4, tie: nothing}"),
             Catch::StartsWith("m.yaml:4:47: error: not the name of a parameter"));
  CHECK_THAT(with("{name: y}"), Catch::StartsWith(R"(m.yaml:4:5: error: missing key "kind")"));
  CHECK_THAT(with("{name: x, kind: relu}\n  - {name: y, kind: relu}"), Catch::Equals(R"(m.yaml:4:5: error: layer "x": name is used twice, first in line 3)"));
  CHECK_THAT(with("{name: y, kind: linear, features: 5}"),
             Catch::StartsWith(R"(m.yaml:6:5: error: layer "loss": inputs differ in shape; got "5 and 4")"));
}

TEST_CASE("what is wrong with a block is located") {
  const auto with = [](const std::string& block) { return refusal(around(block)); };
  const std::string layers = "    layers:\n      - {name: y, kind: relu}\n";

  CHECK_THAT(with("  - repeat: 0\n    name: h\n" + layers), Catch::StartsWith("m.yaml:4:13: error:"));
  CHECK_THAT(with("  - repeat: 2\n" + layers), Catch::StartsWith(R"(m.yaml:4:5: error: missing key "name")"));
  CHECK_THAT(with("  - repeat: 2\n    name: h\n    layers: []\n"), Catch::StartsWith("m.yaml:6:13: error: no layers"));
  CHECK_THAT(with("  - repeat: 2\n    nmae: h\n" + layers),
             Catch::StartsWith(R"(m.yaml:5:5: error: unknown key; did you mean "name"?)"));
}

TEST_CASE("nested blocks beyond 100,000 layers are refused before they fill the memory") {
  const auto message = refusal(around("  - repeat: 100000\n    name: a\n    layers:\n"
                                      "      - repeat: 100000\n        name: b\n        layers:\n"
                                      "          - {name: y, kind: relu}\n"));

  CHECK(message == "m.yaml:10:13: error: too many layers; want at most 100000");
}

TEST_CASE("a cycle in a model file is printed and located") {
  const auto message = refusal(around("  - {name: a, kind: residual_add, inputs: [x, y]}\n  - {name: y, kind: relu}\n"));

  CHECK(message == R"(m.yaml:4:5: error: layer "a": the layers form a cycle: a -> y -> a)");
}

TEST_CASE("a model file holds a model and its layers and nothing else") {
  CHECK_THAT(refusal("model: m\n"), Catch::StartsWith(R"(m.yaml:1:1: error: missing key "layers")"));
  CHECK_THAT(refusal("layers: []\n"), Catch::StartsWith(R"(m.yaml:1:1: error: missing key "model")"));
  CHECK_THAT(refusal("model: m\nlayres: []\n"), Catch::StartsWith(R"(m.yaml:2:1: error: unknown key; did you mean "layers"?)"));
  CHECK_THAT(refusal("- a\n"), Catch::StartsWith("m.yaml:1:1: error:"));
  CHECK_THAT(refusal("model: ''\nlayers:\n  - {kind: relu}\n"), Catch::Contains("error:"));
}

TEST_CASE("a model file that does not exist is named") {
  CHECK_THAT(message_of([] { load_model("/no/such/model.yaml"); }), Catch::StartsWith("/no/such/model.yaml: error: cannot read"));
  CHECK_THAT(message_of([] { load_model("/no/such/config.json"); }), Catch::StartsWith("/no/such/config.json: error: cannot read"));
}
