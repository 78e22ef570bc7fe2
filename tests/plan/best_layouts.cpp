#include "plan/best_layouts.hpp"

#include <functional>
#include <optional>

#include "tests/catch.hpp"
#include "tests/plan/random_models.hpp"

using namespace tandem;

namespace {

/// 1 TFLOP/s and 1 TB/s, so that a byte costs as much as a FLOP.
Device fast_device() {
  Device device;
  device.peak_fp32 = {1e12};
  device.memory_bandwidth = {1e12};
  device.memory = {1'000'000'000};
  return device;
}

TensorGroup group_of(const Device& device, double bytes_per_second, double latency_s, std::uint32_t ranks = 2) {
  const MessageCost route{{latency_s}, {bytes_per_second}};
  return {ranks, 1, route, route, nullptr, &device};
}

Plan tensor_plan(std::int64_t ranks = 2) {
  Plan plan = plan_of("1f1b", 1, 4);
  plan.tensor = ranks;
  plan.micro_batch_size = 2;
  return plan;
}

/// Does each use of a tied parameter give a summand of its gradient, or none of them?
bool ties_agree(const LocalModel& local) {
  for (std::size_t i = 0; i < local.parameters.size(); ++i)
    if (const auto owner = local.model.parameters()[i].tied_to)
      if (local.parameters[i].partial != local.parameters[index_of(*owner)].partial) return false;
  return true;
}

/// What lowering would make of the plan, priced layer by layer; nothing where it cannot be divided so.
std::optional<Seconds> walked(const Plan& plan, const Model& model, LayoutCost& cost) {
  try {
    const LayoutChoice choice = choose_layouts(plan, model);
    const Sharding part = shard(choice, model, mesh_of(plan), Coordinate{}, plan.micro_batch_size);
    if (!ties_agree(part.local)) return {};
    return cost.of(part);
  } catch (const InputError&) {
    return {};
  }
}

/// The cheapest of all plans that name a rule for each layer with several.
Seconds brute_force(const Plan& plan, const Model& model, LayoutCost& cost) {
  std::optional<Seconds> best;
  Plan named = plan;
  const std::function<void(std::uint32_t)> name_from = [&](std::uint32_t layer) {
    if (layer == model.layer_count()) {
      const auto time = walked(named, model, cost);
      if (time && (!best || *time < *best)) best = time;
      return;
    }
    const auto id = static_cast<LayerId>(layer);
    const auto rules = tensor_rules(model, id);
    if (rules.size() == 1 || model.layer(id).kind->is_loss) name_from(layer + 1);  // a loss may follow its scores
    if (rules.size() == 1) return;
    for (const LayoutRule& rule : rules) {
      named.layouts.emplace_back(model.layer(id).name, rule.name);
      name_from(layer + 1);
      named.layouts.pop_back();
    }
  };
  name_from(0);
  REQUIRE(best);
  return *best;
}

/// Values, then `length` random linear layers and relus, some with a residual around two of them, then a loss.
Model random_graph(Dice& dice, std::size_t length) {
  std::vector<LayerDefinition> layers{source("x", "values", 8)};
  std::string last = "x", before = "x";
  for (std::size_t i = 0; i < length; ++i) {
    const std::string name = "l" + std::to_string(i);
    const auto kind = dice.between(0, 2);
    if (kind == 0) layers.push_back(layer(name, "relu", {last}));
    else if (kind == 1 || before == last) layers.push_back(linear(name, 8, last));
    else layers.push_back(layer(name, "residual_add", {before, last}));
    if (dice.chance(2)) before = last;
    last = name;
  }
  layers.push_back(linear("out", 8, last));
  layers.push_back(source("targets", "target_values", 8));
  layers.push_back(layer("loss", "mean_squared_error", {"out", "targets"}));
  return Model("random-graph", layers);
}

LayerDefinition sized(std::string name, std::string kind, std::vector<std::pair<std::string, double>> attributes,
                      std::vector<std::string> inputs = {}) {
  return {std::move(name), std::move(kind), std::move(attributes), std::move(inputs)};
}

/// One block of a GPT between an embedding and a loss: wide layers on few tokens, so that weights outweigh activations.
Model gpt_block() {
  return Model("gpt-block",
               {sized("tokens", "tokens", {{"sequence", 4}, {"vocabulary", 16}}),
                sized("wte", "token_embedding", {{"vocabulary", 16}, {"hidden", 256}}, {"tokens"}),
                layer("ln_1", "layer_norm", {"wte"}), linear("qkv", 768, "ln_1"),
                sized("attention", "attention", {{"heads", 4}}, {"qkv"}), linear("proj", 256, "attention"),
                layer("add_1", "residual_add", {"wte", "proj"}), layer("ln_2", "layer_norm", {"add_1"}),
                linear("fc", 1024, "ln_2"), layer("gelu", "gelu", {"fc"}), linear("down", 256, "gelu"),
                layer("add_2", "residual_add", {"add_1", "down"}), linear("head", 16, "add_2"),
                sized("targets", "target_tokens", {{"sequence", 4}}),
                layer("loss", "softmax_cross_entropy", {"head", "targets"})});
}

std::string rule_of(const LayoutChoice& choice, std::string_view name) {
  for (std::uint32_t i = 0; i < choice.model.layer_count(); ++i)
    if (choice.model.layers()[i].name == name)
      return std::string(choice.rules[i][static_cast<std::size_t>(MeshAxis::tensor)].name);
  return "no such layer";
}

}  // namespace

TEST_CASE("the best layouts of small graphs are as cheap as the cheapest of all choices") {
  const Device device = fast_device();
  const CostModel costs;
  for (std::uint64_t number = 0; number < 60; ++number) {
    INFO("case " << number);
    Dice dice(number);
    const Model model = random_graph(dice, static_cast<std::size_t>(dice.between(1, 4)));
    const double bandwidths[] = {1e8, 1e10, 1e11, 1e13};
    const TensorGroup group =
        group_of(device, bandwidths[dice.between(0, 3)], dice.chance(2) ? 0 : 1e-10, dice.chance(2) ? 2 : 4);
    const Plan plan = tensor_plan(group.ranks);
    LayoutCost cost(plan, group, costs);

    const BestLayouts best = best_layouts(plan, model, group, costs);

    CHECK(best.is_exact);
    CHECK(best.cost.value == Approx(brute_force(plan, model, cost).value).epsilon(1e-9));
    CHECK(walked(best.plan, model, cost)->value == Approx(best.cost.value).epsilon(1e-9));
  }
}

TEST_CASE("a tied output projection and its loss are divided as cheaply as can be") {
  const Device device = fast_device();
  const CostModel costs;
  LayerDefinition head = sized("head", "linear", {{"features", 32}, {"bias", 0}}, {"norm"});
  head.tie = "wte.weight";
  const Model model("tied", {sized("tokens", "tokens", {{"sequence", 4}, {"vocabulary", 32}}),
                             sized("wte", "token_embedding", {{"vocabulary", 32}, {"hidden", 8}}, {"tokens"}),
                             linear("fc", 8, "wte"), layer("add", "residual_add", {"wte", "fc"}),
                             layer("norm", "layer_norm", {"add"}), std::move(head),
                             sized("targets", "target_tokens", {{"sequence", 4}}),
                             layer("loss", "softmax_cross_entropy", {"head", "targets"})});
  for (const double bandwidth : {1e9, 1e10, 3e10, 1e11, 3e11, 1e12, 1e13}) {
    INFO(bandwidth);
    const TensorGroup group = group_of(device, bandwidth, 1e-11);
    const Plan plan = tensor_plan();
    LayoutCost cost(plan, group, costs);

    const BestLayouts best = best_layouts(plan, model, group, costs);

    CHECK(best.is_exact);
    CHECK(best.cost.value == Approx(brute_force(plan, model, cost).value).epsilon(1e-9));
  }
}

TEST_CASE("the best layouts of the small models of the zoo are no dearer than any named split") {
  const Device device = fast_device();
  const CostModel costs;
  for (const char* name : {"gpt-nano", "llama-nano", "vgg-nano", "resnet-nano", "mlp"}) {
    INFO(name);
    const Model model = load_model(name);
    const TensorGroup group = group_of(device, 1e11, 1e-7);
    const Plan plan = tensor_plan();

    const BestLayouts best = best_layouts(plan, model, group, costs);

    for (const TensorSplit split : {TensorSplit::megatron, TensorSplit::naive, TensorSplit::ulysses})
      for (const bool positions : {false, true}) {
        Plan other = plan;
        other.tensor_split = split;
        other.sequence_parallel = positions;
        LayoutCost cost(other, group, costs);
        const auto time = walked(other, model, cost);
        if (time) CHECK(best.cost <= *time);
      }
    CHECK(best.is_exact);
  }
}

TEST_CASE("over fast links a block of a transformer is split as Megatron does") {
  const Device device = fast_device();
  const Model model = gpt_block();
  const Plan plan = tensor_plan();

  const LayoutChoice choice =
      choose_layouts(best_layouts(plan, model, group_of(device, 1e12, 0), CostModel()).plan, model);

  CHECK(rule_of(choice, "qkv") == "columns");
  CHECK(rule_of(choice, "attention") == "heads");
  CHECK(rule_of(choice, "proj") == "rows");
  CHECK(rule_of(choice, "fc") == "columns");
  CHECK(rule_of(choice, "gelu") == "columns");
  CHECK(rule_of(choice, "down") == "rows");
}

TEST_CASE("over links that are slow enough every rank repeats all work") {
  const Device device = fast_device();
  const Model model = gpt_block();
  const Plan plan = tensor_plan();

  const LayoutChoice choice =
      choose_layouts(best_layouts(plan, model, group_of(device, 1e3, 1), CostModel()).plan, model);

  for (const Layer& row : choice.model.layers()) {
    INFO(row.name);
    CHECK(rule_of(choice, row.name) == "replicated");
  }
}

TEST_CASE("a layer that the plan names keeps its rule among the best layouts") {
  const Device device = fast_device();
  const Model model = gpt_block();
  Plan plan = tensor_plan();
  plan.layouts = {{"fc", "rows"}};

  const LayoutChoice choice =
      choose_layouts(best_layouts(plan, model, group_of(device, 1e12, 0), CostModel()).plan, model);

  CHECK(rule_of(choice, "fc") == "rows");
  CHECK(rule_of(choice, "qkv") == "columns");
}

TEST_CASE("a search that may keep only one state says so and is never dearer than Megatron's split") {
  const Device device = fast_device();
  const Model model = load_model("gpt-nano");
  const TensorGroup group = group_of(device, 1e10, 1e-7);
  const Plan plan = tensor_plan();
  const CostModel costs;
  LayoutCost cost(plan, group, costs);

  const BestLayouts narrow = best_layouts(plan, model, group, CostModel(), 1);

  CHECK_FALSE(narrow.is_exact);
  CHECK(narrow.cost <= *walked(plan, model, cost));
  CHECK(best_layouts(plan, model, group, CostModel()).cost <= narrow.cost);
}

TEST_CASE("the best layouts survive the plan file") {
  const Device device = fast_device();
  const Model model = load_model("vgg-nano");
  const Plan best = best_layouts(tensor_plan(), model, group_of(device, 1e10, 1e-7), CostModel()).plan;

  const Plan read = read_plan(parse_yaml(write_plan(best), "plan.yaml"));

  CHECK(read.layouts == best.layouts);
  CHECK(read.tensor_split == best.tensor_split);
}

TEST_CASE("a plan file may ask for the best split, and a wrong word is refused with its place") {
  CHECK(read_plan(parse_yaml("model: mlp\ntensor_split: best\n", "plan.yaml")).tensor_split == TensorSplit::best);
  CHECK(complaint([] { read_plan(parse_yaml("model: mlp\ntensor_split: bets\n", "plan.yaml")); }) ==
        R"(plan.yaml:2:15: error: unknown; did you mean "best"?; got "bets", want one of megatron, naive, ulysses, best)");
}
