// Peak memory as the Program fixes it, against formulas for a model whose tensors all have the same size.

#include <algorithm>

#include "plan/memory_script.hpp"
#include "plan/program_builder.hpp"
#include "tests/catch.hpp"
#include "tests/plan/models.hpp"

using namespace tandem;

namespace {

constexpr std::int64_t kTensor = 64;                  // one sample of 16 values
constexpr std::int64_t kStatic = 2 * (1024 + 64);  // weight 16 x 16 and bias 16, and their gradients; SGD has no state

std::int64_t static_bytes(const Program& program, WorkerId worker) {
  std::int64_t bytes = 0;
  for (std::uint32_t i = 0; i < program.buffers().size(); ++i) {
    const BufferSpec& spec = program.spec(static_cast<BufferId>(i));
    if (spec.worker == worker && program.buffers()[i].allocated_by == kNone<StepId>) bytes += spec.bytes.count;
  }
  return bytes;
}

/// The most bytes that the worker holds, walking its allocations.
std::int64_t peak(const Program& program, std::size_t worker) {
  const MemoryScript script(program);
  const auto id = static_cast<WorkerId>(worker);
  const Stream& stream = program.stream(program.workers()[worker].compute);
  std::int64_t now = static_bytes(program, id), most = now;
  for (std::uint32_t i = 0; i < stream.count; ++i)
    for (const Moment moment : {Moment::start, Moment::end})
      for (const MemoryAction action : script.at(static_cast<StepId>(index_of(stream.first) + i), moment)) {
        const std::int64_t bytes = program.spec(action.id()).bytes.count;
        now += action.frees ? -bytes : bytes;
        most = std::max(most, now);
      }
  CHECK(now == static_bytes(program, id));  // everything else has been freed
  return most;
}

std::int64_t peak_of(const std::string& schedule, std::size_t stages, std::int64_t batches, std::int64_t window,
                     std::size_t stage) {
  Plan plan = plan_of(schedule, stages, batches);
  plan.window = window;
  plan.optimizer.kind = OptimizerKind::sgd;
  return peak(lower(plan, equal_blocks(stages), block_cuts(stages), one_device_each(stages)), stage);
}

}  // namespace

// A stage between others is a linear layer and a relu. Per micro-batch it keeps the relu's output (saved) and its
// inbox, which W of the linear layer reads, one tensor each; F and B have a workspace of one tensor (the linear layer's
// output, its gradient); outbox, gradient inbox and gradient outbox are one tensor each. With `a` forwards started and
// `b` backwards ended, while B of micro-batch b runs, it holds
//   saved           a - b
//   inbox           w + a - b, as w of them wait ahead of F (at most m - b)
//   outbox          min(a, w), freed w forwards later
//   gradient inbox  min(w, m - b)
//   gradient outbox min(b + 1, w), freed w backwards later
//   workspace       1
// In the steady state a - b is the number f in flight, so the peak is static + f saved + (f + w) inboxes + 3 w messages
// + 1.

TEST_CASE("the peak of 1f1b is static + in flight + messages + workspace, to the byte") {
  for (const std::int64_t window : {1, 2, 4})
    for (const std::size_t stage : {1u, 2u}) {
      const std::int64_t w = window, f = 4 - static_cast<std::int64_t>(stage);  // min(m, p - s)

      CHECK(peak_of("1f1b", 4, 16, window, stage) == kStatic + (f + (f + w) + 3 * w + 1) * kTensor);
    }
}

TEST_CASE("the peak of sequential is that of one micro-batch in flight") {
  for (const std::int64_t w : {1, 2, 4})
    CHECK(peak_of("sequential", 4, 16, w, 1) == kStatic + (1 + (1 + w) + 3 * w + 1) * kTensor);
}

TEST_CASE("the peak of gpipe is that of all micro-batches, at the first backward") {
  // a = m, b = 0: saved m, inbox m (no more can wait), outbox w, gradient inbox w, gradient outbox 1, workspace 1.
  for (const std::int64_t w : {1, 2, 4})
    CHECK(peak_of("gpipe", 4, 16, w, 1) == kStatic + (16 + 16 + w + w + 1 + 1) * kTensor);
}

TEST_CASE("the peak of a stage by numbers: p 4, m 8, window 2") {
  CHECK(peak_of("1f1b", 4, 8, 2, 1) == 3136);        // 2176 + (3 + 5 + 6 + 1) x 64
  CHECK(peak_of("gpipe", 4, 8, 2, 1) == 3584);       // 2176 + (8 + 8 + 2 + 2 + 1 + 1) x 64
  CHECK(peak_of("sequential", 4, 8, 2, 1) == 2880);  // 2176 + (1 + 3 + 6 + 1) x 64
}

TEST_CASE("the first and the last stage hold messages of one side only") {
  // First: saved x and relu per micro-batch, no inbox; f = 4: 4 x 2 saved, outbox w, gradient inbox w, workspace 1.
  CHECK(peak_of("1f1b", 4, 16, 2, 0) == kStatic + (4 * 2 + 2 + 2 + 1) * kTensor);
  // Last, with the loss: relu and targets saved; f = 1: 2 saved, 1 + w inboxes, gradient outbox w. Backward's workspace
  // holds the gradient of the relu, which is read as that of the linear layer is written: 2.
  CHECK(peak_of("1f1b", 4, 16, 2, 3) == kStatic + (2 + (1 + 2) + 2 + 2) * kTensor);
}

TEST_CASE("one stage alone holds no message") {
  // x, relu and targets per micro-batch; backward's workspace as above.
  CHECK(peak_of("gpipe", 1, 5, 2, 0) == kStatic + (5 * 3 + 2) * kTensor);
}

TEST_CASE("at one moment frees come before allocations, each by ascending buffer") {
  ProgramBuilder builder;
  const WorkerId worker = builder.add_worker("w", 0, static_cast<DeviceId>(0));
  const SegmentId segment = builder.add_segment({});
  const StepId first = builder.add_compute(builder.add_work({StepKind::forward, worker, segment}), 0);
  const StepId second = builder.add_compute(builder.add_work({StepKind::backward, worker, segment}), 0);
  std::vector<BufferId> ids;
  for (const std::int64_t bytes : {1, 2, 3, 4})
    ids.push_back(builder.add_buffer({worker, segment, BufferClass::activation, BufferContent::saved, {bytes}}, 0));
  for (const std::size_t early : {3u, 1u})
    builder.allocate(ids[early], first, Moment::start), builder.release(ids[early], second, Moment::start);
  for (const std::size_t late : {2u, 0u})
    builder.allocate(ids[late], second, Moment::start), builder.release(ids[late], second, Moment::end);

  const Program program = std::move(builder).finish(1);
  const MemoryScript script(program);

  std::vector<std::pair<std::uint32_t, bool>> actions;
  for (const MemoryAction action : script.at(second, Moment::start))
    actions.emplace_back(action.buffer, action.frees == 1);
  CHECK(actions == std::vector<std::pair<std::uint32_t, bool>>{{1, true}, {3, true}, {0, false}, {2, false}});
  CHECK(script.at(first, Moment::start).size() == 2);
  CHECK(script.at(first, Moment::end).empty());
  CHECK(script.at(second, Moment::end).size() == 2);
}
