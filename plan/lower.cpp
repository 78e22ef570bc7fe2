#include "plan/lower.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "base/error.hpp"
#include "plan/program_builder.hpp"

namespace tandem {
namespace {

/// What is known of one stage while its steps are being laid down.
struct Stage {
  WorkerId worker;
  SegmentId segment;
  const Segment* layout;
  WorkId forward, backward;
  BufferId weights, gradients;
  StepId begin, end;                            ///< zero_gradients and update
  StepId last_backward;
  std::vector<StepId> forward_step, backward_step;      ///< by micro-batch
  std::vector<std::uint32_t> forward_order, backward_order;  ///< micro-batches as they run
};

class Lowering {
 public:
  Lowering(const Plan& plan, const Model& model) : plan_(plan), model_(model) {}

  Program run(const std::vector<std::size_t>& cuts, const std::vector<DeviceId>& devices, const Grid& grid);

 private:
  void add_stage(std::size_t first, std::size_t last, DeviceId device);
  void add_actions(Stage& stage, const std::vector<Action>& actions);
  void add_local_buffers(Stage& stage, std::uint32_t batch);
  void connect(Stage& from, Stage& to, bool forward);
  void add_ties();
  void add_tie_within(Stage& stage);
  void add_tie_between(Stage& owner, Stage& user, Bytes bytes);
  std::size_t stage_of(ParameterId parameter) const;
  bool has_tie_within(const Stage& stage) const;
  BufferId temporary(const Stage& stage, BufferClass kind, BufferContent content, Bytes bytes, std::uint32_t batch) {
    return builder_.add_buffer({stage.worker, stage.segment, kind, content, bytes}, batch);
  }
  std::uint32_t batches() const { return static_cast<std::uint32_t>(plan_.micro_batches); }

  const Plan& plan_;
  const Model& model_;
  ProgramBuilder builder_;
  std::vector<Segment> layouts_;
  std::vector<Stage> stages_;
};

void Lowering::add_stage(std::size_t first, std::size_t last, DeviceId device) {
  const auto rank = static_cast<std::uint32_t>(stages_.size());
  layouts_.push_back(lay_out_segment(model_, first, last, plan_.micro_batch_size));
  Stage stage;
  stage.layout = &layouts_.back();
  stage.worker = builder_.add_worker(fmt::format("stage {}", rank), rank, device);
  stage.segment = builder_.add_segment(layouts_.back());
  stage.forward = builder_.add_work({StepKind::forward, stage.worker, stage.segment});
  stage.backward = builder_.add_work({StepKind::backward, stage.worker, stage.segment});
  stage.weights = temporary(stage, BufferClass::weight, BufferContent::weights, stage.layout->weight_bytes, 0);
  stage.gradients = temporary(stage, BufferClass::gradient, BufferContent::gradients, stage.layout->gradient_bytes, 0);
  stage.forward_step.assign(batches(), kNone<StepId>);
  stage.backward_step.assign(batches(), kNone<StepId>);
  stages_.push_back(std::move(stage));
}

void Lowering::add_actions(Stage& stage, const std::vector<Action>& actions) {
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
    stage.last_backward = step;
  }
  if (has_tie_within(stage)) add_tie_within(stage);
}

/// Tensors that never leave the worker: what is kept for backward, and each step's workspace.
void Lowering::add_local_buffers(Stage& stage, std::uint32_t batch) {
  const StepId forward = stage.forward_step[batch], backward = stage.backward_step[batch];
  const auto during = [&](StepId first, StepId last, BufferClass kind, BufferContent content, Bytes bytes) {
    if (bytes.count == 0) return;
    const BufferId buffer = temporary(stage, kind, content, bytes, batch);
    builder_.allocate(buffer, first, Moment::start);
    builder_.release(buffer, last, Moment::end);
    builder_.use(first, buffer, Access::write);
    if (last != first) builder_.use(last, buffer, Access::read);
  };
  during(forward, backward, BufferClass::activation, BufferContent::saved, stage.layout->saved_bytes);
  during(forward, forward, BufferClass::workspace, BufferContent::workspace, stage.layout->forward_workspace);
  during(backward, backward, BufferClass::workspace, BufferContent::workspace, stage.layout->backward_workspace);
}

/// The messages of one direction over one cut. At most `window` of them wait on either side: message j's inbox is
/// allocated when message j - window has been consumed, and its outbox is freed when message j + window is produced.
void Lowering::connect(Stage& from, Stage& to, bool forward) {
  const Segment& source = *from.layout;
  const Bytes bytes = forward ? source.outbox_bytes : source.gradient_outbox_bytes;
  if (bytes.count == 0) return;
  const auto out = forward ? BufferContent::outbox : BufferContent::gradient_outbox;
  const auto in = forward ? BufferContent::inbox : BufferContent::gradient_inbox;
  const bool kept = forward && to.layout->keeps_inbox;
  const auto& order = forward ? from.forward_order : from.backward_order;
  if (order != (forward ? to.forward_order : to.backward_order))
    throw InputError(fmt::format("neighbouring ranks run micro-batches in different orders: stages {} and {}, {}",
                                 index_of(from.worker), index_of(to.worker), forward ? "F" : "B"));
  const auto& producers = forward ? from.forward_step : from.backward_step;
  const auto& consumers = forward ? to.forward_step : to.backward_step;
  const ChannelId channel = builder_.add_channel(
      {from.worker, to.worker, bytes, out, forward ? StreamKind::send_forward : StreamKind::send_backward});
  const auto window = static_cast<std::size_t>(plan_.window);
  for (std::size_t j = 0; j < order.size(); ++j) {
    const std::uint32_t batch = order[j];
    const StepId producer = producers[batch], consumer = consumers[batch];
    const MessageId message = builder_.add_message(channel, batch);
    const StepId send = builder_.send_of(message), receive = builder_.receive_of(message);

    const BufferId outbox = temporary(from, BufferClass::message, out, bytes, batch);
    const StepId release = j + window < order.size() ? producers[order[j + window]] : from.end;
    builder_.allocate(outbox, producer, Moment::start);
    builder_.release(outbox, release, Moment::start);
    builder_.use(producer, outbox, Access::write);
    builder_.use(send, outbox, Access::read);
    builder_.add_after(send, producer);
    builder_.add_after(release, send);

    const BufferId inbox = temporary(to, kept ? BufferClass::activation : BufferClass::message, in, bytes, batch);
    const StepId room = j >= window ? consumers[order[j - window]] : to.begin;
    builder_.allocate(inbox, room, Moment::end);
    builder_.release(inbox, kept ? to.backward_step[batch] : consumer, Moment::end);
    builder_.use(receive, inbox, Access::write);
    builder_.use(consumer, inbox, forward ? Access::read : Access::read_write);
    if (kept) builder_.use(to.backward_step[batch], inbox, Access::read);
    builder_.add_after(receive, room);
    builder_.add_after(consumer, receive);
  }
}

std::size_t Lowering::stage_of(ParameterId parameter) const {
  const std::size_t layer = index_of(model_.parameter(parameter).layer);
  const auto after = std::find_if(layouts_.begin(), layouts_.end(), [&](const Segment& s) { return layer < s.last; });
  return static_cast<std::size_t>(after - layouts_.begin());
}

bool Lowering::has_tie_within(const Stage& stage) const {
  const auto& rows = stage.layout->parameters;
  return std::any_of(rows.begin(), rows.end(), [](const SegmentParameter& row) { return !row.updated; });
}

void Lowering::add_tie_within(Stage& stage) {
  const WorkId work = builder_.add_work({StepKind::add_gradient, stage.worker, stage.segment});
  builder_.use(builder_.add_compute(work, 0), stage.gradients, Access::read_write);
}

/// Both ends send their own gradient of the tied parameter and add the other's: the sum of two has the same bits in
/// either order, so both replicas of the weight stay equal.
void Lowering::add_tie_between(Stage& owner, Stage& user, Bytes bytes) {
  std::vector<StepId> sums;
  std::vector<MessageId> messages;
  for (const auto& [from, to] : {std::pair(&owner, &user), std::pair(&user, &owner)}) {
    messages.push_back(builder_.add_message(
        builder_.add_channel({from->worker, to->worker, bytes, BufferContent::gradients, StreamKind::send_gradient}), 0));
    const WorkId work = builder_.add_work({StepKind::add_gradient, from->worker, from->segment});
    sums.push_back(builder_.add_compute(work, 0));
  }
  for (const int side : {0, 1}) {
    Stage& here = side == 0 ? owner : user;
    const StepId send = builder_.send_of(messages[static_cast<std::size_t>(side)]);
    const StepId receive = builder_.receive_of(messages[static_cast<std::size_t>(1 - side)]);
    const StepId sum = sums[static_cast<std::size_t>(side)];
    builder_.use(send, here.gradients, Access::read);
    builder_.use(sum, here.gradients, Access::read_write);
    builder_.add_after(send, here.last_backward);
    builder_.add_after(sum, send);
    const BufferId inbox = temporary(here, BufferClass::message, BufferContent::tied_inbox, bytes, 0);
    builder_.allocate(inbox, here.last_backward, Moment::end);
    builder_.release(inbox, sum, Moment::end);
    builder_.use(receive, inbox, Access::write);
    builder_.use(sum, inbox, Access::read);
    builder_.add_after(receive, here.last_backward);
    builder_.add_after(sum, receive);
  }
}

void Lowering::add_ties() {
  std::vector<int> ties(stages_.size(), 0);
  for (std::uint32_t i = 0; i < model_.parameters().size(); ++i) {
    const auto id = static_cast<ParameterId>(i);
    const auto owner = model_.parameter(id).tied_to;
    if (!owner) continue;
    const std::size_t a = stage_of(*owner), b = stage_of(id);
    if (a == b) continue;
    if (++ties[a] > 1 || ++ties[b] > 1)
      throw InputError(fmt::format("a stage shares more than one tied parameter with others; \"{}\" is the second",
                                   model_.parameter(id).name));
    add_tie_between(stages_[a], stages_[b], model_.parameter(id).spec.bytes());
  }
}

Program Lowering::run(const std::vector<std::size_t>& cuts, const std::vector<DeviceId>& devices, const Grid& grid) {
  invariant(devices.size() == cuts.size() + 1 && grid.size() == devices.size(), "one rank per stage");
  builder_.reserve(static_cast<std::size_t>(count_steps(plan_)));
  layouts_.reserve(devices.size());
  for (std::size_t s = 0; s < devices.size(); ++s)
    add_stage(s == 0 ? 0 : cuts[s - 1], s == cuts.size() ? model_.layer_count() : cuts[s], devices[s]);
  for (std::size_t s = 0; s < stages_.size(); ++s) add_actions(stages_[s], grid[s]);
  add_ties();
  for (Stage& stage : stages_) {
    stage.end = builder_.add_compute(builder_.add_work({StepKind::update, stage.worker, stage.segment}), 0);
    builder_.use(stage.end, stage.gradients, Access::read);
    builder_.use(stage.end, stage.weights, Access::read_write);
    const Bytes state = stage.layout->weight_bytes * plan_.optimizer.states();
    if (state.count > 0)
      builder_.use(stage.end, temporary(stage, BufferClass::optimizer_state, BufferContent::optimizer_state, state, 0),
                   Access::read_write);
  }
  for (Stage& stage : stages_)
    for (std::uint32_t batch = 0; batch < batches(); ++batch) add_local_buffers(stage, batch);
  for (std::size_t s = 0; s + 1 < stages_.size(); ++s) {
    connect(stages_[s], stages_[s + 1], true);
    connect(stages_[s + 1], stages_[s], false);
  }
  return std::move(builder_).finish(batches());
}

/// Every stage runs F and B of every micro-batch once, on its own rank.
void check_grid(const Grid& grid, const Plan& plan) {
  const auto batches = static_cast<std::uint32_t>(plan.micro_batches);
  if (grid.size() != static_cast<std::size_t>(plan.pipeline))
    throw InputError("the schedule has another number of ranks than the plan", fmt::format("{} ranks", grid.size()),
                     fmt::format("{}", plan.pipeline));
  for (std::uint32_t rank = 0; rank < grid.size(); ++rank) {
    std::vector<int> seen(2 * std::size_t{batches}, 0);
    for (const Action& action : grid[rank]) {
      const bool known = action.kind == StepKind::forward || action.kind == StepKind::backward;
      if (!known || action.stage != rank || action.micro_batch >= batches)
        throw InputError(fmt::format("rank {} cannot run this step", rank), to_text(action),
                         fmt::format("F or B of stage {}, micro-batches 0 to {}", rank, batches - 1));
      const bool forward = action.kind == StepKind::forward;
      if (!forward && seen[2 * action.micro_batch] == 0)
        throw InputError(fmt::format("rank {} runs B before F", rank), to_text(action));
      if (++seen[2 * action.micro_batch + !forward] > 1)
        throw InputError(fmt::format("rank {} runs a step twice", rank), to_text(action));
    }
    for (std::uint32_t i = 0; i < seen.size(); ++i)
      if (seen[i] == 0)
        throw InputError(fmt::format("rank {} misses step {}{}{}", rank, rank, i % 2 == 0 ? "F" : "B", i / 2));
  }
}

}  // namespace

std::int64_t count_steps(const Plan& plan) {
  const double p = static_cast<double>(plan.pipeline), m = static_cast<double>(plan.micro_batches);
  const double steps = p * (2 * m + 3) + 4 * m * (p - 1) + 4;
  if (steps > static_cast<double>(kStepLimit))
    throw InputError("the plan has too many steps", fmt::format("{} ranks x {} micro-batches = {:.3g} steps",
                                                                 plan.pipeline, plan.micro_batches, steps),
                     fmt::format("at most {}", kStepLimit));
  return static_cast<std::int64_t>(steps);
}

Program lower(const Plan& plan, const Model& model, const std::vector<std::size_t>& cuts,
              const std::vector<DeviceId>& devices, const Grid& grid) {
  count_steps(plan);
  check_grid(grid, plan);
  return Lowering(plan, model).run(cuts, devices, grid);
}

Program lower(const Plan& plan, const Model& model, const std::vector<std::size_t>& cuts,
              const std::vector<DeviceId>& devices) {
  count_steps(plan);
  const ScheduleShape shape{static_cast<std::uint32_t>(plan.pipeline), static_cast<std::uint32_t>(plan.micro_batches)};
  return lower(plan, model, cuts, devices, find_schedule(plan.schedule).order(shape));
}

}  // namespace tandem
