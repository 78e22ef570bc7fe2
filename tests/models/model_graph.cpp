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

std::string refusal(const std::vector<LayerDefinition>& definitions) {
  return message_of([&] { Model("m", definitions); });
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

TEST_CASE("a deep chain written backwards is sorted without recursion") {
  constexpr int kDepth = 50'000;
  std::vector<LayerDefinition> definitions{values("x", 4), targets(4), squared_loss(fmt::format("r{}", kDepth))};
  for (int i = kDepth; i > 0; --i) definitions.push_back(relu(fmt::format("r{}", i), fmt::format("r{}", i - 1)));
  definitions.push_back(linear("r0", 4, "x"));

  const Model model("deep", definitions);

  CHECK(model.layer_count() == kDepth + 4);
  CHECK(model.layers()[1].name == "r0");
}

TEST_CASE("equal graphs have equal fingerprints, whatever their names and the order they were written in") {
  const Model one("one", {values("x", 4), linear("a", 4), targets(4), squared_loss("a")});
  const Model two("two", {targets(4), values("in", 4), linear("first", 4), squared_loss("first")});

  CHECK(one.fingerprint() == two.fingerprint());
}

TEST_CASE("graphs that differ in an attribute, a kind, an edge or a tie have different fingerprints") {
  const auto fingerprint = [](const std::vector<LayerDefinition>& middle) {
    std::vector<LayerDefinition> definitions{values("x", 4)};
    definitions.insert(definitions.end(), middle.begin(), middle.end());
    definitions.insert(definitions.end(), {targets(4), squared_loss("end")});
    return Model("m", definitions).fingerprint();
  };
  auto tied = linear("b", 4);
  tied.tie = "a.weight";

  const std::vector all{fingerprint({linear("a", 4), linear("b", 4), relu("end")}),
                        fingerprint({linear("a", 8), linear("b", 4), relu("end")}),
                        fingerprint({linear("a", 4), linear("b", 4), {.name = "end", .kind = "gelu"}}),
                        fingerprint({linear("a", 4), linear("b", 4), add("end", "a", "b")}),
                        fingerprint({linear("a", 4), linear("b", 4), add("end", "b", "a")}),
                        fingerprint({linear("a", 4), tied, relu("end")})};

  for (std::size_t i = 0; i < all.size(); ++i) CHECK(std::ranges::count(all, all[i]) == 1);
}

TEST_CASE("a kernel's signature holds its kind, pass, shapes and what else changes its work") {
  const auto nano = load_model("gpt-nano");
  const auto signature = [&](const std::string& name, Pass pass) {
    return kernel_signature(nano, find_layer(nano, name), pass, 4);
  };

  CHECK(signature("h.0.mlp.fc", Pass::forward) == "linear F 4x64x128 -> 4x64x512");
  CHECK(signature("h.7.mlp.fc", Pass::weight_gradient) == "linear W 4x64x128 -> 4x64x512");
  CHECK(signature("h.0.attn.core", Pass::input_gradient) == "attention I 4x64x384 -> 4x64x128 heads=4");
  CHECK(signature("h.0.add_1", Pass::forward) == "residual_add F 4x64x128, 4x64x128 -> 4x64x128");
  CHECK(signature("lm_head", Pass::forward) == "linear F 4x64x128 -> 4x64x256 bias=0");
  CHECK(signature("tokens", Pass::forward) == "tokens F -> 4x64");
  CHECK(signature("loss", Pass::forward) == "softmax_cross_entropy F 4x64x256, 4x64 -> 1");
}
