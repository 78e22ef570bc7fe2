// Tied parameters: the gradients of both uses are summed before the update, within a stage or between two.

#include <fmt/format.h>

#include <algorithm>

#include "base/error.hpp"
#include "plan/lowering.hpp"

namespace tandem {
namespace {

bool has_tie_within(const Segment& segment) {
  return std::any_of(segment.parameters.begin(), segment.parameters.end(),
                     [](const SegmentParameter& row) { return !row.updated; });
}

}  // namespace

std::uint32_t Lowering::stage_of(ParameterId parameter) const {
  const std::size_t layer = index_of(model_.parameter(parameter).layer);
  const auto after = std::upper_bound(cuts_.begin(), cuts_.end(), layer);
  return static_cast<std::uint32_t>(after - cuts_.begin());
}

void Lowering::add_tie_within(LoweredStage& stage, std::uint32_t round) {
  stage.gradients_ready = add_sum(stage, 0, round);
  use_tied(stage, stage.gradients_ready, Access::read_write, true);
  if (stage.tied_uses != kNone<BufferId>) builder_.release(stage.tied_uses, stage.gradients_ready, Moment::end);
}

/// One end of a tie: it sends its own gradient, then adds the other's.
void Lowering::join_tie(LoweredStage& stage, StepId send, StepId receive, StepId sum, Bytes bytes,
                        std::uint32_t round) {
  use_tied(stage, send, Access::read, false);
  use_tied(stage, sum, Access::read_write, false);
  builder_.add_after(send, stage.gradients_ready);
  builder_.add_after(sum, send);
  const BufferId inbox = buffer(stage, BufferClass::message, BufferContent::tied_inbox, bytes, round);
  builder_.allocate(inbox, stage.gradients_ready, Moment::end);
  builder_.release(inbox, sum, Moment::end);
  builder_.use(receive, inbox, Access::write);
  builder_.use(sum, inbox, Access::read);
  builder_.add_after(receive, stage.gradients_ready);
  builder_.add_after(sum, receive);
  stage.gradients_ready = sum;
}

/// Both ends send their own gradient of the tied parameter and add the other's: the sum of two has the same bits in
/// either order, so both replicas of the weight stay equal.
void Lowering::add_tie_between(LoweredStage& owner, LoweredStage& user, Bytes bytes, std::uint32_t round) {
  const MessageId there = add_tie_message(owner, user, bytes, round), back = add_tie_message(user, owner, bytes, round);
  join_tie(owner, builder_.send_of(there), builder_.receive_of(back), add_sum(owner, 1, round), bytes, round);
  join_tie(user, builder_.send_of(back), builder_.receive_of(there), add_sum(user, 1, round), bytes, round);
}

/// The sum of the ties within the stage (0), or of that with another one (1).
StepId Lowering::add_sum(LoweredStage& stage, std::size_t which, std::uint32_t round) {
  WorkId& work = stage.sums[which];
  if (work == kNone<WorkId>) work = builder_.add_work({StepKind::add_gradient, stage.worker, stage.shared->segment});
  return builder_.add_compute(work, round);
}

MessageId Lowering::add_tie_message(const LoweredStage& from, const LoweredStage& to, Bytes bytes,
                                    std::uint32_t round) {
  const auto [known, is_new] = tie_channels_.try_emplace({&from, &to}, ChannelId{});
  if (is_new)
    known->second =
        add_channel({from.worker, to.worker, bytes, BufferContent::gradients, StreamKind::send_gradient});
  return builder_.add_message(known->second, round);
}

void Lowering::add_ties(std::uint32_t round) {
  for (LoweredStage& stage : lowered_)
    if (has_tie_within(*stage.layout)) add_tie_within(stage, round);
  std::vector<int> ties(stage_total(), 0);
  for (std::uint32_t i = 0; i < model_.parameters().size(); ++i) {
    const Parameter& parameter = model_.parameter(static_cast<ParameterId>(i));
    if (!parameter.tied_to) continue;
    const std::uint32_t owner = stage_of(*parameter.tied_to), user = stage_of(static_cast<ParameterId>(i));
    if (owner == user) continue;
    if (++ties[owner] > 1 || ++ties[user] > 1)
      throw InputError("a stage shares more than one tied parameter with other stages", parameter.name,
                       fmt::format("cuts that leave stages {} and {} one each", owner, user));
    join_stages(owner, user, static_cast<ParameterId>(i), round);
  }
}

/// Copy by copy: each has the sum of its own and the other stage's gradient before copies are reduced.
void Lowering::join_stages(std::uint32_t owner, std::uint32_t user, ParameterId parameter, std::uint32_t round) {
  const auto owners = holders_of_stage(owner), users = holders_of_stage(user);
  if (owners.size() != users.size())
    throw InputError("stages that share a tied parameter have different numbers of copies",
                     model_.parameter(parameter).name, fmt::format("as many of stage {} as of stage {}", owner, user));
  for (std::size_t copy = 0; copy < owners.size(); ++copy)
    for (std::uint32_t within = 0; within < within_count(); ++within) {
      LoweredStage& here = lowered_[owners[copy] * within_count() + within];
      const Model& local = builder_.local_model(here.layout->local_model).model;
      const Bytes bytes{here.layout->in_gradients(local.parameter(parameter).spec.bytes().count)};
      add_tie_between(here, lowered_[users[copy] * within_count() + within], bytes, round);
    }
}

}  // namespace tandem
