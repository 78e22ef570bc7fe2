// What each policy computes again, what is kept then, and the least recomputation that fits a budget.

#include "plan/recompute.hpp"

#include <algorithm>
#include <functional>
#include <limits>
#include <map>
#include <set>

#include "base/yaml.hpp"
#include "plan/plan.hpp"
#include "plan/recompute_chain.hpp"
#include "plan/memory_script.hpp"
#include "plan/segment.hpp"
#include "plan/stage_memory.hpp"
#include "tests/catch.hpp"
#include "tests/plan/random_models.hpp"

using namespace tandem;

namespace {

using Texts = std::vector<std::string>;

/// A GPT without dropout: its blocks are those of models/zoo/gpt2.yaml.
Model gpt(int blocks, double hidden, double heads, double sequence) {
  std::vector<LayerDefinition> layers{
      {.name = "tokens", .kind = "tokens", .attributes = {{"sequence", sequence}, {"vocabulary", 256}}},
      {.name = "targets", .kind = "target_tokens", .attributes = {{"sequence", sequence}}},
      {.name = "wte", .kind = "token_embedding", .attributes = {{"vocabulary", 256}, {"hidden", hidden}}, .inputs = {"tokens"}},
      {.name = "wpe", .kind = "position_embedding"}};
  for (int block = 0; block < blocks; ++block) {
    const std::string before = layers.back().name, own = "h." + std::to_string(block) + ".";
    layers.push_back({.name = own + "ln_1", .kind = "layer_norm"});
    layers.push_back({.name = own + "attn.qkv", .kind = "linear", .attributes = {{"features", 3 * hidden}}});
    layers.push_back({.name = own + "attn.core", .kind = "attention", .attributes = {{"heads", heads}}});
    layers.push_back({.name = own + "attn.proj", .kind = "linear", .attributes = {{"features", hidden}}});
    layers.push_back(layer(own + "add_1", "residual_add", {before, own + "attn.proj"}));
    layers.push_back({.name = own + "ln_2", .kind = "layer_norm"});
    layers.push_back({.name = own + "mlp.fc", .kind = "linear", .attributes = {{"features", 4 * hidden}}});
    layers.push_back({.name = own + "mlp.gelu", .kind = "gelu"});
    layers.push_back({.name = own + "mlp.proj", .kind = "linear", .attributes = {{"features", hidden}}});
    layers.push_back(layer(own + "add_2", "residual_add", {own + "add_1", own + "mlp.proj"}));
  }
  layers.push_back({.name = "lm_head", .kind = "linear", .attributes = {{"features", 256}, {"bias", 0}}});
  layers.push_back(layer("loss", "softmax_cross_entropy", {"lm_head", "targets"}));
  return Model("gpt", layers);
}

std::size_t index_of_layer(const Model& model, const std::string& name) {
  for (std::size_t i = 0; i < model.layer_count(); ++i)
    if (model.layer(static_cast<LayerId>(i)).name == name) return i;
  throw std::out_of_range(name);
}

Segment stage_under(const std::string& policy, const Model& model, std::size_t first, std::size_t last,
                    std::int64_t batch = 1) {
  const LocalModel local = undivided(model);
  SegmentOptions options;
  options.recompute = recompute_ranges(parse_recompute(policy), local, first, last, batch, 1);
  return lay_out_segment(local, first, last, batch, options);
}

/// "h.0.ln_1 - h.0.add_2" for each range.
Texts ranges_text(const std::string& policy, const Model& model) {
  Texts texts;
  for (const auto& [first, last] : recompute_ranges(parse_recompute(policy), undivided(model), 0, model.layer_count(), 1, 1))
    texts.push_back(model.layer(static_cast<LayerId>(first)).name + " - " +
                    model.layer(static_cast<LayerId>(last - 1)).name);
  return texts;
}

Texts names_again(const Model& model, const Segment& segment) {
  Texts names;
  for (const SegmentPart& part : segment.backward_parts)
    for (const PassItem& item : part.items)
      if (item.again) names.push_back(model.layer(segment.layers[item.layer].layer).name);
  return names;
}

std::string problem_of(std::string_view text) {
  try {
    parse_recompute(text);
    return "";
  } catch (const QuantityError& error) {
    return error.problem;
  }
}

}  // namespace

TEST_CASE("policies are read from their texts") {
  CHECK(parse_recompute("none").kind == Recompute::Kind::none);
  CHECK(parse_recompute("every:4") == Recompute{Recompute::Kind::every, 4, {}});
  CHECK(parse_recompute("optimal:300 MB") == Recompute{Recompute::Kind::optimal, 0, {300'000'000}});
  CHECK(problem_of("ful") == "no such way to recompute; did you mean \"full\"?");
  CHECK(problem_of("every") == "a number is missing");
  CHECK(problem_of("full:2") == "takes no number");
  CHECK(problem_of("every:0") != "");
  CHECK(problem_of("optimal:-1 MB") != "");
  CHECK(problem_of("optimal:nan MB") != "");
}

TEST_CASE("a plan file keeps its policy, and a wrong one is refused where it stands") {
  const Plan plan = read_plan(parse_yaml("model: mlp\nrecompute: every:2\n", "plan.yaml"));

  CHECK(plan.recompute == "every:2");
  CHECK(read_plan(parse_yaml(write_plan(plan), "plan.yaml")).recompute == "every:2");
  CHECK(complaint([] { read_plan(parse_yaml("model: mlp\nrecompute: selectiv\n", "plan.yaml")); }) ==
        "plan.yaml:2:12: error: no such way to recompute; did you mean \"selective\"?; got \"selectiv\", want none, full, "
        "every:LAYERS, sqrt, block, selective or optimal:BYTES");
}

TEST_CASE("policies divide a model into ranges") {
  const Model model = gpt(2, 8, 2, 4);

  CHECK(ranges_text("none", model).empty());
  CHECK(ranges_text("full", model) == Texts{"tokens - loss"});
  CHECK(ranges_text("block", model) == Texts{"h.0.ln_1 - h.0.add_2", "h.1.ln_1 - h.1.add_2"});
  CHECK(ranges_text("selective", model) == Texts{"h.0.attn.core - h.0.attn.core", "h.1.attn.core - h.1.attn.core"});
  CHECK(ranges_text("every:12", model) == Texts{"wte - h.0.add_2", "h.1.ln_1 - loss"});  // 24 layers but the sources
  CHECK(ranges_text("sqrt", model).size() == 5);                                        // 5 x 5 >= 24 > 4 x 5
  CHECK(ranges_text("block", load_model("vgg-nano")) ==
        Texts{"images - pool1", "conv2_1 - pool2", "flatten - loss"});
}

TEST_CASE("a stage under full recomputation keeps what comes in, and no more") {
  const Model model = gpt(3, 64, 4, 32);
  const std::size_t first = index_of_layer(model, "h.1.ln_1"), last = index_of_layer(model, "h.2.ln_1");

  const Segment stage = stage_under("full", model, first, last, 2);

  CHECK(stage.saved_bytes == Bytes{0});
  CHECK(stage.keeps_inbox);
  CHECK(stage.inbox_bytes == Bytes{2 * 32 * 64 * 4});  // s b h values of four bytes
  // The last product and the sum after it are no value that backward needs.
  CHECK(names_again(model, stage) == Texts{"h.1.ln_1", "h.1.attn.qkv", "h.1.attn.core", "h.1.attn.proj", "h.1.add_1",
                                           "h.1.ln_2", "h.1.mlp.fc", "h.1.mlp.gelu"});
}

TEST_CASE("the first and the last stage keep their data under full recomputation") {
  const Model model = gpt(1, 64, 4, 32);

  const Segment whole = stage_under("full", model, 0, model.layer_count(), 2);

  CHECK(whole.saved_bytes == Bytes{2 * (2 * 32 * 4)});  // tokens and targets: two samples of 32 positions
}

TEST_CASE("a GPT-3 block keeps 34 s b h + 5 a s^2 b less its masks, in words twice as wide") {
  // 2205.05198, equation (1) and table 2, in bytes of 16-bit values: 34 s b h + 5 a s^2 b. Its 34 are 16 tensors of s b h
  // values (inputs of both norms and of qkv, proj, fc: 1 each; q, k, v: 3; fc's and gelu's outputs: 4 each) and two masks of
  // dropout of one byte. Its 5 are the softmax's output (2), a mask (1) and the dropout's output (2). Without dropout and
  // with 4 bytes: 64 s b h + 4 a s^2 b, and two norms' two statistics per position.
  const double hidden = 12'288, heads = 96, sequence = 2'048;
  const std::int64_t s = 2'048, h = 12'288, a = 96;
  const Model one = gpt(1, hidden, heads, sequence), two = gpt(2, hidden, heads, sequence);
  const auto per_block = [&](const std::string& policy) {
    return stage_under(policy, two, 0, two.layer_count()).saved_bytes -
           stage_under(policy, one, 0, one.layer_count()).saved_bytes;
  };
  const std::int64_t statistics = 2 * 2 * s * 4;

  CHECK(per_block("none") == Bytes{64 * s * h + 4 * a * s * s + statistics});
  CHECK(per_block("selective") == Bytes{64 * s * h + statistics});  // 34 s b h
  CHECK(per_block("block") == Bytes{4 * s * h});                    // 2 s b h: one input
  CHECK(100 * statistics < 64 * s * h + 4 * a * s * s);  // so within 1 % of the formula
}

TEST_CASE("selective recomputation computes attention again and nothing else") {
  const Model model = gpt(2, 8, 2, 4);

  const Segment stage = stage_under("selective", model, 0, model.layer_count());

  CHECK(names_again(model, stage) == Texts{"h.1.attn.core", "h.0.attn.core"});
}

TEST_CASE("fewer values are kept with longer ranges, until one range must hold all at once") {
  const Model model = equal_blocks(16);
  const auto saved = [&](const std::string& policy) {
    return stage_under(policy, model, 0, model.layer_count()).saved_bytes;
  };

  CHECK(saved("full") < saved("sqrt"));
  CHECK(saved("sqrt") < saved("every:2"));
  CHECK(stage_under("sqrt", model, 0, model.layer_count()).backward_workspace <
        stage_under("full", model, 0, model.layer_count()).backward_workspace);
}

TEST_CASE("the bound that partitions go by holds with recomputation, and is lower under full and selective") {
  const Model model = gpt(4, 64, 4, 32);
  const LocalModel local = undivided(model);
  std::vector<std::size_t> bounds;
  for (std::size_t i = 0; i <= model.layer_count(); ++i) bounds.push_back(i);
  const std::size_t cut = index_of_layer(model, "h.2.ln_1");
  Plan plan = plan_of("gpipe", 2, 6);
  const Bytes without = StageMemory(plan, local, bounds).of(0, 0, cut);

  for (const std::string policy : {"full", "selective", "block", "sqrt"}) {
    plan.recompute = policy;
    const StageMemory memory(plan, local, bounds);
    const std::vector<MemoryPeak> peaks = script_peaks(lower(plan, model, {cut}, one_device_each(2)));
    INFO(policy);
    CHECK(memory.of(0, 0, cut) >= peaks[0].total);
    CHECK(memory.of(1, cut, model.layer_count()) >= peaks[1].total);
    CHECK((memory.of(0, 0, cut) < without) == (policy == "full" || policy == "selective"));
  }
}

namespace {

RecomputeChain random_chain(Dice& dice) {
  RecomputeChain chain{dice.between(0, 9), dice.chance(2), {}, {}};
  for (std::int64_t count = dice.between(1, 7); count > 0; --count) {
    RecomputePiece piece{static_cast<double>(dice.between(0, 12)), dice.between(0, 20), 0, dice.between(1, 9),
                         dice.chance(2), dice.chance(2)};
    piece.pinned = dice.chance(3) ? dice.between(0, piece.kept) : 0;
    chain.pieces.push_back(piece);
  }
  chain.pieces.back().end = 0;
  return chain;
}

/// Work and memory of one choice, by the words of recompute_chain.hpp. `range_of`: by piece, 0 for kept.
std::pair<double, std::int64_t> cost_of(const RecomputeChain& chain, const std::vector<int>& range_of,
                                        std::int64_t under_way) {
  double work = 0;
  std::int64_t kept = 0, most_again = 0;
  std::map<int, std::int64_t> again;
  for (std::size_t i = 0; i < chain.pieces.size(); ++i) {
    const RecomputePiece& piece = chain.pieces[i];
    const bool enters = i == 0 || range_of[i] != range_of[i - 1] || range_of[i] == 0;
    const std::int64_t entering = i == 0 ? chain.start : chain.pieces[i - 1].end;
    bool is_read = i == 0 ? chain.start_is_read : chain.pieces[i - 1].end_is_read;
    if (i > 0 && range_of[i - 1] == 0) is_read = is_read || chain.pieces[i - 1].end_is_own;
    if (range_of[i] == 0) {
      kept += piece.kept + (is_read ? entering : 0);
      continue;
    }
    work += piece.work;
    kept += piece.pinned + (enters ? entering : 0);
    again[range_of[i]] += piece.kept - piece.pinned + (enters ? 0 : entering);
    const bool leaves = i + 1 == chain.pieces.size() || range_of[i + 1] != range_of[i];
    if (leaves && piece.end_is_own) again[range_of[i]] += piece.end;
  }
  for (const auto& [range, bytes] : again) most_again = std::max(most_again, bytes);
  return {work, under_way * kept + most_again};
}

/// Every choice: each piece is kept, goes on with the range before it, or begins a new one.
void for_each_choice(std::size_t pieces, std::vector<int>& range_of, const std::function<void()>& act) {
  if (range_of.size() == pieces) return act();
  const int newest = range_of.empty() ? 0 : *std::max_element(range_of.begin(), range_of.end());
  std::set<int> nexts{0, newest + 1};
  if (!range_of.empty()) nexts.insert(range_of.back());
  for (const int next : nexts) {
    range_of.push_back(next);
    for_each_choice(pieces, range_of, act);
    range_of.pop_back();
  }
}

}  // namespace

TEST_CASE("the least recomputation that fits is that of all choices tried") {
  int fitting = 0, refused = 0;
  for (std::uint64_t number = 0; number < 200; ++number) {
    Dice dice(number);
    const RecomputeChain chain = random_chain(dice);
    const std::int64_t under_way = dice.between(1, 4), budget = dice.between(0, 150);
    std::pair<double, std::int64_t> want{1e18, 0};
    std::int64_t least = std::numeric_limits<std::int64_t>::max();
    std::vector<int> range_of;
    for_each_choice(chain.pieces.size(), range_of, [&] {
      const auto cost = cost_of(chain, range_of, under_way);
      least = std::min(least, cost.second);
      if (cost.second <= budget) want = std::min(want, cost);
    });
    INFO("case " << number);

    const auto found = least_recompute(chain, under_way, budget);

    REQUIRE(least_kept_memory(chain, under_way) == least);
    REQUIRE(found.has_value() == (least <= budget));
    if (!found) ++refused;
    if (!found) continue;
    ++fitting;
    REQUIRE(found->work == want.first);
    REQUIRE(found->memory == want.second);
  }
  CHECK(fitting > 50);
  CHECK(refused > 20);
}

TEST_CASE("the optimal policy stays within its budget and computes less again where it is larger") {
  const Model model = gpt(4, 64, 4, 32);
  const LocalModel local = undivided(model);
  const RecomputeChain chain = chain_of(local, 0, model.layer_count(), 1);
  const std::int64_t least = least_kept_memory(chain, 1);
  std::size_t before = model.layer_count() + 1;

  for (const std::int64_t budget : {least, 2 * least, 4 * least, 100 * least}) {
    const Segment stage = stage_under("optimal:" + std::to_string(budget) + " B", model, 0, model.layer_count());
    CAPTURE(budget, stage.saved_bytes.count);
    CHECK(stage.saved_bytes <= Bytes{budget});
    CHECK(names_again(model, stage).size() <= before);
    before = names_again(model, stage).size();
  }
  CHECK(before == 0);
}

TEST_CASE("a budget that is too small is refused with the smallest that is not") {
  const Model model = gpt(2, 64, 4, 32);
  const std::int64_t least = least_kept_memory(chain_of(undivided(model), 0, model.layer_count(), 1), 1);

  CHECK(complaint([&] { stage_under("optimal:1 kB", model, 0, model.layer_count()); }) ==
        "error: recompute: the budget is too small for a stage; got \"1 kB\", want at least " + to_exact_text(Bytes{least}));
}
