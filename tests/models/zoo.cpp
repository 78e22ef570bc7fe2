#include <cmath>

#include "models/zoo_files.hpp"
#include "tests/catch.hpp"
#include "tests/models/definitions.hpp"

using namespace tandem;

namespace {

/// V d + P d + L (4d + 3d^2 + 3d + d^2 + d + 2 d f + f + d) + 2d with f = 4d.
std::int64_t gpt2_parameters(std::int64_t V, std::int64_t P, std::int64_t d, std::int64_t L) {
  const auto f = 4 * d;
  return V * d + P * d + L * (4 * d + 3 * d * d + 3 * d + d * d + d + 2 * d * f + f + d) + 2 * d;
}

Flops products(const Model& model, Pass pass, std::int64_t batch, const std::string& prefix = "") {
  Flops total;
  for (std::uint32_t i = 0; i < model.layer_count(); ++i) {
    if (!model.layers()[i].name.starts_with(prefix)) continue;
    total += product_flops(model.work(static_cast<LayerId>(i), pass, batch));
  }
  return total;
}

struct Transformer {
  const char* name;
  std::int64_t l, h, s, V;
};

constexpr Transformer kTransformers[] = {{"gpt-nano", 8, 128, 64, 256}, {"gpt2", 12, 768, 1024, 50257}};

}  // namespace

TEST_CASE("the zoo lists its models by name") {
  CHECK(zoo_names() == std::vector<std::string>{
                           "alexnet", "bert-base", "gpt-nano", "gpt-nano-dropout", "gpt2", "gpt2-xl", "lenet", "linear-regression",
                           "llama-2-7b", "llama-3.1-8b", "llama-nano", "mlp", "resnet-nano", "resnet50", "vgg-nano",
                           "vgg16", "vit-b-16"});
  for (const auto& name : zoo_names()) CHECK(load_model(name).name() == name);
}

TEST_CASE("the models of the zoo have exactly their published parameters") {
  CHECK(load_model("gpt2").parameter_count() == 124'439'808);
  CHECK(load_model("gpt2-xl").parameter_count() == 1'557'611'200);
  CHECK(load_model("gpt-nano").parameter_count() == gpt2_parameters(256, 64, 128, 8));
  CHECK(load_model("linear-regression").parameter_count() == 33);
  CHECK(load_model("mlp").parameter_count() == 1'880'080);  // 65 * 512 + 7 * 513 * 512 + 513 * 16
}

TEST_CASE("the formula for GPT-2's parameters gives the published counts") {
  CHECK(gpt2_parameters(50257, 1024, 768, 12) == 124'439'808);
  CHECK(gpt2_parameters(50257, 1024, 1600, 48) == 1'557'611'200);
}

TEST_CASE("one transformer layer takes 24 b s h^2 + 4 b s^2 h FLOPs forward and twice that backward") {
  const std::int64_t b = 3;
  for (const auto& [name, l, h, s, V] : kTransformers) {
    const auto model = load_model(name);
    const Flops forward{static_cast<Flops::Count>(24 * b * s * h * h + 4 * b * s * s * h)};

    CHECK(products(model, Pass::forward, b, "h.3.") == forward);
    CHECK(products(model, Pass::input_gradient, b, "h.3.") + products(model, Pass::weight_gradient, b, "h.3.") ==
          forward * 2);
    CHECK(products(model, Pass::forward, b, "lm_head") == Flops{static_cast<Flops::Count>(2 * b * s * h * V)});
  }
}

TEST_CASE("an iteration's products are 72 B l s h^2 (1 + s/(6h) + V/(12 l h)) FLOPs") {
  const std::int64_t B = 5;
  for (const auto& [name, l, h, s, V] : kTransformers) {
    const auto model = load_model(name);

    const auto total = products(model, Pass::forward, B) + products(model, Pass::input_gradient, B) +
                       products(model, Pass::weight_gradient, B);

    const Flops::Count per_layer = 72 * h * h + 12 * s * h;  // the formula, multiplied out to stay whole
    CHECK(total == Flops{B * s * (l * per_layer + 6 * h * V)});
  }
}

TEST_CASE("beside its products a transformer spends little") {
  const auto model = load_model("gpt2");

  const auto all = model.flops(Pass::forward, 1).real(), in_products = products(model, Pass::forward, 1).real();

  CHECK(all > in_products);
  CHECK(all < 1.02 * in_products);
}

TEST_CASE("the output projection of a GPT is its token embedding") {
  for (const auto* name : {"gpt-nano", "gpt2"}) {
    const auto model = load_model(name);

    const auto& weight = model.parameter(model.layer(find_layer(model, "lm_head")).parameters[0]);

    REQUIRE(weight.tied_to);
    CHECK(model.parameter(*weight.tied_to).name == "wte.weight");
    CHECK(model.layer(find_layer(model, "lm_head")).parameters.size() == 1);  // no bias
  }
}

TEST_CASE("GPT-2's layers carry the names of the published checkpoint") {
  const auto names = names_of(load_model("gpt-nano"));

  const std::vector<std::string> start{"tokens",         "wte",        "wpe",         "h.0.ln_1",   "h.0.attn.qkv",
                                       "h.0.attn.core",  "h.0.attn.proj", "h.0.add_1", "h.0.ln_2",  "h.0.mlp.fc",
                                       "h.0.mlp.gelu",   "h.0.mlp.proj",  "h.0.add_2", "h.1.ln_1"};
  const std::vector<std::string> end{"h.7.add_2", "ln_f", "lm_head", "targets", "loss"};
  CHECK(std::vector(names.begin(), names.begin() + 14) == start);
  CHECK(std::vector(names.end() - 5, names.end()) == end);
}

TEST_CASE("weights that write to the residual stream start smaller with depth") {
  const auto model = load_model("gpt2");
  const auto deviation = [&](const std::string& name) {
    return model.parameter(model.layer(find_layer(model, name)).parameters[0]).spec.deviation;
  };

  CHECK(deviation("h.11.attn.proj") == 0.02 / std::sqrt(24));
  CHECK(deviation("h.11.mlp.proj") == 0.02 / std::sqrt(24));
  CHECK(deviation("h.11.mlp.fc") == 0.02);
}

TEST_CASE("the mlp can be cut into eight stages of one hidden layer each") {
  const auto model = load_model("mlp");

  std::size_t cuts = 0;
  for (std::size_t cut = 1; cut < model.layer_count(); ++cut) {
    const bool before_linear = model.layers()[cut].kind->name == "linear" && model.may_cut(cut);
    if (before_linear) CHECK(model.crossing(cut).size() == 1);
    cuts += before_linear;
  }

  CHECK(cuts == 8);  // 9 linear layers, the first behind its source
}

TEST_CASE("an unknown model brings the closest name and the whole list") {
  CHECK(message_of([] { load_model("gpt-nan"); }) ==
        R"(error: unknown model; did you mean "gpt-nano"?; got "gpt-nan", want one of alexnet, bert-base, gpt-nano, )"
        "gpt-nano-dropout, gpt2, gpt2-xl, lenet, linear-regression, llama-2-7b, llama-3.1-8b, llama-nano, mlp, "
        "resnet-nano, resnet50, vgg-nano, vgg16, vit-b-16, or a path to *.yaml or config.json");
  CHECK_THAT(message_of([] { load_model(""); }), Catch::StartsWith("error: unknown model"));
}
