#include "plan/lower.hpp"

#include <fmt/format.h>

#include "base/error.hpp"
#include "plan/lowering.hpp"
#include "plan/verify.hpp"

namespace tandem {

void Lowering::add_stage(std::size_t first, std::size_t last, DeviceId device) {
  const auto rank = static_cast<std::uint32_t>(stages_.size());
  layouts_.push_back(lay_out_segment(model_, first, last, plan_.micro_batch_size));
  LoweredStage stage;
  stage.layout = &layouts_.back();
  stage.worker = builder_.add_worker(fmt::format("stage {}", rank), rank, device);
  stage.segment = builder_.add_segment(layouts_.back());
  stage.forward = builder_.add_work({StepKind::forward, stage.worker, stage.segment});
  stage.backward = builder_.add_work({StepKind::backward, stage.worker, stage.segment});
  stage.weights = buffer(stage, BufferClass::weight, BufferContent::weights, stage.layout->weight_bytes, 0);
  stage.gradients = buffer(stage, BufferClass::gradient, BufferContent::gradients, stage.layout->gradient_bytes, 0);
  stage.forward_step.assign(batches(), kNone<StepId>);
  stage.backward_step.assign(batches(), kNone<StepId>);
  stages_.push_back(std::move(stage));
}

void Lowering::add_actions(LoweredStage& stage, const std::vector<Action>& actions) {
  const WorkId zero = builder_.add_work({StepKind::zero_gradients, stage.worker, stage.segment});
  stage.begin = builder_.add_compute(zero, 0);
  builder_.use(stage.begin, stage.gradients, Access::write);
  for (const Action& action : actions) {
    const bool forward = action.kind == StepKind::forward;
    const StepId step = builder_.add_compute(forward ? stage.forward : stage.backward, action.micro_batch);
    (forward ? stage.forward_step : stage.backward_step)[action.micro_batch] = step;
    (forward ? stage.forward_order : stage.backward_order).push_back(action.micro_batch);
    builder_.use(step, stage.weights, Access::read);
    if (!forward) builder_.use(step, stage.gradients, Access::read_write);
    if (!forward) stage.gradients_ready = step;
  }
}

void Lowering::add_update(LoweredStage& stage) {
  stage.end = builder_.add_compute(builder_.add_work({StepKind::update, stage.worker, stage.segment}), 0);
  builder_.use(stage.end, stage.gradients, Access::read);
  builder_.use(stage.end, stage.weights, Access::read_write);
  const Bytes state = stage.layout->weight_bytes * plan_.optimizer.states();
  if (state.count == 0) return;
  const BufferId states = buffer(stage, BufferClass::optimizer_state, BufferContent::optimizer_state, state, 0);
  builder_.use(stage.end, states, Access::read_write);
}

/// Tensors that never leave the worker: what is kept for backward, and each step's workspace.
void Lowering::add_local_buffers(LoweredStage& stage, std::uint32_t batch) {
  const StepId forward = stage.forward_step[batch], backward = stage.backward_step[batch];
  const auto during = [&](StepId first, StepId last, BufferClass kind, BufferContent content, Bytes bytes) {
    if (bytes.count == 0) return;
    const BufferId local = buffer(stage, kind, content, bytes, batch);
    builder_.allocate(local, first, Moment::start);
    builder_.release(local, last, Moment::end);
    builder_.use(first, local, Access::write);
    if (last != first) builder_.use(last, local, Access::read);
  };
  during(forward, backward, BufferClass::activation, BufferContent::saved, stage.layout->saved_bytes);
  during(forward, forward, BufferClass::workspace, BufferContent::workspace, stage.layout->forward_workspace);
  during(backward, backward, BufferClass::workspace, BufferContent::workspace, stage.layout->backward_workspace);
}

Program Lowering::run(const std::vector<std::size_t>& cuts, const std::vector<DeviceId>& devices, const Grid& grid) {
  invariant(devices.size() == cuts.size() + 1 && grid.size() == devices.size(), "one rank per stage");
  builder_.reserve(static_cast<std::size_t>(count_steps(plan_)));
  layouts_.reserve(devices.size());
  stages_.reserve(devices.size());
  for (std::size_t s = 0; s < devices.size(); ++s)
    add_stage(s == 0 ? 0 : cuts[s - 1], s == cuts.size() ? model_.layer_count() : cuts[s], devices[s]);
  for (std::size_t s = 0; s < stages_.size(); ++s) add_actions(stages_[s], grid[s]);
  add_ties();
  for (LoweredStage& stage : stages_) add_update(stage);
  for (LoweredStage& stage : stages_)
    for (std::uint32_t batch = 0; batch < batches(); ++batch) add_local_buffers(stage, batch);
  for (std::size_t s = 0; s + 1 < stages_.size(); ++s) {
    connect(stages_[s], stages_[s + 1], true);
    connect(stages_[s + 1], stages_[s], false);
  }
  return std::move(builder_).finish(batches());
}

namespace {

ScheduleShape shape_of(const Plan& plan) {
  invariant(plan.pipeline >= 1 && plan.micro_batches >= 1 && plan.micro_batch_size >= 1 && plan.window >= 1,
            "a plan's counts start at one");
  return {static_cast<std::uint32_t>(plan.pipeline), static_cast<std::uint32_t>(plan.micro_batches)};
}

}  // namespace

std::int64_t count_steps(const Plan& plan) {
  const double p = static_cast<double>(plan.pipeline), m = static_cast<double>(plan.micro_batches);
  // Per rank: m F, m B, zeroing and update; at most one sum of a tie within it, and one send, receive and sum of a tie
  // with another rank. Per cut and micro-batch: a message of two steps each way.
  const double steps = p * (2 * m + 2 + 1 + 3) + 4 * m * (p - 1);
  if (steps > static_cast<double>(kStepLimit))
    throw InputError("the plan has too many steps", fmt::format("{} ranks x {} micro-batches = {:.3g} steps",
                                                                 plan.pipeline, plan.micro_batches, steps),
                     fmt::format("at most {}", kStepLimit));
  return static_cast<std::int64_t>(steps);
}

Program lower(const Plan& plan, const Model& model, const std::vector<std::size_t>& cuts,
              const std::vector<DeviceId>& devices, const Grid& grid) {
  count_steps(plan);
  check_grid(grid, shape_of(plan));
  Program program = Lowering(plan, model).run(cuts, devices, grid);
  topological_order(program);
  return program;
}

Program lower(const Plan& plan, const Model& model, const std::vector<std::size_t>& cuts,
              const std::vector<DeviceId>& devices) {
  count_steps(plan);
  return Lowering(plan, model).run(cuts, devices, find_schedule(plan.schedule).order(shape_of(plan)));
}

}  // namespace tandem
