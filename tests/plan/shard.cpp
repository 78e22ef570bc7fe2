// What each rank holds, and the collectives between its layers.

#include "plan/shard.hpp"

#include <map>

#include "plan/conversions.hpp"
#include "tests/catch.hpp"
#include "tests/plan/meshes.hpp"
#include "tests/plan/random_models.hpp"

using namespace tandem;

namespace {

using Runs = std::vector<IndexRun>;
using Counts = std::map<std::string, int>;

/// Collectives of the layers whose name begins so: "forward all_reduce" and how many.
Counts collectives(const LocalModel& local, const std::string& begin) {
  Counts counts;
  for (std::size_t i = 0; i < local.layers.size(); ++i) {
    if (local.model.layers()[i].name.find(begin) != 0 || !local.layers[i].collective) continue;
    const LayerCollective& row = *local.layers[i].collective;
    if (row.forward) ++counts["forward " + std::string(name_of(*row.forward))];
    if (row.backward) ++counts["backward " + std::string(name_of(*row.backward))];
  }
  return counts;
}

/// How often the ranks hold each element of a tensor of these dims.
class Cover {
 public:
  explicit Cover(const std::vector<std::int64_t>& dims)
      : dims_(dims), times_(static_cast<std::size_t>(element_count(dims)), 0) {}
  void add(const TensorSlice& slice) {
    for_each_run(dims_, slice, [this](std::int64_t, std::int64_t whole, std::int64_t count) {
      for (std::int64_t i = whole; i < whole + count; ++i) ++times_.at(static_cast<std::size_t>(i));
    });
  }
  bool even() const { return std::equal(times_.begin() + 1, times_.end(), times_.begin()); }
  int times() const { return times_.front(); }

 private:
  std::vector<std::int64_t> dims_;
  std::vector<int> times_;
};

std::int64_t held(const std::vector<std::int64_t>& dims, const TensorSlice& slice) {
  std::int64_t elements = 0;
  for_each_run(dims, slice, [&](std::int64_t, std::int64_t, std::int64_t count) { elements += count; });
  return elements;
}

Plan random_mesh(Dice& dice, bool images) {
  Plan plan = plan_on(dice.between(1, 2), images ? dice.between(1, 3) : 1, images ? dice.between(1, 2) : 1,
                      1 << dice.between(0, 2));
  const TensorSplit splits[] = {TensorSplit::megatron, TensorSplit::megatron, TensorSplit::naive,
                                 images ? TensorSplit::naive : TensorSplit::ulysses};
  plan.tensor_split = splits[dice.between(0, 3)];
  plan.sequence_parallel = dice.chance(2);
  plan.after_space = dice.chance(2) && plan.height != 3 ? AfterSpace::tensor : AfterSpace::replicated;
  if (dice.chance(3) && plan.height != 3) plan.after_space = AfterSpace::samples;
  plan.synchronised_batch_norm = dice.chance(2);
  return plan;
}

void check_cover(const Plan& plan, const Model& model) {
  const Mesh mesh = mesh_of(plan);
  const LayoutChoice choice = choose_layouts(plan, model);
  std::vector<Cover> parameters, outputs;
  std::vector<int> parts(model.parameters().size(), 0), owners(model.layer_count(), 0);
  for (const Parameter& row : model.parameters()) parameters.emplace_back(row.spec.dims);
  for (const Layer& row : model.layers()) outputs.emplace_back(row.output.dims);
  for (std::uint32_t rank = 0; rank < mesh.workers(); ++rank) {
    const LocalModel local = shard(choice, model, mesh, mesh.coordinate_of(rank), 4).local;
    for (std::size_t i = 0; i < local.parameters.size(); ++i) {
      const auto whole = index_of(local.parameters[i].whole);
      REQUIRE(local.model.parameters()[i].spec.elements() ==
              held(model.parameters()[whole].spec.dims, local.parameters[i].slice));
      parameters[whole].add(local.parameters[i].slice);
    }
    for (std::size_t i = 0; i < local.layers.size(); ++i) {
      if (!local.layers[i].whole) continue;
      const auto whole = index_of(*local.layers[i].whole);
      REQUIRE(local.model.layers()[i].output.elements_per_sample() ==
              held(model.layers()[whole].output.dims, local.layers[i].output));
      outputs[whole].add(local.layers[i].output);
      ++owners[whole];
    }
  }
  for (const Cover& cover : parameters) {
    REQUIRE(cover.even());
    REQUIRE(static_cast<int>(mesh.workers()) % cover.times() == 0);
    REQUIRE(cover.times() >= static_cast<int>(mesh.size(MeshAxis::data)));  // every replica holds all parameters
  }
  for (std::size_t i = 0; i < outputs.size(); ++i)
    if (owners[i] > 0) REQUIRE(outputs[i].even());
}

}  // namespace

TEST_CASE("whatever the mesh, the ranks' parts of each parameter and each tensor cover the whole, all equally often") {
  const std::vector<std::string> names{"gpt-nano", "llama-nano", "vgg-nano", "resnet-nano"};
  std::vector<Model> models;
  for (const std::string& name : names) models.push_back(load_model(name));
  for (std::uint64_t number = 0; number < 40; ++number) {
    Dice dice(number);
    const auto choice = static_cast<std::size_t>(dice.between(0, 3));
    const Plan plan = random_mesh(dice, choice >= 2);
    INFO("case " << number << ": " << names[choice] << "\n" << write_plan(plan));

    check_cover(plan, models[choice]);
  }
}

TEST_CASE("megatron's transformer block has one all-reduce in attention and one in the MLP, forward and backward") {
  const Sharding part = part_of(plan_on(1, 1, 1, 2), load_model("gpt-nano"));

  CHECK(collectives(part.local, "h.3.attn") == Counts{{"forward all_reduce", 1}});
  CHECK(collectives(part.local, "h.3.mlp") == Counts{{"forward all_reduce", 1}});
  CHECK(collectives(part.local, "h.3.ln_1") == Counts{{"backward all_reduce", 1}});  // attention's, at its beginning
  CHECK(collectives(part.local, "h.3.ln_2") == Counts{{"backward all_reduce", 1}});
  CHECK(collectives(part.local, "h.3.") == Counts{{"forward all_reduce", 2}, {"backward all_reduce", 2}});
  for (const ConversionRow& row : part.conversions)
    if (row.tensor == "h.3.attn.proj") CHECK(row.bytes == Bytes{4 * 64 * 128 * 4});  // b s h values (1909.08053)
}

TEST_CASE("outside the blocks megatron sums the embedding once and gathers three numbers per token and rank") {
  const Sharding part = part_of(plan_on(1, 1, 1, 2), load_model("gpt-nano"));

  CHECK(collectives(part.local, "wte") == Counts{{"forward all_reduce", 1}});
  CHECK(collectives(part.local, "ln_f") == Counts{{"backward all_reduce", 1}});  // of the output projection's input
  CHECK(collectives(part.local, "lm_head").empty());                             // the logits are never gathered
  CHECK(collectives(part.local, "loss.statistics") == Counts{{"forward all_gather", 1}});
}

TEST_CASE("the naive split sums once more before each non-linearity") {
  Plan plan = plan_on(1, 1, 1, 2);
  plan.tensor_split = TensorSplit::naive;

  const Sharding part = part_of(plan, load_model("gpt-nano"));

  CHECK(collectives(part.local, "h.3.mlp.fc") == Counts{{"forward all_reduce", 1}});
  CHECK(collectives(part.local, "h.3.mlp.proj") == Counts{{"forward all_reduce", 1}});
  CHECK(collectives(part.local, "h.3.attn.qkv") == Counts{{"forward all_reduce", 1}});
  CHECK(collectives(part.local, "h.3.")["forward all_reduce"] == 4);
  // Each of the four linear layers takes its own columns of what all hold, so backward gathers them.
  CHECK(collectives(part.local, "h.3.")["backward all_gather"] == 4);
}

TEST_CASE("sequence parallelism gathers before and scatters sums after, where megatron reduces") {
  Plan plan = plan_on(1, 1, 1, 2);
  plan.sequence_parallel = true;

  const Sharding part = part_of(plan, load_model("gpt-nano"));

  CHECK(collectives(part.local, "h.3.") == Counts{{"forward all_gather", 2},
                                                  {"forward reduce_scatter", 2},
                                                  {"backward reduce_scatter", 2},
                                                  {"backward all_gather", 2}});
  CHECK(collectives(part.local, "wte") == Counts{{"forward reduce_scatter", 1}, {"backward all_gather", 1}});
  const LayerId norm = layer_named(part.local.model, "h.3.ln_1");
  CHECK(part.local.model.layer(norm).output.dims == std::vector<std::int64_t>{32, 128});  // half of 64 positions
}

TEST_CASE("queries, keys and values are divided each, so a rank holds three runs of their weight's rows") {
  const Sharding part = part_of(plan_on(1, 1, 1, 2), load_model("gpt-nano"), 1);

  const LocalParameter& weight = parameter_named(part.local, "h.0.attn.qkv.weight");
  CHECK(weight.slice.at(0) == Runs{{64, 64}, {192, 64}, {320, 64}});  // the second halves of 3 x 128 rows
  CHECK(weight.slice.at(1).empty());
  CHECK(parameter_named(part.local, "h.0.attn.qkv.bias").slice.at(0) == weight.slice[0]);
  CHECK(parameter_named(part.local, "h.0.attn.proj.weight").slice == TensorSlice{{}, {{64, 64}}});
  CHECK(parameter_named(part.local, "h.0.attn.proj.bias").slice.empty());
  const Layer& core = part.local.model.layer(layer_named(part.local.model, "h.0.attn.core"));
  CHECK(core.attributes.integer("heads") == 2);
  CHECK(core.output.dims == std::vector<std::int64_t>{64, 64});
}

TEST_CASE("a tied embedding lies alike in both of its layers") {
  const Sharding part = part_of(plan_on(1, 1, 1, 2), load_model("gpt-nano"), 1);

  CHECK(parameter_named(part.local, "wte.weight").slice == TensorSlice{{{128, 128}}, {}});
  CHECK(parameter_named(part.local, "lm_head.weight").slice == parameter_named(part.local, "wte.weight").slice);
}

TEST_CASE("gradients are summands on the axes that divide the samples or positions, and on no other") {
  const auto partial = [](const Plan& plan, const std::string& model, const std::string& name) {
    std::string axes;
    const auto flags = parameter_named(part_of(plan, load_model(model)).local, name).partial;
    for (std::size_t axis = 0; axis < kMeshAxes; ++axis)
      if (flags[axis]) axes += std::string(name_of(static_cast<MeshAxis>(axis))) + " ";
    return axes;
  };
  Plan sequence = plan_on(2, 1, 1, 2);
  sequence.sequence_parallel = true;

  CHECK(partial(plan_on(2, 1, 1, 2), "gpt-nano", "h.0.ln_1.weight") == "data ");
  CHECK(partial(plan_on(1, 1, 1, 2), "gpt-nano", "h.0.attn.proj.bias") == "");
  CHECK(partial(sequence, "gpt-nano", "h.0.ln_1.weight") == "data tensor ");
  CHECK(partial(sequence, "gpt-nano", "h.0.attn.qkv.weight") == "data ");
  CHECK(partial(plan_on(2, 2, 2, 1), "vgg-nano", "conv1_1.weight") == "data height width ");
  CHECK(partial(plan_on(2, 2, 2, 1), "vgg-nano", "fc3.weight") == "data ");
}

TEST_CASE("a cut of the whole model falls before the conversions of its layer") {
  const Sharding part = part_of(plan_on(1, 1, 1, 2), load_model("gpt-nano"));
  const Model& local = part.local.model;
  const LayoutChoice choice = choose_layouts(plan_on(1, 1, 1, 2), load_model("gpt-nano"));

  const std::size_t cut = local_cut(part, index_of(layer_named(choice.model, "h.3.attn.qkv")));

  CHECK(local.layers()[cut].name == "h.3.ln_1.tensor.copy");  // whose backward sums the gradient of ln_1's output
  CHECK(local.layers()[cut + 1].name == "h.3.attn.qkv");
  CHECK(std::is_sorted(part.place.begin(), part.place.end()));
  CHECK(local_cut(part, 0) == 0);
}

TEST_CASE("one rank alone has the whole model, without slices or conversions") {
  const Model model = load_model("resnet-nano");
  const Sharding part = part_of(plan_on(1, 1, 1, 1), model);

  CHECK(part.local.model.fingerprint() == model.fingerprint());
  CHECK(part.conversions.empty());
  for (const LocalLayer& row : part.local.layers) CHECK((row.output.empty() && row.whole && !row.collective));
  for (const LocalParameter& row : part.local.parameters)
    CHECK((row.slice.empty() && row.partial == std::array<bool, kMeshAxes>{}));
}

TEST_CASE("an all-to-all deals out samples where the image ends: rows against samples, then columns against samples") {
  Plan plan = plan_on(1, 2, 2, 1);
  plan.after_space = AfterSpace::samples;
  const Model model = load_model("vgg-nano");

  const Sharding part = part_of(plan, model);

  CHECK(collectives(part.local, "pool2") == Counts{{"forward all_to_all", 2}, {"backward all_to_all", 2}});
  std::vector<std::int64_t> bytes;
  for (const ConversionRow& row : part.conversions) {
    if (row.tensor != "pool2") continue;
    CHECK(row.from.form == AxisLayout::Form::split);
    CHECK(row.to == split(kSamples));
    CHECK(row.collectives == "all_to_all, backward all_to_all");
    bytes.push_back(row.bytes.count);
  }
  // 32 channels of 4 x 4 values: of 4 samples 2 x 2 of each, then of 2 samples 4 x 2 of each.
  CHECK(bytes == std::vector<std::int64_t>{4 * 32 * 2 * 2 * 4, 2 * 32 * 4 * 2 * 4});
}

TEST_CASE("each rank over space has its own samples, rows before columns, and says their loss") {
  Plan plan = plan_on(1, 2, 2, 2);
  plan.after_space = AfterSpace::samples;
  const Model model = load_model("vgg-nano");
  const Mesh mesh = mesh_of(plan);

  for (std::uint32_t rank = 0; rank < mesh.workers(); ++rank) {
    const LocalModel local = part_of(plan, model, rank).local;
    const Coordinate at = mesh.coordinate_of(rank);
    for (const Layer& layer : local.model.layers()) {
      if (layer.name == "conv1_1") CHECK(layer.origins.sample_parts == 1);
      if (layer.name != "loss" && layer.name != "targets" && layer.name != "fc3") continue;
      CHECK(layer.origins.sample_parts == 4);
      CHECK(layer.origins.sample_part == 2 * at[MeshAxis::height] + at[MeshAxis::width]);
    }
    CHECK(local.says_loss == (at[MeshAxis::tensor] == 0));
    for (const LocalParameter& row : local.parameters) {  // each sees samples, or rows and columns, of its own
      CHECK(row.partial[static_cast<std::size_t>(MeshAxis::height)]);
      CHECK(row.partial[static_cast<std::size_t>(MeshAxis::width)]);
    }
  }
}
