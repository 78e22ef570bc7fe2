// Plans whose tensors are stored in bfloat16: every size in a Program follows, to the byte.

#include "base/yaml.hpp"
#include "plan/memory_script.hpp"
#include "plan/prices.hpp"
#include "plan/verify.hpp"
#include "tests/catch.hpp"
#include "tests/plan/meshes.hpp"

using namespace tandem;

namespace {

constexpr auto kShort = ElementType::bfloat16;

Plan stored_short(Plan plan) {
  plan.precision = kShort;
  return plan;
}

std::int64_t held(const Program& program, std::uint32_t worker) {
  return held(program, worker, BufferClass::weight) + held(program, worker, BufferClass::gradient) +
         held(program, worker, BufferClass::optimizer_state);
}

/// Values of four blocks, each parameter rounded up to 64 bytes: 32 values of two bytes.
constexpr std::int64_t kValues = 4 * (16 * 16 + 32);

}  // namespace

TEST_CASE("a plan file keeps its precision, and a wrong one is refused where it stands") {
  const Plan plan = read_plan(parse_yaml("model: mlp\nprecision: bf16\n", "plan.yaml"));

  CHECK(plan.precision == kShort);
  CHECK(read_plan(parse_yaml(write_plan(plan), "plan.yaml")).precision == kShort);
  CHECK(complaint([] { read_plan(parse_yaml("model: mlp\nprecision: fp16\n", "plan.yaml")); }) ==
        "plan.yaml:2:12: error: no such precision; got \"fp16\", want fp32 or bf16");
}

TEST_CASE("mixed-precision Adam holds 16 bytes a parameter, and ZeRO's stages divide them as its paper says") {
  // 1910.02054: 2 of weight, 2 of gradient, 12 of master copy and two moments; over N ranks 4 + 12 / N, 2 + 14 / N, 16 / N.
  const std::int64_t replicas = GENERATE(2, 4, 8);
  Plan plan = stored_short(plan_on(replicas, 1, 1, 1));
  plan.micro_batches = 2;
  const std::int64_t sixteenths[] = {16 * replicas, 4 * replicas + 12, 2 * replicas + 14, 16};  // times N

  for (std::int64_t zero = 0; zero <= 3; ++zero) {
    plan.zero = zero;
    const Program program = lower_on(plan, equal_blocks(4));

    for (std::uint32_t worker = 0; worker < replicas; ++worker) {
      INFO("zero " << zero << ", worker " << worker << " of " << replicas);
      CHECK(held(program, worker) == sixteenths[zero] * kValues / replicas);
      const std::int64_t share = zero == 0 ? kValues : kValues / replicas;
      CHECK(held(program, worker, BufferClass::optimizer_state) == 12 * share);
    }
  }
}

TEST_CASE("gradients held in float take two more bytes a parameter, which ZeRO's stages divide with them") {
  const std::int64_t replicas = GENERATE(2, 4, 8);
  Plan plan = stored_short(plan_on(replicas, 1, 1, 1));
  plan.micro_batches = 2;
  plan.float_gradients = true;
  // 2 of weight, 4 of gradient, 12 of states: 18; 6 + 12 / N, 2 + 16 / N, 18 / N. Times N:
  const std::int64_t bytes[] = {18 * replicas, 6 * replicas + 12, 2 * replicas + 16, 18};

  for (std::int64_t zero = 0; zero <= 3; ++zero) {
    plan.zero = zero;
    const Program program = lower_on(plan, equal_blocks(4));

    for (std::uint32_t worker = 0; worker < replicas; ++worker) {
      INFO("zero " << zero << ", worker " << worker << " of " << replicas);
      CHECK(held(program, worker) == bytes[zero] * kValues / replicas);
    }
    for (const CollectiveSpec& spec : program.collective_specs())
      CHECK(spec.shape.type == (spec.shape.kind == CollectiveKind::all_gather ? kShort : ElementType::float32));
  }
}

TEST_CASE("plain descent keeps the master copy alone") {
  Plan plan = stored_short(plan_on(1, 1, 1, 1));
  plan.optimizer.kind = OptimizerKind::sgd;

  CHECK(held(lower_on(plan, equal_blocks(4)), 0) == (2 + 2 + 4) * kValues);
}

TEST_CASE("activations, messages, gradients on their way and what is kept have two bytes a value") {
  // Two stages of two blocks; a tensor of four samples is 64 values: 128 bytes, where float has 256.
  Plan wide = plan_of("gpipe", 2, 3);
  wide.micro_batch_size = 4;
  const Plan half = stored_short(wide);

  const Program wide_program = lower_on(wide, equal_blocks(4), {5}), half_program = lower_on(half, equal_blocks(4), {5});

  for (const Channel& channel : half_program.channels()) CHECK(channel.bytes == Bytes{128});
  for (std::size_t i = 0; i < 2; ++i) {
    const Segment &a = half_program.segments()[i], &b = wide_program.segments()[i];
    CHECK(a.saved_bytes * 2 == b.saved_bytes);
    CHECK(a.inbox_bytes * 2 == b.inbox_bytes);
    CHECK(a.gradient_outbox_bytes * 2 == b.gradient_outbox_bytes);
  }
  // The loss is kept as a float: its buffer is one of 64 bytes in both.
  CHECK(half_program.segments()[0].backward_workspace * 2 == wide_program.segments()[0].backward_workspace);
}

TEST_CASE("statistics and losses stay floats, tokens and targets integers") {
  const Model model = load_model("gpt-nano").stored_as(kShort);
  for (const Layer& layer : model.layers()) {
    INFO(layer.name);
    if (layer.kind->inputs == 0) CHECK(layer.output.type == ElementType::int32);
    else CHECK(layer.output.type == (layer.kind->is_loss ? ElementType::float32 : kShort));
    for (const TensorSpec& extra : layer.kept.extra)
      CHECK(extra.type == (layer.kind->name == "layer_norm" ? ElementType::float32 : kShort));
  }
  for (const Parameter& parameter : model.parameters())
    CHECK(parameter.spec.bytes() == Bytes{2} * parameter.spec.elements());
  CHECK(model.fingerprint() == load_model("gpt-nano").fingerprint());
  CHECK(model.parameter_count() == load_model("gpt-nano").parameter_count());
}

TEST_CASE("collectives send half the bytes, but those of statistics as many") {
  const Plan wide = [] {
    Plan plan = plan_on(2, 1, 1, 2);
    plan.synchronised_batch_norm = true;
    return plan;
  }();
  const Model model = load_model("resnet-nano");

  const Program a = lower_on(stored_short(wide), model), b = lower_on(wide, model);

  REQUIRE(a.collective_specs().size() == b.collective_specs().size());
  std::int64_t halved = 0, kept = 0;
  for (std::size_t i = 0; i < a.collective_specs().size(); ++i) {
    const CollectiveShape &half = a.collective_specs()[i].shape, &whole = b.collective_specs()[i].shape;
    if (half.type == ElementType::float32) {
      CHECK(half.vector_bytes(0) == whole.vector_bytes(0));  // moments of channels
      ++kept;
    } else if (a.collective_specs()[i].stream != StreamKind::reduce_gradients) {
      CHECK(half.vector_bytes(0) * 2 == whole.vector_bytes(0));
      ++halved;
    }
  }
  CHECK(kept > 0);
  CHECK(halved > 0);
}

TEST_CASE("products of bfloat16 run at the device's rate for them, all else at that of float") {
  // 2 x 64 x 64 x 64 = 524,288 FLOPs, 64 x 64 values each of x, w and y.
  Device device;
  device.peak_fp32 = {1e9};
  device.memory_bandwidth = {1e15};
  Work work{.products = {{64, 64, 64, 1}}, .elementwise = 1'000'000};

  const double wide = roofline(work, device).value;
  work.type = kShort;
  const double without = roofline(work, device).value;
  device.peak_bf16 = {4e9};
  const double with = roofline(work, device).value;

  CHECK(wide == Approx(524'288e-9 + 1e-3));
  CHECK(without == wide);  // a device without such a rate computes widened
  CHECK(with == Approx(524'288e-9 / 4 + 1e-3));
}

TEST_CASE("an update reads gradients and floats, and writes floats and weights") {
  const Optimizer adam;

  CHECK(adam.state_bytes(kShort, {2}) == Bytes{12});  // 2 bytes of weight: master, two moments
  CHECK(adam.state_bytes(ElementType::float32, {4}) == Bytes{8});
  CHECK(plain_signature(PlainWork::update, 40, adam, kShort, kShort) == "update adam 40 bf16");
  CHECK(plain_signature(PlainWork::update, 40, adam, kShort, ElementType::float32) == "update adam 40 bf16 of fp32");
  CHECK(plain_signature(PlainWork::zero, 40, adam, kShort, ElementType::float32) == "zero 40");
  const Model model = load_model("mlp").stored_as(kShort);
  CHECK(kernel_signature(model, layer_named(model, model.layers()[1].name), Pass::forward, 2).ends_with(" bf16"));
}
