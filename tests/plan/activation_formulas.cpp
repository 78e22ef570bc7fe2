// What a transformer block keeps between forward and backward in 16-bit values, against the formulas of 2205.05198,
// counted from the buffers of lowered Programs.

#include <cmath>

#include "tests/catch.hpp"
#include "tests/plan/meshes.hpp"

using namespace tandem;

namespace {

constexpr std::int64_t kSequence = 2'048, kHidden = 12'288, kHeads = 96;  ///< GPT-3 (2005.14165), one sample

/// Blocks as 2205.05198 draws them: dropout behind the softmax and after both sub-layers. `stores`: masks of a byte a value,
/// and what the softmax's dropout leaves.
Model gpt_with_dropout(int blocks, double stores) {
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
    add_layer(own + "attn.core", "attention", {{"heads", kHeads}, {"dropout", 0.1}, {"stores_mask", stores}});
    add_layer(own + "attn.proj", "linear", {{"features", hidden}});
    add_layer(own + "attn.dropout", "dropout", {{"stores_mask", stores}});
    layers.push_back(layer(own + "add_1", "residual_add", {before, own + "attn.dropout"}));
    add_layer(own + "ln_2", "layer_norm");
    add_layer(own + "mlp.fc", "linear", {{"features", 4 * hidden}});
    add_layer(own + "mlp.gelu", "gelu");
    add_layer(own + "mlp.proj", "linear", {{"features", hidden}});
    add_layer(own + "mlp.dropout", "dropout", {{"stores_mask", stores}});
    layers.push_back(layer(own + "add_2", "residual_add", {own + "add_1", own + "mlp.dropout"}));
  }
  add_layer("lm_head", "linear", {{"features", 256}, {"bias", 0}});
  layers.push_back(layer("loss", "softmax_cross_entropy", {"lm_head", "targets"}));
  return Model("gpt", layers);
}

/// Activations of the one micro-batch that the first rank holds from F to backward.
std::int64_t kept(const Plan& plan, int blocks, double stores) {
  const Program program = lower_on(plan, gpt_with_dropout(blocks, stores));
  std::int64_t bytes = 0;
  for (std::uint32_t i = 0; i < program.buffers().size(); ++i) {
    const BufferSpec& spec = program.spec(static_cast<BufferId>(i));
    if (index_of(spec.worker) == 0 && spec.kind == BufferClass::activation) bytes += spec.bytes.count;
  }
  return bytes;
}

/// Of a block in the middle: two models differ by one.
std::int64_t kept_by_block(const Plan& plan, double stores = 1) { return kept(plan, 2, stores) - kept(plan, 1, stores); }

Plan one_sample(std::int64_t tensor, bool sequence_parallel, const char* recompute = "none") {
  Plan plan = plan_on(1, 1, 1, tensor);
  plan.micro_batch_size = 1;
  plan.precision = ElementType::bfloat16;
  plan.sequence_parallel = sequence_parallel;
  plan.recompute = recompute;
  plan.repeat_collectives = tensor > 1;
  return plan;
}

constexpr std::int64_t kTensor = kSequence * kHidden;                  ///< s b h
constexpr std::int64_t kMatrix = kHeads * kSequence * kSequence;       ///< a s^2 b
constexpr std::int64_t kStatistics = 2 * 2 * kSequence * 4;            ///< of two norms: mean and deviation, floats

/// a s / h of the formulas.
constexpr double kScores = static_cast<double>(kHeads * kSequence) / kHidden;

/// Off from the formula, which is in units of s b h.
double error(std::int64_t bytes, double formula) {
  return std::abs(static_cast<double>(bytes) / static_cast<double>(kTensor) - formula) / formula;
}

}  // namespace

TEST_CASE("the five formulas of 2205.05198 hold to a hundredth of a percent, counted from buffers") {
  const std::int64_t t = GENERATE(2, 8);
  const auto parts = static_cast<double>(t);

  CHECK(error(kept_by_block(one_sample(1, false)), 34 + 5 * kScores) < 1e-4);
  CHECK(error(kept_by_block(one_sample(t, false)), 10 + 24 / parts + 5 * kScores / parts) < 1e-4);
  CHECK(error(kept_by_block(one_sample(t, true)), (34 + 5 * kScores) / parts) < 1e-4);
  CHECK(error(kept_by_block(one_sample(t, true, "selective")), 34 / parts) < 1e-4);
  CHECK(error(kept_by_block(one_sample(1, false, "block")), 2) < 1e-4);
}

// 34 of s b h: inputs of both norms, of qkv, proj and fc (2 each: 10), q, k, v (6), fc's and gelu's outputs (8 each), and two
// masks (1 each). 5 of a s^2 b: the softmax's output (2), the mask (1) and the output (2) of the dropout behind it.
TEST_CASE("what the formulas leave out are the norms' statistics, to the byte") {
  const std::int64_t t = GENERATE(2, 8);

  CHECK(kept_by_block(one_sample(1, false)) == 34 * kTensor + 5 * kMatrix + kStatistics);
  CHECK(kept_by_block(one_sample(1, false, "selective")) == 34 * kTensor + kStatistics);
  CHECK(kept_by_block(one_sample(t, false)) == (10 + 24 / t) * kTensor + 5 * kMatrix / t + kStatistics);
  CHECK(kept_by_block(one_sample(t, true)) == 34 * kTensor / t + 5 * kMatrix / t + kStatistics / t);
  CHECK(kept_by_block(one_sample(t, true, "selective")) == 34 * kTensor / t + kStatistics / t);
}

TEST_CASE("a recomputed block keeps its input alone, on every mesh, where collectives are repeated") {
  const std::int64_t t = GENERATE(2, 8);

  CHECK(kept_by_block(one_sample(1, false, "block")) == 2 * kTensor);
  CHECK(kept_by_block(one_sample(t, false, "block")) == 2 * kTensor);
  CHECK(kept_by_block(one_sample(t, true, "block")) == 2 * kTensor / t);
}

TEST_CASE("masks that are made again leave 2 a s^2 b and 32 s b h") {
  const std::int64_t t = GENERATE(2, 8);

  CHECK(kept_by_block(one_sample(1, false), 0) == 32 * kTensor + 2 * kMatrix + kStatistics);
  CHECK(kept_by_block(one_sample(t, true), 0) == 32 * kTensor / t + 2 * kMatrix / t + kStatistics / t);
}

TEST_CASE("where no collective is repeated, what is gathered for qkv and fc is kept whole") {
  Plan plan = one_sample(8, true);
  plan.repeat_collectives = false;

  CHECK(kept_by_block(plan) == 30 * kTensor / 8 + 4 * kTensor + 5 * kMatrix / 8 + kStatistics / 8);
}
