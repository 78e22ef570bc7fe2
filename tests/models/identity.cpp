#include <algorithm>

#include "tests/catch.hpp"
#include "tests/models/definitions.hpp"

using namespace tandem;

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
