// Which rule each layer of the families is divided by, on each axis of the mesh.

#include "plan/layouts.hpp"

#include "tests/catch.hpp"
#include "tests/plan/meshes.hpp"

using namespace tandem;

namespace {

using Texts = std::vector<std::string>;

/// "qkv columns" for each of the layers.
Texts rules(const LayoutChoice& choice, MeshAxis axis, const Texts& layers) {
  Texts texts;
  for (const std::string& name : layers) texts.push_back(name + " " + std::string(rule_of(choice, name, axis).name));
  return texts;
}

Texts approximate(const Plan& plan, const Model& model) {
  const LayoutChoice choice = choose_layouts(plan, model);
  Texts names;
  for (const LayerId id : approximate_layers(choice, mesh_of(plan))) names.push_back(choice.model.layer(id).name);
  return names;
}

}  // namespace

TEST_CASE("megatron divides a transformer's columns, heads, rows and vocabulary") {
  const LayoutChoice choice = choose_layouts(plan_on(1, 1, 1, 2), load_model("gpt-nano"));

  CHECK(rules(choice, MeshAxis::tensor,
              {"wte", "wpe", "h.0.ln_1", "h.0.attn.qkv", "h.0.attn.core", "h.0.attn.proj", "h.0.add_1", "h.0.mlp.fc",
               "h.0.mlp.gelu", "h.0.mlp.proj", "lm_head", "loss.statistics", "loss"}) ==
        Texts{"wte vocabulary", "wpe replicated", "h.0.ln_1 replicated", "h.0.attn.qkv columns", "h.0.attn.core heads",
              "h.0.attn.proj rows", "h.0.add_1 replicated", "h.0.mlp.fc columns", "h.0.mlp.gelu columns",
              "h.0.mlp.proj rows", "lm_head columns", "loss.statistics vocabulary", "loss vocabulary"});
  CHECK(rule_of(choice, "h.0.attn.qkv", MeshAxis::tensor).output == split(1, 3));  // q, k and v, each divided
  CHECK(rule_of(choice, "h.0.mlp.fc", MeshAxis::tensor).output == split(1));
}

TEST_CASE("the naive split divides linear layers by their inputs alone") {
  Plan plan = plan_on(1, 1, 1, 2);
  plan.tensor_split = TensorSplit::naive;

  const LayoutChoice choice = choose_layouts(plan, load_model("gpt-nano"));

  CHECK(rules(choice, MeshAxis::tensor,
              {"wte", "h.0.attn.qkv", "h.0.attn.core", "h.0.attn.proj", "h.0.mlp.fc", "h.0.mlp.gelu", "h.0.mlp.proj",
               "lm_head", "loss"}) ==
        Texts{"wte replicated", "h.0.attn.qkv rows", "h.0.attn.core replicated", "h.0.attn.proj rows",
              "h.0.mlp.fc rows", "h.0.mlp.gelu replicated", "h.0.mlp.proj rows", "lm_head replicated",
              "loss replicated"});
}

TEST_CASE("Ulysses divides positions, and heads in attention, so that no work is repeated and weights stay whole") {
  Plan plan = plan_on(1, 1, 1, 2);
  plan.tensor_split = TensorSplit::ulysses;
  const char* const name = GENERATE("gpt-nano", "llama-nano");

  const LayoutChoice choice = choose_layouts(plan, load_model(name));

  INFO(name);
  for (std::uint32_t i = 0; i < choice.model.layer_count(); ++i) {
    const LayoutRule& rule = choice.rules[i][static_cast<std::size_t>(MeshAxis::tensor)];
    const std::string_view kind = choice.model.layers()[i].kind->name;
    INFO(choice.model.layers()[i].name);
    CHECK(rule.name == (kind == "attention" || kind == "grouped_attention" || kind == "rotary" ? "heads" : "positions"));
    if (kind != "position_embedding")  // a part of its table is that of the positions
      for (const AxisLayout& parameter : rule.parameters) CHECK(parameter == kReplicated);
  }
}

TEST_CASE("a model without positions is refused to Ulysses, as every rank would repeat its work") {
  Plan plan = plan_on(1, 1, 1, 2);
  plan.tensor_split = TensorSplit::ulysses;

  CHECK(complaint([&] { choose_layouts(plan, load_model("vgg-nano")); }) ==
        "error: vgg-nano has no positions to divide over its tensor ranks; got \"ulysses\", want megatron or naive");
}

TEST_CASE("sequence parallelism divides the positions of what megatron leaves whole") {
  Plan plan = plan_on(1, 1, 1, 2);
  plan.sequence_parallel = true;

  const LayoutChoice choice = choose_layouts(plan, load_model("gpt-nano"));

  CHECK(rules(choice, MeshAxis::tensor,
              {"wte", "wpe", "h.0.ln_1", "h.0.attn.qkv", "h.0.attn.core", "h.0.attn.proj", "h.0.add_1", "h.0.ln_2",
               "h.0.mlp.fc", "ln_f", "lm_head"}) ==
        Texts{"wte vocabulary", "wpe positions", "h.0.ln_1 positions", "h.0.attn.qkv columns", "h.0.attn.core heads",
              "h.0.attn.proj rows", "h.0.add_1 positions", "h.0.ln_2 positions", "h.0.mlp.fc columns", "ln_f positions",
              "lm_head columns"});
}

TEST_CASE("llama's queries, keys, values and gates are divided by columns, its heads with them") {
  const LayoutChoice choice = choose_layouts(plan_on(1, 1, 1, 4), load_model("llama-nano"));
  const std::string block = "layers.0.";

  CHECK(rules(choice, MeshAxis::tensor,
              {block + "self_attn.q_proj", block + "self_attn.k_rotary", block + "self_attn.core",
               block + "self_attn.o_proj", block + "mlp.up_proj", block + "mlp.swiglu", block + "mlp.down_proj",
               block + "input_layernorm", "lm_head"}) ==
        Texts{block + "self_attn.q_proj columns", block + "self_attn.k_rotary heads", block + "self_attn.core heads",
              block + "self_attn.o_proj rows", block + "mlp.up_proj columns", block + "mlp.swiglu columns",
              block + "mlp.down_proj rows", block + "input_layernorm replicated", "lm_head columns"});
}

TEST_CASE("the data axis divides the samples of every layer, and the loss is a sum over the ranks") {
  const LayoutChoice choice = choose_layouts(plan_on(2, 1, 1, 1), load_model("gpt-nano"));

  for (std::uint32_t i = 0; i < choice.model.layer_count(); ++i) {
    const LayoutRule& rule = choice.rules[i][static_cast<std::size_t>(MeshAxis::data)];
    CHECK(rule.name == "samples");
    CHECK(rule.output == (choice.model.layers()[i].kind->is_loss ? kPartial : split(kSamples)));
    for (std::size_t p = 0; p < rule.parameters.size(); ++p) CHECK(parameter_gradient_is_partial(rule, p));
  }
}

TEST_CASE("images stay divided up to where they become one row of values") {
  const LayoutChoice choice = choose_layouts(plan_on(1, 2, 2, 1), load_model("vgg-nano"));

  for (const MeshAxis axis : {MeshAxis::height, MeshAxis::width}) {
    const std::string name(name_of(axis));
    CHECK(rules(choice, axis,
                {"images", "conv1_1", "relu1_1", "pool1", "conv2_2", "pool2", "flatten", "fc3", "loss"}) ==
          Texts{"images " + name, "conv1_1 " + name, "relu1_1 " + name, "pool1 " + name, "conv2_2 " + name,
                "pool2 " + name, "flatten replicated", "fc3 replicated", "loss replicated"});
  }
}

TEST_CASE("past the images the space axes may go on as tensor axes") {
  Plan plan = plan_on(1, 2, 1, 1);
  plan.after_space = AfterSpace::tensor;

  const LayoutChoice choice = choose_layouts(plan, load_model("vgg-nano"));

  CHECK(rules(choice, MeshAxis::height, {"pool2", "flatten", "fc3", "relu3", "fc4", "loss"}) ==
        Texts{"pool2 height", "flatten replicated", "fc3 columns", "relu3 columns", "fc4 rows", "loss replicated"});
}

TEST_CASE("past the images the space axes may go on with samples of their own, the targets' source too") {
  Plan plan = plan_on(1, 2, 2, 1);
  plan.after_space = AfterSpace::samples;

  const LayoutChoice choice = choose_layouts(plan, load_model("vgg-nano"));

  for (const MeshAxis axis : {MeshAxis::height, MeshAxis::width}) {
    const std::string name(name_of(axis));
    CHECK(rules(choice, axis, {"images", "pool2", "flatten", "fc3", "relu3", "fc4", "targets", "loss"}) ==
          Texts{"images " + name, "pool2 " + name, "flatten samples", "fc3 samples", "relu3 samples", "fc4 samples",
                "targets samples", "loss samples"});
    for (std::size_t i = 0; i < choice.rules.size(); ++i)
      CHECK_FALSE(repeats_work(choice.rules[i][static_cast<std::size_t>(axis)]));
  }
}

TEST_CASE("on the tensor axis convolutions take turns: filters, then channels") {
  const LayoutChoice choice = choose_layouts(plan_on(1, 1, 1, 2), load_model("vgg-nano"));

  CHECK(rules(choice, MeshAxis::tensor,
              {"images", "conv1_1", "relu1_1", "conv1_2", "relu1_2", "pool1", "conv2_1", "conv2_2", "flatten", "fc3",
               "relu3", "fc4", "loss"}) ==
        Texts{"images replicated", "conv1_1 filters", "relu1_1 channels", "conv1_2 channels", "relu1_2 replicated",
              "pool1 replicated", "conv2_1 filters", "conv2_2 channels", "flatten replicated", "fc3 columns",
              "relu3 columns", "fc4 rows", "loss replicated"});
}

TEST_CASE("the naive split leaves the first convolution whole, as an image has few channels") {
  Plan plan = plan_on(1, 1, 1, 2);
  plan.tensor_split = TensorSplit::naive;

  const LayoutChoice choice = choose_layouts(plan, load_model("resnet-nano"));

  CHECK(rules(choice, MeshAxis::tensor, {"conv1", "layer1.conv1", "layer2.downsample", "fc"}) ==
        Texts{"conv1 replicated", "layer1.conv1 channels", "layer2.downsample channels", "fc rows"});
}

TEST_CASE("a batch norm over divided images is taken apart into moments and their merge") {
  const Model model = load_model("resnet-nano");

  const LayoutChoice choice = choose_layouts(plan_on(1, 2, 1, 1), model);

  CHECK(choice.model.layer_count() == model.layer_count() + 6);  // each of the six batch norms became two layers
  CHECK(choice.model.layer(layer_named(choice.model, "bn1")).kind->name == "batch_norm_merge");
  CHECK(rules(choice, MeshAxis::height, {"bn1.moments", "bn1", "layer1.add", "avgpool", "fc"}) ==
        Texts{"bn1.moments height", "bn1 height", "layer1.add height", "avgpool replicated", "fc replicated"});
  CHECK(choice.model.parameters().size() == model.parameters().size());
  for (std::size_t i = 0; i < model.parameters().size(); ++i)
    CHECK(choice.model.parameters()[i].name == model.parameters()[i].name);
}

TEST_CASE("a model that nothing divides is left as it is") {
  const Model model = load_model("resnet-nano");

  const LayoutChoice choice = choose_layouts(plan_on(1, 1, 1, 1), model);

  CHECK(choice.model.layer_count() == model.layer_count());
  for (const AxisRules& rules_of_layer : choice.rules)
    for (const LayoutRule& rule : rules_of_layer) CHECK(repeats_work(rule));
}

TEST_CASE("batch statistics of each replica depend on their number, and no layer else does") {
  const Texts norms{"bn1", "layer1.bn1", "layer1.bn2", "layer2.downsample_bn", "layer2.bn1", "layer2.bn2"};
  Plan replicas = plan_on(2, 1, 1, 1);

  CHECK(approximate(replicas, load_model("resnet-nano")) == norms);
  CHECK(approximate(replicas, load_model("vgg-nano")).empty());    // has no batch norm
  CHECK(approximate(replicas, load_model("gpt-nano")).empty());    // layer norms are of one sample
  CHECK(approximate(plan_on(1, 2, 2, 1), load_model("resnet-nano")).empty());  // divided images merge their moments
  CHECK(approximate(plan_on(1, 1, 1, 2), load_model("resnet-nano")).empty());  // channels are whole
  replicas.synchronised_batch_norm = true;
  CHECK(approximate(replicas, load_model("resnet-nano")).empty());
}

TEST_CASE("the plan may name a rule of its own for a layer, and the rest adapts") {
  Plan plan = plan_on(1, 1, 1, 2);
  plan.layouts = {{"h.0.mlp.fc", "rows"}, {"h.1.mlp.fc", "replicated"}};

  const LayoutChoice choice = choose_layouts(plan, load_model("gpt-nano"));

  CHECK(rules(choice, MeshAxis::tensor,
              {"h.0.mlp.fc", "h.0.mlp.gelu", "h.0.mlp.proj", "h.1.mlp.fc", "h.1.mlp.gelu", "h.2.mlp.fc"}) ==
        Texts{"h.0.mlp.fc rows", "h.0.mlp.gelu replicated", "h.0.mlp.proj columns", "h.1.mlp.fc replicated",
              "h.1.mlp.gelu replicated", "h.2.mlp.fc columns"});
}

TEST_CASE("a layout for a layer that is not there is refused with the nearest name") {
  Plan plan = plan_on(1, 1, 1, 2);
  plan.layouts = {{"los", "columns"}};

  CHECK(complaint([&] { choose_layouts(plan, two_layer_mlp()); }) ==
        R"(error: layouts: no such layer; did you mean "loss"?; got "los", want the name of a layer of the model)");
}

TEST_CASE("a rule that the layer's kind has not is refused with the rules that it has, whatever the mesh") {
  for (const std::int64_t ranks : {1, 2}) {
    Plan plan = plan_on(1, 1, 1, ranks);
    plan.layouts = {{"h.0.mlp.fc", "colums"}};

    CHECK(complaint([&] { choose_layouts(plan, load_model("gpt-nano")); }) ==
          "error: layouts: layer h.0.mlp.fc (linear) has no such rule; did you mean \"columns\"?; got \"colums\", "
          "want one of replicated, columns, rows, positions");
  }
}

TEST_CASE("layouts are said in words") {
  CHECK(to_text(kReplicated) == "replicated");
  CHECK(to_text(kPartial) == "partial");
  CHECK(to_text(split(1)) == "split(1)");
  CHECK(to_text(split(1, 3)) == "split(1, 3 blocks)");
  CHECK(to_text(split(kSamples)) == "split(samples)");
}
