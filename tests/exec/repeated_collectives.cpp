// Collectives of forward that run again in backward: the bits of what is kept instead, in less memory, for as many more
// bytes between ranks as the formula says.

#include "plan/memory_script.hpp"
#include "tests/catch.hpp"
#include "tests/exec/run_scenario.hpp"
#include "tests/plan/meshes.hpp"

using namespace tandem;

namespace {

Program lowered(const Model& model, Plan plan, bool repeats) {
  plan.repeat_collectives = repeats;
  plan.collective = "ring";
  std::vector<std::size_t> cuts;
  if (plan.pipeline > 1) cuts = even_cuts(model, static_cast<std::size_t>(plan.pipeline));
  return lower_on(plan, model, cuts);
}

Plan divided(std::int64_t tensor, bool sequence_parallel) {
  Plan plan = plan_on(1, 1, 1, tensor);
  plan.micro_batches = 3;
  plan.micro_batch_size = 2;
  plan.sequence_parallel = sequence_parallel;
  return plan;
}

void check_same(const Program& program, const Program& kept, const Model& model) {
  const Model stored = model.stored_as(program.local(SegmentId{0}).model.stored());
  const Dataset dataset = small_data(stored);
  const RunOptions options{.iterations = 2};
  const RunResult want = run_on_one_thread(kept, stored, dataset, options);
  const std::vector<MemoryPeak> peaks = script_peaks(program);
  for (const AnyRide ride : kRides) {
    const RunResult result = ride(program, stored, dataset, options);
    CHECK(result.losses == want.losses);
    CHECK(result.weights == want.weights);
    CHECK(result.gradients == want.gradients);
    for (const Timeline& timeline : result.timelines)
      for (std::size_t worker = 0; worker < peaks.size(); ++worker) CHECK(timeline.peaks[worker] == peaks[worker]);
  }
}

/// Of all collectives, what the worker sends by their rounds.
std::int64_t bytes_sent_by(const Program& program, std::uint32_t worker) {
  std::int64_t bytes = 0;
  for (const Collective& collective : program.collectives()) {
    const CollectiveSpec& spec = program.spec(collective);
    for (std::uint32_t rank = 0; rank < spec.members.size(); ++rank)
      if (index_of(spec.members[rank]) == worker) bytes += bytes_sent(*spec.algorithm, spec.shape, rank).count;
  }
  return bytes;
}

std::int64_t kept_by(const Program& program, std::uint32_t worker) {
  std::int64_t bytes = 0;
  for (std::uint32_t i = 0; i < program.buffers().size(); ++i) {
    const BufferSpec& spec = program.spec(static_cast<BufferId>(i));
    if (index_of(spec.worker) == worker && spec.kind == BufferClass::activation) bytes += spec.bytes.count;
  }
  return bytes;
}

}  // namespace

TEST_CASE("what is gathered again has the bits of what is kept, overlapped or not, whatever is recomputed") {
  for (const bool sequence_parallel : {true, false})
    for (const bool overlap : {true, false})
      for (const char* recompute : {"none", "selective", "block", "every:3", "full"})
        for (const ElementType precision : {ElementType::float32, ElementType::bfloat16}) {
          const Model model = small_gpt();
          Plan plan = divided(2, sequence_parallel);
          plan.overlap = overlap;
          plan.recompute = recompute;
          plan.precision = precision;
          INFO(recompute << (overlap ? ", overlap" : "") << (sequence_parallel ? ", positions" : ""));

          check_same(lowered(model, plan, true), lowered(model, plan, false), model);
        }
}

TEST_CASE("schedules that compute W apart gather for it, in pipelines and beside replicas") {
  for (const char* schedule : {"zb-h1", "1f1b", "gpipe"})
    for (const bool overlap : {true, false})
      for (const char* recompute : {"none", "block"}) {
        const Model model = small_gpt();
        Plan plan = divided(2, true);
        plan.pipeline = 2;
        plan.replicas = 2;
        plan.schedule = schedule;
        plan.overlap = overlap;
        plan.recompute = recompute;
        plan.micro_batches = 4;
        plan.bucket = Bytes{2'000};
        INFO(schedule << ", " << recompute << (overlap ? ", overlap" : ""));

        check_same(lowered(model, plan, true), lowered(model, plan, false), model);
      }
}

TEST_CASE("each gather that is repeated costs a rank its own part to each other rank, once a micro-batch") {
  const Model model = small_gpt();
  Plan plan = divided(2, true);
  plan.replicas = GENERATE(1, 2);
  for (const char* schedule : {"1f1b", "zb-h1"}) {
    plan.schedule = schedule;
    const Program again = lowered(model, plan, true), kept = lowered(model, plan, false);

    // Inputs of qkv and fc of two blocks, and that of the output: 2 samples x 8 positions x 16 values of 4 bytes each, of
    // which a rank sends its half to the other one; 3 micro-batches.
    const std::int64_t tensor = 2 * 8 * 16 * 4;
    CHECK(bytes_sent_by(again, 0) - bytes_sent_by(kept, 0) == 3 * 5 * tensor / 2);
    // It keeps halves for them.
    CHECK(kept_by(kept, 0) - kept_by(again, 0) == 3 * 5 * tensor / 2);
  }
}

TEST_CASE("a gather starts before the input gradient that takes its time, and W waits for it") {
  Plan plan = divided(2, true);
  plan.repeat_collectives = true;
  const Program program = lowered(small_gpt(), plan, true);
  const Segment& segment = program.segment(SegmentId{0});

  std::size_t overlapped = 0;
  for (const SegmentCollective& entry : segment.backward_collectives) {
    if (!entry.again) continue;
    CHECK(entry.after_part < entry.before_part);
    overlapped += entry.before_part > entry.after_part + 1;
  }

  CHECK(overlapped == 5);  // of qkv and fc of two blocks, and of the output
}
