#include <rapidcheck.h>

#include <fstream>
#include <limits>
#include <sstream>

#include "plan/plan.hpp"
#include "tests/catch.hpp"
#include "tests/plan/models.hpp"
#include "tests/source_dir.hpp"

using namespace tandem;

namespace {

Plan plan_from(const std::string& text) { return read_plan(parse_yaml(text, "plan.yaml")); }
std::string complaint_about(const std::string& text) { return complaint([&] { plan_from(text); }); }

std::string any_text() { return *rc::gen::container<std::string>(rc::gen::inRange<char>(' ', 127)) + "\" \\ µ\nx"; }

std::int64_t any_count() { return *rc::gen::inRange<std::int64_t>(1, std::numeric_limits<std::uint32_t>::max()); }

double any_share() { return static_cast<double>(*rc::gen::inRange<std::int64_t>(1, 1'000'000'007)) / 1'000'000'007.0; }

void divide(Plan& plan) {
  for (std::int64_t Plan::*ranks : {&Plan::replicas, &Plan::tensor, &Plan::height, &Plan::width})
    if (*rc::gen::arbitrary<bool>()) plan.*ranks = any_count();
  plan.tensor_split = *rc::gen::element(TensorSplit::megatron, TensorSplit::naive, TensorSplit::ulysses, TensorSplit::best);
  plan.after_space = *rc::gen::element(AfterSpace::replicated, AfterSpace::tensor, AfterSpace::samples);
  for (bool Plan::*flag : {&Plan::sequence_parallel, &Plan::synchronised_batch_norm, &Plan::overlap,
                           &Plan::offload_optimizer, &Plan::offload_weights, &Plan::repeat_collectives,
                           &Plan::float_gradients})
    plan.*flag = *rc::gen::arbitrary<bool>();
  plan.update_on = *rc::gen::element(UpdateOn::device, UpdateOn::host);
  if (*rc::gen::arbitrary<bool>()) plan.bucket = {any_count()};
  plan.collective = *rc::gen::element<std::string>("auto", "ring", "direct");
  plan.dropout = *rc::gen::element(DropoutUse::off, DropoutUse::recomputed, DropoutUse::stored);
  plan.precision = *rc::gen::element(ElementType::float32, ElementType::bfloat16);
  plan.convolution_algorithm = *rc::gen::element<std::string>("", "panels", "winograd");
  if (*rc::gen::arbitrary<bool>()) plan.convolutions = {{any_text(), "winograd"}, {"conv1", "panels"}};
  if (*rc::gen::arbitrary<bool>()) plan.layouts = {{any_text(), "rows"}, {"h.0.mlp.fc", "replicated"}};
}

Plan any_plan() {
  Plan plan;
  plan.model = any_text();
  plan.cluster = any_text();
  plan.schedule = *rc::gen::element<std::string>("sequential", "gpipe", "1f1b");
  plan.chunks = any_count();
  plan.micro_batches = any_count();
  plan.micro_batch_size = any_count();
  plan.window = *rc::gen::inRange<std::int64_t>(1, 1025);
  plan.iterations = any_count();
  plan.seed = static_cast<std::uint64_t>(*rc::gen::inRange<std::int64_t>(0, std::numeric_limits<std::int64_t>::max()));
  if (*rc::gen::arbitrary<bool>()) plan.data = any_text();
  plan.optimizer.kind = *rc::gen::element(OptimizerKind::sgd, OptimizerKind::adam);
  plan.optimizer.learning_rate = any_share() * 10;
  if (plan.optimizer.kind == OptimizerKind::adam) {
    plan.optimizer.beta1 = any_share() * 0.999;
    plan.optimizer.beta2 = any_share() * 0.999;
    plan.optimizer.epsilon = any_share() * 1e-6;
  }
  if (*rc::gen::arbitrary<bool>()) plan.model_fingerprint = *rc::gen::arbitrary<std::uint64_t>();
  plan.pipeline = *rc::gen::inRange<std::int64_t>(1, 6);
  divide(plan);
  if (*rc::gen::arbitrary<bool>())
    for (std::int64_t cut = 1; cut < plan.pipeline; ++cut) plan.cuts.push_back(any_text());
  return plan;
}

void check_equal(const Plan& a, const Plan& b) {
  RC_ASSERT(a.model == b.model && a.cluster == b.cluster && a.schedule == b.schedule && a.data == b.data);
  RC_ASSERT(a.chunks == b.chunks);
  RC_ASSERT(a.pipeline == b.pipeline && a.micro_batches == b.micro_batches && a.micro_batch_size == b.micro_batch_size);
  RC_ASSERT(a.window == b.window && a.iterations == b.iterations && a.seed == b.seed);
  RC_ASSERT(a.optimizer.kind == b.optimizer.kind && a.optimizer.learning_rate == b.optimizer.learning_rate);
  RC_ASSERT(a.optimizer.beta1 == b.optimizer.beta1 && a.optimizer.beta2 == b.optimizer.beta2);
  RC_ASSERT(a.optimizer.epsilon == b.optimizer.epsilon);
  RC_ASSERT(a.replicas == b.replicas && a.tensor == b.tensor && a.height == b.height && a.width == b.width);
  RC_ASSERT(a.tensor_split == b.tensor_split && a.after_space == b.after_space && a.overlap == b.overlap);
  RC_ASSERT(a.sequence_parallel == b.sequence_parallel && a.synchronised_batch_norm == b.synchronised_batch_norm);
  RC_ASSERT(a.bucket == b.bucket && a.collective == b.collective && a.layouts == b.layouts);
  RC_ASSERT(a.offload_optimizer == b.offload_optimizer && a.offload_weights == b.offload_weights);
  RC_ASSERT(a.update_on == b.update_on);
  RC_ASSERT(a.repeat_collectives == b.repeat_collectives && a.dropout == b.dropout && a.float_gradients == b.float_gradients);
  RC_ASSERT(a.precision == b.precision && a.convolution_algorithm == b.convolution_algorithm);
  RC_ASSERT(a.cuts == b.cuts);
  RC_ASSERT(a.model_fingerprint == b.model_fingerprint);
}

}  // namespace

TEST_CASE("a plan that is written and read is the same plan") {
  const bool holds = rc::check([] {
    const Plan plan = any_plan();

    check_equal(plan_from(write_plan(plan)), plan);
  });

  CHECK(holds);
}

TEST_CASE(
    "the example of docs/plan-file.md is a plan that cuts the model as the page says, and the page lists every key") {
  std::ifstream file(source_dir() + "/docs/plan-file.md");
  std::stringstream stream;
  stream << file.rdbuf();
  const std::string page = stream.str();
  const std::size_t begin = page.find("```yaml\n") + 8, end = page.find("```", begin);

  const Plan plan = plan_from(page.substr(begin, end - begin));
  const Model model = load_model(plan.model);
  const std::vector<std::size_t> cuts = resolve_cuts(plan, model);

  REQUIRE(cuts.size() == 2);
  CHECK(model.layer(static_cast<LayerId>(cuts[1] - 1)).name == "hidden.3.relu");
  CHECK(plan.micro_batches * plan.micro_batch_size == 32);
  CHECK(plan.optimizer.epsilon == 1e-8);
  for (const std::string key : {"model", "model_fingerprint", "cluster", "mesh.pipeline", "schedule", "micro_batches",
                                "micro_batch_size", "window", "optimizer.kind", "optimizer.learning_rate",
                                "optimizer.beta1", "optimizer.epsilon", "iterations", "seed", "data", "cuts"})
    CHECK(page.find("| `" + key + "`") != std::string::npos);
}

TEST_CASE("a plan needs only its model, and the rest has defaults") {
  const Plan plan = plan_from("model: mlp");

  CHECK(plan.model == "mlp");
  CHECK(plan.cluster == "host");
  CHECK(plan.pipeline == 1);
  CHECK(plan.schedule == "1f1b");
  CHECK(plan.micro_batches == 8);
  CHECK(plan.micro_batch_size == 4);
  CHECK(plan.window == 2);
  CHECK(plan.optimizer.kind == OptimizerKind::adam);
  CHECK(plan.iterations == 20);
  CHECK(plan.seed == 1);
  CHECK(plan.cuts.empty());
  CHECK_FALSE(plan.model_fingerprint);
}

TEST_CASE("a plan divides data, tensors and images, and says how its ranks talk") {
  const Plan plan = plan_from(R"(model: vgg-nano
mesh: {pipeline: 2, data: 3, tensor: 4, spatial: [5, 6]}
tensor_split: naive
after_space: tensor
sequence_parallel: true
synchronised_batch_norm: true
overlap: false
bucket: 1 MB
collective: ring
layouts: {fc3: rows}
)");

  CHECK(mesh_of(plan).sizes == Coordinate{{2, 3, 5, 6, 4}});
  CHECK(plan.tensor_split == TensorSplit::naive);
  CHECK(plan.after_space == AfterSpace::tensor);
  CHECK((plan.sequence_parallel && plan.synchronised_batch_norm && !plan.overlap));
  CHECK(plan.bucket == Bytes{1'000'000});
  CHECK(plan.collective == "ring");
  CHECK(plan.layouts == std::vector<std::pair<std::string, std::string>>{{"fc3", "rows"}});
}

TEST_CASE("how a plan divides is refused where it stands when it is no such thing") {
  CHECK(complaint_about("model: mlp\ntensor_split: megatorn\n") ==
        "plan.yaml:2:15: error: unknown; did you mean \"megatron\"?; got \"megatorn\", "
        "want one of megatron, naive, ulysses, best");
  CHECK(complaint_about("model: mlp\nafter_space: tensr\n") ==
        R"(plan.yaml:2:14: error: unknown; did you mean "tensor"?; got "tensr", want one of replicated, tensor, samples)");
  CHECK(complaint_about("model: mlp\ncollective: rign\n").find(
            R"(plan.yaml:2:13: error: no such algorithm; did you mean "ring"?; got "rign", want one of auto, )") == 0);
  CHECK(complaint_about("model: mlp\nmesh: {spatial: [2]}\n") ==
        R"(plan.yaml:2:17: error: not the ranks of two dimensions; got "1", want [height, width])");
  for (const std::string line :
       {"mesh: {data: 0}", "mesh: {tensor: -1}", "mesh: {spatial: [0, 2]}", "mesh: {spatial: 2}",
        "mesh: {spatial: [2, 2, 2]}", "overlap: yes", "sequence_parallel: on", "bucket: 25", "bucket: -1 MB",
        "bucket: 1 GB/s", "bucket: 0 B", "layouts: [fc3]", "layouts: {fc3: [rows]}",
        "layouts: {fc3: rows, fc3: columns}"}) {
    CAPTURE(line);
    CHECK(complaint_about("model: mlp\n" + line + "\n").find("plan.yaml:2:") == 0);
  }
}

TEST_CASE("a plan without a model is refused") {
  CHECK(complaint_about("cluster: host").find("plan.yaml:1:1: error: ") == 0);
  CHECK(complaint_about("cluster: host").find("model") != std::string::npos);
}

TEST_CASE("an unknown key is refused where it stands, with the nearest key") {
  const std::string in_plan = complaint_about("model: mlp\nmicro_batchs: 4\n");
  const std::string in_mesh = complaint_about("model: mlp\nmesh: {pipelin: 4}\n");
  const std::string in_optimizer = complaint_about("model: mlp\noptimizer:\n  kind: adam\n  learning_rat: 1\n");

  CHECK(in_plan.find("plan.yaml:2:1: error: ") == 0);
  CHECK(in_plan.find(R"(did you mean "micro_batches"?)") != std::string::npos);
  CHECK(in_mesh.find("plan.yaml:2:8: error: ") == 0);
  CHECK(in_mesh.find(R"(did you mean "pipeline"?)") != std::string::npos);
  CHECK(in_optimizer.find("plan.yaml:4:3: error: ") == 0);
  CHECK(in_optimizer.find(R"(did you mean "learning_rate"?)") != std::string::npos);
}

TEST_CASE("counts outside their range are refused where they stand") {
  for (const std::string line :
       {"micro_batches: 0", "micro_batch_size: 0", "window: 0", "window: 1025", "iterations: 0",
        "micro_batches: 4294967296", "micro_batches: -1", "micro_batches: 1.5", "micro_batches: 1e3",
        "micro_batches: 0x10", "micro_batches: 99999999999999999999", "micro_batches: four", "micro_batches: \"4\"",
        "micro_batches: ~", "micro_batches: [4]", "seed: -1", "seed: 9223372036854775808"}) {
    CAPTURE(line);
    const std::string text = complaint_about("model: mlp\n" + line + "\n");

    CHECK(text.find("plan.yaml:2:") == 0);
    CHECK(text.find(": error: ") != std::string::npos);
  }
  CHECK(complaint_about("model: mlp\nmesh: {pipeline: 0}\n").find("plan.yaml:2:18: error: ") == 0);
  CHECK(complaint_about("model: mlp\nmesh: 4\n").find("plan.yaml:2:7: error: ") == 0);
}

TEST_CASE("an unknown schedule is refused where it stands, with the nearest and the list") {
  CHECK(
      complaint_about("model: mlp\nschedule: 1f2b\n") ==
      R"(plan.yaml:2:11: error: no such schedule; did you mean "1f1b"?; got "1f2b", )"
      "want one of auto, auto-1, auto-v, auto-interleaved, auto-wave, 1f1b, chimera, dualpipe, dualpipev, gpipe, gpipe-reversed, hanayo, interleaved-1f1b, "
        "pipedream, pipedream-2bw, pipedream-vertical-sync, sequential, v-half, v-min, zb-h1, zb-h2, zb-v");
}

TEST_CASE("an optimizer's numbers are checked, and those of another optimizer are refused") {
  const auto about = [](const std::string& entries) {
    return complaint_about("model: mlp\noptimizer: {" + entries + "}\n");
  };

  CHECK(about("kind: adan") ==
        R"(plan.yaml:2:19: error: no such optimizer; did you mean "adam"?; got "adan", want sgd or adam)");
  CHECK(about("learning_rate: 1").find("kind") != std::string::npos);
  CHECK(about("kind: sgd, beta1: 0.5") == "plan.yaml:2:31: error: sgd has no beta1, which is of adam");
  CHECK(about("kind: adam, beta2: 1") ==
        R"(plan.yaml:2:32: error: Adam never forgets; got "1", want a number from 0 to below 1)");
  CHECK(about("kind: adam, epsilon: 0") ==
        R"(plan.yaml:2:34: error: Adam may divide by zero; got "0", want above zero)");
  CHECK(about("kind: sgd, learning_rate: -1").find("plan.yaml:2:39: error: ") == 0);
  CHECK(about("kind: sgd, learning_rate: nan").find("plan.yaml:2:39: error: ") == 0);
  CHECK(about("kind: sgd, learning_rate: 0.1") == "");
}

TEST_CASE("the number of cuts must suit the mesh") {
  CHECK(
      complaint_about("model: mlp\nmesh: {pipeline: 3}\ncuts: [a]\n") ==
      R"(plan.yaml:3:7: error: the number of cuts does not suit the mesh; got "1 cuts", )"
      "want 2, one fewer than the 3 stages");
  CHECK(complaint_about("model: mlp\ncuts: [a]\n").find(R"(got "1 cuts", want 0)") != std::string::npos);
  CHECK(complaint_about("model: mlp\ncuts: []\n") == "");
  CHECK(complaint_about("model: mlp\nmesh: {pipeline: 2}\ncuts: a\n").find("plan.yaml:3:7: error: ") == 0);
}

TEST_CASE("a fingerprint is sixteen hexadecimal digits") {
  for (const std::string text :
       {"12", "\"00000000000000000\"", "\"0x00000000000001\"", "\"000000000000000g\"", "\"-000000000000001\""}) {
    CAPTURE(text);
    CHECK(complaint_about("model: mlp\nmodel_fingerprint: " + text + "\n")
              .find("plan.yaml:2:20: error: no fingerprint") == 0);
  }
  CHECK(*plan_from("model: mlp\nmodel_fingerprint: \"00000000000000ff\"\n").model_fingerprint == 255);
}

TEST_CASE("cuts are named by the layers at which stages begin") {
  Plan plan = plan_of("1f1b", 3, 1);
  plan.cuts = {"r", "b"};

  CHECK(resolve_cuts(plan, two_layer_mlp()) == std::vector<std::size_t>{2, 3});
  plan.cuts = {};
  CHECK(resolve_cuts(plan, two_layer_mlp()).empty());  // left to the partitioner
}

TEST_CASE("a cut that is no layer, no place to cut or out of order is refused where it stands in the file") {
  const auto about = [](const std::string& cuts) {
    return complaint(
        [&] { resolve_cuts(plan_from("model: m\nmesh: {pipeline: 3}\ncuts:\n" + cuts), two_layer_mlp()); });
  };

  CHECK(about("  - r\n  - lost\n") ==
        R"(plan.yaml:5:5: error: cut: no such layer in two-layer-mlp; did you mean "loss"?; got "lost")");
  CHECK(about("  - b\n  - r\n") == R"(plan.yaml:5:5: error: cut: out of order; got "r", want a layer after "b")");
  CHECK(about("  - b\n  - b\n") == R"(plan.yaml:5:5: error: cut: out of order; got "b", want a layer after "b")");
  CHECK(about("  - a\n  - b\n") ==
        R"(plan.yaml:4:5: error: cut: the model cannot be split before this layer; got "a")");
  CHECK(about("  - x\n  - b\n") ==
        R"(plan.yaml:4:5: error: cut: the model cannot be split before this layer; got "x")");
  CHECK(about("  - b\n  - loss\n") ==
        R"(plan.yaml:5:5: error: cut: the model cannot be split before this layer; got "loss")");
}

TEST_CASE("cuts that no longer suit the number of ranks are refused") {
  Plan plan = plan_of("1f1b", 4, 1);
  plan.cuts = {"b"};

  CHECK(
      complaint([&] { resolve_cuts(plan, two_layer_mlp()); }) ==
      R"(error: the number of cuts does not suit the mesh; got "1 cuts", want 3, one fewer than the 4 stages)");
}

TEST_CASE("a plan for another model is refused with both fingerprints, at its place") {
  const Plan plan = plan_from("model: m\nmodel_fingerprint: \"00000000000000ff\"\n");
  const Model model = two_layer_mlp();

  const std::string text = complaint([&] { resolve_cuts(plan, model); });

  CHECK(text.find("plan.yaml:2:20: error: the plan was made for another model; got \"00000000000000ff\", want ") == 0);
  CHECK(text.find("the fingerprint of two-layer-mlp") != std::string::npos);

  Plan right = plan;
  right.model_fingerprint = model.fingerprint();
  CHECK(complaint([&] { resolve_cuts(right, model); }) == "");
}
