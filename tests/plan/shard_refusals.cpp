// Meshes that a model does not divide among: each refusal names the layer and the number.

#include "tests/catch.hpp"
#include "tests/plan/meshes.hpp"

using namespace tandem;

namespace {

std::string about(const Plan& plan, const Model& model, std::uint32_t rank = 0) {
  return complaint([&] { part_of(plan, model, rank); });
}

LayerDefinition convolution(double kernel, double padding) {
  return {"window", "conv2d", {{"channels", 2}, {"kernel", kernel}, {"padding", padding}}};
}

Model grouped_attention_model(double heads, double key_value_heads) {
  const double size = 4;
  const auto projection = [&](const std::string& name, double count) {
    LayerDefinition definition = linear(name, count * size, "x");
    return definition;
  };
  return Model("grouped", {{"tokens", "tokens", {{"sequence", 8}, {"vocabulary", 16}}},
                           {"x", "token_embedding", {{"vocabulary", 16}, {"hidden", 16}}, {"tokens"}},
                           projection("q", heads), projection("k", key_value_heads), projection("v", key_value_heads),
                           {"core", "grouped_attention",
                            {{"heads", heads}, {"key_value_heads", key_value_heads}}, {"q", "k", "v"}},
                           linear("logits", 16, "core"),
                           {"targets", "target_tokens", {{"sequence", 8}}},
                           layer("loss", "softmax_cross_entropy", {"logits", "targets"})});
}

}  // namespace

TEST_CASE("a vocabulary that does not divide is named with its size") {
  CHECK(about(plan_on(1, 1, 1, 3), load_model("gpt-nano")) ==
        R"(error: wte: vocabulary does not divide among 3 tensor ranks; got "256", want a multiple of 3)");
}

TEST_CASE("heads that do not divide are named with their number") {
  CHECK(about(plan_on(1, 1, 1, 8), load_model("gpt-nano")) ==
        R"(error: h.0.attn.core: heads does not divide among 8 tensor ranks; got "4", want a multiple of 8)");
}

TEST_CASE("heads of keys and values that do not divide are named with their number") {
  CHECK(about(plan_on(1, 1, 1, 2), grouped_attention_model(4, 1)) ==
        R"(error: core: key_value_heads does not divide among 2 tensor ranks; got "1", want a multiple of 2)");
  CHECK(about(plan_on(1, 1, 1, 2), grouped_attention_model(4, 2)) == "");
}

TEST_CASE("features that do not divide are named with their number, whichever way they are divided") {
  const Model wide("wide", {source("x", "values", 10), linear("a", 6, "x"), linear("b", 2, "a"),
                            source("targets", "target_values", 2),
                            layer("loss", "mean_squared_error", {"b", "targets"})});
  Plan rows = plan_on(1, 1, 1, 4);
  rows.tensor_split = TensorSplit::naive;

  CHECK(about(plan_on(1, 1, 1, 4), wide) ==
        R"(error: a: features does not divide among 4 tensor ranks; got "6", want a multiple of 4)");
  CHECK(about(rows, wide) ==
        R"(error: a: dimension 1 of a.weight does not divide among 4 tensor ranks; got "10", want a multiple of 4)");
}

TEST_CASE("positions that do not divide are named with their number") {
  Plan plan = plan_on(1, 1, 1, 3);
  plan.sequence_parallel = true;
  plan.layouts = {{"wte", "replicated"}};

  CHECK(about(plan, load_model("gpt-nano")) ==
        "error: wpe: dimension 0 of its output does not divide among 3 tensor ranks; got \"64\", "
        "want a multiple of 3");
}

TEST_CASE("more ranks than an image has rows or columns are refused") {
  CHECK(about(plan_on(1, 32, 1, 1), load_model("resnet-nano")) ==
        R"(error: images: height is less than the 32 height ranks; got "16", want at least 32)");
  CHECK(about(plan_on(1, 1, 32, 1), load_model("resnet-nano")) ==
        R"(error: images: width is less than the 32 width ranks; got "16", want at least 32)");
}

TEST_CASE("more ranks than a layer deeper in the network has rows are refused at that layer") {
  CHECK(about(plan_on(1, 8, 1, 1), load_model("vgg-nano")) ==
        R"(error: pool2: its height is less than the 8 height ranks; got "4", want at least 8)");
}

TEST_CASE("a halo that reaches beyond the neighbour's part is refused with both sizes") {
  CHECK(about(plan_on(1, 8, 1, 1), image_model(16, 16, convolution(7, 3))) ==
        "error: window: the halo of height rank 0 is larger than the part of its neighbour; got \"3 rows of 2\", "
        "want fewer height ranks, or a smaller window");
  CHECK(about(plan_on(1, 1, 8, 1), image_model(16, 16, convolution(7, 3))).find("the halo of width rank 0 is larger") !=
        std::string::npos);
  CHECK(about(plan_on(1, 5, 1, 1), image_model(16, 16, convolution(7, 3))) == "");  // 4, 3, 3, 3, 3 rows: 3 suffice
}

TEST_CASE("a tied parameter that would lie differently in its two layers is refused by name") {
  const std::string want =
      "error: a tied parameter would lie differently in its two layers; got \"lm_head.weight\", "
      "want the same rule for both, or none";
  Plan plan = plan_on(1, 1, 1, 2);
  plan.layouts = {{"lm_head", "replicated"}};  // wte is divided by its vocabulary
  CHECK(about(plan, load_model("gpt-nano")) == want);

  plan.layouts = {{"wte", "replicated"}, {"lm_head", "columns"}};
  CHECK(about(plan, load_model("gpt-nano")) == want);
  plan.layouts = {{"wte", "replicated"}};  // the other follows
  CHECK(about(plan, load_model("gpt-nano")) == "");
}

TEST_CASE("a tied parameter whose gradient is a summand in only one of its layers is refused") {
  Plan plan = plan_on(1, 1, 1, 2);
  plan.layouts = {{"wte", "positions"}};  // each rank its own tokens; the output projection is repeated on all

  CHECK(about(plan, load_model("gpt-nano")) ==
        "error: the gradient of a tied parameter would be summed over other ranks in its two layers; "
        "got \"lm_head.weight\", want the same rule for both, or none");
}

TEST_CASE("samples that do not divide among the ranks over space are refused with both numbers") {
  Plan plan = plan_on(1, 2, 4, 1);
  plan.after_space = AfterSpace::samples;

  CHECK(about(plan, load_model("vgg-nano")) ==
        "error: the samples of a micro-batch do not divide among 2 x 4 ranks over height and width; got \"4\", "
        "want a multiple of 8");
}

TEST_CASE("samples alone are no images to divide") {
  Plan plan = plan_on(1, 2, 1, 1);
  plan.after_space = AfterSpace::samples;

  CHECK(about(plan, load_model("mlp")) ==
        "error: mlp has no images to divide over their height; got \"2 height ranks\", want 1");
}
