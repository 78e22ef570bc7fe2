// The optimizer's step on the host's cores: what is where, what moves, and what waits for what.

#include <algorithm>

#include "hardware_profiles/cluster.hpp"
#include "plan/memory_script.hpp"
#include "plan/prices.hpp"
#include "plan/program_builder.hpp"
#include "plan/verify.hpp"
#include "tests/catch.hpp"
#include "tests/plan/meshes.hpp"
#include "tests/plan/models.hpp"

using namespace tandem;

namespace {

constexpr std::int64_t kBlock = 16 * 16 + 16;  ///< parameters of one of equal_blocks(): 1,088 bytes

/// A layer to a bucket.
Plan on_host(std::int64_t replicas = 1, std::int64_t zero = 0) {
  Plan plan;
  plan.schedule = "gpipe";
  plan.pipeline = 1;
  plan.replicas = replicas;
  plan.zero = zero;
  plan.micro_batches = 2;
  plan.micro_batch_size = 3;
  plan.bucket = Bytes{1000};
  plan.update_on = UpdateOn::host;
  return plan;
}

std::int64_t most(const Program& program, BufferClass kind) {
  return script_peaks(program)[0].by_class[static_cast<std::size_t>(kind)].count;
}

/// Steps of worker 0 on the stream, in order.
std::vector<StepId> steps_on(const Program& program, StreamKind kind) {
  std::vector<StepId> steps;
  for (const Stream& stream : program.streams())
    for (std::uint32_t i = 0; stream.worker == WorkerId{0} && stream.kind == kind && i < stream.count; ++i)
      steps.push_back(static_cast<StepId>(index_of(stream.first) + i));
  return steps;
}

bool waits(const Program& program, StepId later, StepId earlier) {
  const auto after = program.after(later);
  return std::find(after.begin(), after.end(), earlier) != after.end();
}

/// Bytes of the copies of worker 0 over the stream.
std::int64_t moved(const Program& program, StreamKind kind) {
  std::int64_t bytes = 0;
  for (const StepId copy : steps_on(program, kind)) bytes += program.copy(copy).bytes.count;
  return bytes;
}

}  // namespace

TEST_CASE("states are never on the device, and the host has weights and gradients beside them") {
  const Program fp32 = lower_on(on_host(), equal_blocks(6));
  Plan plan = on_host();
  plan.precision = ElementType::bfloat16;
  const Program bf16 = lower_on(plan, equal_blocks(6).stored_as(plan.precision));

  CHECK(most(fp32, BufferClass::optimizer_state) == 0);
  CHECK(most(fp32, BufferClass::host) == (4 + 4 + 8) * 6 * kBlock);
  CHECK(most(bf16, BufferClass::optimizer_state) == 0);
  constexpr std::int64_t kAligned = 16 * 16 + 32;  // 16 biases of 2 bytes fill 64
  CHECK(most(bf16, BufferClass::host) == (2 + 2 + 4 + 8) * 6 * kAligned);  // weight, gradient, master copy, moments
  CHECK(most(bf16, BufferClass::weight) == 2 * 6 * kAligned);
}

TEST_CASE("of a bucket the gradients leave, the host updates it, the weights come back, bucket by bucket") {
  const Program program = lower_on(on_host(), equal_blocks(4));

  const auto out = steps_on(program, StreamKind::copy_out), host = steps_on(program, StreamKind::host),
             in = steps_on(program, StreamKind::copy_in);

  std::vector<StepId> backward;  // of the last micro-batch, the last layer's part first
  for (const StepId step : steps_on(program, StreamKind::compute))
    if (program.step(step).kind == StepKind::backward && program.step(step).micro_batch == 1) backward.push_back(step);

  REQUIRE(out.size() == 4);
  REQUIRE(host.size() == 4);
  REQUIRE(in.size() == 4);
  for (std::size_t i = 0; i < 4; ++i) {
    CHECK(waits(program, out[i], backward.at(i)));  // not for those that go on
    CHECK(waits(program, host[i], out[i]));
    CHECK(waits(program, in[i], host[i]));
    CHECK(program.copy(out[i]).bytes.count == 4 * kBlock);
    CHECK(program.copy_offset(out[i], Access::read) == 4 * kBlock * (3 - static_cast<std::int64_t>(i)));  // last layer first
    CHECK(program.copy_offset(out[i], Access::write) == 0);
  }
}

TEST_CASE("a parameter larger than a bucket goes in pieces, so that its copy out, update and copy in overlap, too") {
  Plan plan = on_host();
  plan.bucket = Bytes{300};

  const Program program = lower_on(plan, equal_blocks(1));

  // The block's 1,088 bytes in 3 pieces, of 363 bytes rounded up to 384.
  std::vector<std::int64_t> bytes, first;
  for (const StepId out : steps_on(program, StreamKind::copy_out)) {
    bytes.push_back(program.copy(out).bytes.count);
    first.push_back(program.copy_offset(out, Access::read));
  }
  CHECK(bytes == std::vector<std::int64_t>{384, 384, 320});
  CHECK(first == std::vector<std::int64_t>{0, 384, 768});
  CHECK(steps_on(program, StreamKind::host).size() == 3);
}

TEST_CASE("homes on the host are updated where they are: weights and gradients visit twice less each") {
  Plan plan = on_host();
  plan.offload_weights = true;
  const Program there = lower_on(plan, equal_blocks(4));
  plan.update_on = UpdateOn::device;
  const Program here = lower_on(plan, equal_blocks(4));

  const std::int64_t values = 4 * 4 * kBlock;  // bytes of all weights, or of all gradients
  CHECK(moved(here, StreamKind::copy_out) - moved(there, StreamKind::copy_out) == values);     // updated weights
  CHECK(moved(here, StreamKind::copy_in) - moved(there, StreamKind::copy_in) == 2 * values);   // weights and gradients
}

TEST_CASE("what waits for the host where replicas share: the sum before it, the gathering of weights after it") {
  for (const std::int64_t zero : {0, 1, 2, 3}) {
    INFO("zero " << zero);
    const Program program = lower_on(on_host(2, zero), equal_blocks(4));
    const auto host = steps_on(program, StreamKind::host), in = steps_on(program, StreamKind::copy_in);
    const auto gathers = steps_on(program, StreamKind::gather_weights);

    CHECK(host.size() == 4);
    CHECK(most(program, BufferClass::host) == 16 * 4 * kBlock / (zero == 0 ? 1 : 2));
    if (zero != 1 && zero != 2) continue;
    REQUIRE(gathers.size() == 4);
    for (const StepId gather : gathers)
      CHECK(std::ranges::any_of(in, [&](StepId copy) { return waits(program, gather, copy); }));
  }
}

TEST_CASE("an update on the host that several would be is refused") {
  Plan plan = on_host();
  plan.pipeline = 2;
  plan.schedule = "pipedream";

  CHECK_THAT(complaint([&] { lower_on(plan, equal_blocks(2), block_cuts(2)); }),
             Catch::Contains("update_on: the schedule updates weights more than once an iteration"));
}

TEST_CASE("the price of an update is the roofline of all cores of the server, which devices of a node share") {
  Plan plan = on_host(2);
  plan.bucket = Bytes{1'000'000'000};
  const Model model = equal_blocks(4);
  const Cluster cluster = load_cluster("tesla-k80:32");
  const Program program = lower(plan, model, {}, {DeviceId{0}, DeviceId{1}});
  const Program apart = lower(plan, model, {}, {DeviceId{0}, DeviceId{16}});

  const Prices prices = price(program, model, cluster, CostModel(), plan.optimizer);
  const Prices of_two = price(apart, model, cluster, CostModel(), plan.optimizer);

  const StepId update = steps_on(program, StreamKind::host).at(0);
  // 272 parameters of each of 4 blocks, 28 bytes each: gradient, weight and two moments read, the last three written.
  CHECK(prices.works[program.step(update).object].time.count == Approx(4 * kBlock * 28 / 153.6e9 * 1e12));
  CHECK(prices.host_resource[0] == prices.host_resource[1]);
  CHECK(prices.resources[prices.host_resource[0]].cores == 1);
  CHECK(of_two.host_resource[0] != of_two.host_resource[1]);  // 16 chips in a server
}

TEST_CASE("a device whose host is not known is named") {
  const Plan plan = on_host();
  const Model model = equal_blocks(2);
  const Program program = lower_on(plan, model);

  CHECK_THAT(complaint([&] { price(program, model, load_cluster("graphcore-ipu-mk1"), CostModel(), plan.optimizer); }),
             Catch::Contains("device graphcore-ipu-mk1: nothing can be updated on its host, whose cores are unknown"));
}

TEST_CASE("verify names what the host would update too early, or in vain") {
  enum class Fault { none, leaves_too_early, does_not_wait, does_not_come_back, comes_too_early };
  struct Row {
    Fault fault;
    const char* complaint;
  };
  const Row row = GENERATE(values<Row>({
      {Fault::none, "misses F"},
      {Fault::leaves_too_early, "may be written while it is used"},
      {Fault::does_not_wait, "may be written while it is used"},
      {Fault::does_not_come_back, "what the host writes does not go back: worker \"stage 0\", step update"},
      {Fault::comes_too_early, "may be written while it is used"},
  }));
  ProgramBuilder builder;
  const WorkerId worker = builder.add_worker("stage 0", 0, DeviceId{0});
  const SegmentId segment = builder.add_segment({});
  const auto buffer = [&](BufferClass kind, BufferContent content) {
    return builder.add_buffer({worker, segment, kind, content, {64}}, 0);
  };
  const auto copy = [&](StepKind kind, BufferContent content, BufferId from, BufferId to) {
    const StepId step = builder.add_copy(builder.add_copy_spec({worker, kind, segment, 0, {64}, content}), 0);
    builder.use(step, from, Access::read);
    builder.use(step, to, Access::write);
    return step;
  };
  using enum BufferContent;
  const BufferId weights_here = buffer(BufferClass::weight, weights), home = buffer(BufferClass::host, weights);
  const BufferId sums_here = buffer(BufferClass::gradient, gradients), sums = buffer(BufferClass::host, gradients);
  const StepId zero = builder.add_compute(builder.add_work({StepKind::zero_gradients, worker, segment}), 0);
  builder.use(zero, sums_here, Access::write);
  builder.use(zero, weights_here, Access::read);
  const StepId out = copy(StepKind::copy_out, gradients, sums_here, sums);
  StepWork work{StepKind::update, worker, segment};
  work.stream = StreamKind::host;
  const StepId update = builder.add_compute(builder.add_work(work), 0);
  builder.use(update, sums, Access::read);
  builder.use(update, home, Access::read_write);
  const StepId in = copy(StepKind::copy_in, weights, home, weights_here);
  if (row.fault != Fault::leaves_too_early) builder.add_after(out, zero);
  if (row.fault != Fault::does_not_wait) builder.add_after(update, out);
  if (row.fault == Fault::does_not_come_back) builder.add_after(update, in);
  else builder.add_after(in, update);
  if (row.fault != Fault::comes_too_early) builder.add_after(in, zero);

  const Program program = std::move(builder).finish(1);

  CHECK_THAT(complaint([&] { verify(program); }), Catch::Contains(row.complaint));
}
