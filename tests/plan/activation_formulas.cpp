// What a transformer block keeps between forward and backward in 16-bit values, against the formulas of 2205.05198,
// counted from the layout of its buffer.

#include "plan/recompute.hpp"
#include "tests/catch.hpp"
#include "tests/plan/meshes.hpp"

using namespace tandem;

namespace {

constexpr std::int64_t kSequence = 2'048, kHidden = 12'288, kHeads = 96;  ///< GPT-3 (2005.14165), one sample

/// Blocks as 2205.05198 draws them: dropout after both sub-layers, with masks of a byte a value.
Model gpt_with_dropout(int blocks) {
  const double hidden = kHidden;
  std::vector<LayerDefinition> layers{
      {.name = "tokens", .kind = "tokens", .attributes = {{"sequence", kSequence}, {"vocabulary", 256}}},
      {.name = "targets", .kind = "target_tokens", .attributes = {{"sequence", kSequence}}},
      {.name = "wte", .kind = "token_embedding", .attributes = {{"vocabulary", 256}, {"hidden", hidden}}, .inputs = {"tokens"}},
      {.name = "wpe", .kind = "position_embedding"}};
  const auto add_layer = [&](const std::string& name, const char* kind,
                             std::vector<std::pair<std::string, double>> attributes = {}) {
    layers.push_back({.name = name, .kind = kind, .attributes = std::move(attributes)});
  };
  for (int block = 0; block < blocks; ++block) {
    const std::string before = layers.back().name, own = "h." + std::to_string(block) + ".";
    add_layer(own + "ln_1", "layer_norm");
    add_layer(own + "attn.qkv", "linear", {{"features", 3 * hidden}});
    add_layer(own + "attn.core", "attention", {{"heads", kHeads}});
    add_layer(own + "attn.proj", "linear", {{"features", hidden}});
    add_layer(own + "attn.dropout", "dropout", {{"stores_mask", 1}});
    layers.push_back(layer(own + "add_1", "residual_add", {before, own + "attn.dropout"}));
    add_layer(own + "ln_2", "layer_norm");
    add_layer(own + "mlp.fc", "linear", {{"features", 4 * hidden}});
    add_layer(own + "mlp.gelu", "gelu");
    add_layer(own + "mlp.proj", "linear", {{"features", hidden}});
    add_layer(own + "mlp.dropout", "dropout", {{"stores_mask", 1}});
    layers.push_back(layer(own + "add_2", "residual_add", {own + "add_1", own + "mlp.dropout"}));
  }
  add_layer("lm_head", "linear", {{"features", 256}, {"bias", 0}});
  layers.push_back(layer("loss", "softmax_cross_entropy", {"lm_head", "targets"}));
  return Model("gpt", layers).stored_as(ElementType::bfloat16);
}

std::int64_t kept(const Plan& plan, int blocks) {
  const Sharding part = part_of(plan, gpt_with_dropout(blocks));
  const std::size_t last = part.local.model.layer_count();
  SegmentOptions options;
  options.recompute = recompute_ranges(parse_recompute(plan.recompute), part.local, 0, last, plan.micro_batch_size, 1);
  return lay_out_segment(part.local, 0, last, plan.micro_batch_size, options).saved_bytes.count;
}

/// Of a block in the middle: two models differ by one.
std::int64_t kept_by_block(const Plan& plan) { return kept(plan, 2) - kept(plan, 1); }

Plan one_sample(std::int64_t tensor, bool sequence_parallel, const char* recompute = "none") {
  Plan plan = plan_on(1, 1, 1, tensor);
  plan.micro_batch_size = 1;
  plan.precision = ElementType::bfloat16;
  plan.sequence_parallel = sequence_parallel;
  plan.recompute = recompute;
  return plan;
}

constexpr std::int64_t kTensor = kSequence * kHidden;                  ///< s b h
constexpr std::int64_t kMatrix = kHeads * kSequence * kSequence;       ///< a s^2 b
constexpr std::int64_t kStatistics = 2 * 2 * kSequence * 4;            ///< of two norms: mean and deviation, floats

}  // namespace

// 34 of s b h: inputs of both norms, of qkv, proj and fc (2 each: 10), q, k, v (6), fc's and gelu's outputs (8 each), and two
// masks (1 each). 5 of a s^2 b: the softmax's output (2), and the mask (1) and the output (2) of a dropout behind it, which
// `attention` does not have.
TEST_CASE("a GPT-3 block keeps 34 s b h and the softmax's 2 a s^2 b, to within the norms' statistics") {
  CHECK(kept_by_block(one_sample(1, false)) == 34 * kTensor + 2 * kMatrix + kStatistics);
  CHECK(1000 * kStatistics < 34 * kTensor);  // a thousandth of it is more
}

TEST_CASE("with selective recomputation a block keeps 34 s b h, with full 2 s b h") {
  CHECK(kept_by_block(one_sample(1, false, "selective")) == 34 * kTensor + kStatistics);
  CHECK(kept_by_block(one_sample(1, false, "block")) == 2 * kTensor);
}

TEST_CASE("a tensor split leaves 10 s b h of a block whole, and divides 24") {
  const std::int64_t t = GENERATE(2, 8);

  // Whole: inputs of the norms, of qkv and of fc, and the masks.
  CHECK(kept_by_block(one_sample(t, false)) == (10 + 24 / t) * kTensor + 2 * kMatrix / t + kStatistics);
  CHECK(kept_by_block(one_sample(t, false, "selective")) == (10 + 24 / t) * kTensor + kStatistics);
}

TEST_CASE("a tensor split of positions, too, divides all but what is gathered for qkv and fc") {
  const std::int64_t t = GENERATE(2, 8);

  // 34 / t, were the inputs of qkv and fc (2 each) gathered once more in backward. Here they are kept as gathered.
  CHECK(kept_by_block(one_sample(t, true)) == 30 * kTensor / t + 4 * kTensor + 2 * kMatrix / t + kStatistics / t);
}
