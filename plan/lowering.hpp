#pragma once
// How lower() works: a stage per rank, then its steps, then what joins the stages. Private to plan/.

#include <cstdint>
#include <vector>

#include "plan/lower.hpp"
#include "plan/program_builder.hpp"

namespace tandem {

/// What is known of one stage while its steps are being laid down.
struct LoweredStage {
  WorkerId worker{};
  SegmentId segment{};
  const Segment* layout = nullptr;
  WorkId forward{}, backward{};
  BufferId weights{}, gradients{};
  StepId begin = kNone<StepId>, end = kNone<StepId>;    ///< zero_gradients and update
  StepId gradients_ready = kNone<StepId>;               ///< after it the stage's own gradients are complete
  std::vector<StepId> forward_step, backward_step;      ///< by micro-batch
  std::vector<std::uint32_t> forward_order, backward_order;  ///< micro-batches as they run
};

class Lowering {
 public:
  Lowering(const Plan& plan, const Model& model) : plan_(plan), model_(model) {}
  /// Run once.
  Program run(const std::vector<std::size_t>& cuts, const std::vector<DeviceId>& devices, const Grid& grid);

 private:
  /// The messages of one direction over one cut.
  struct Crossing {
    LoweredStage &from, &to;
    bool forward;
    Bytes bytes;
    const std::vector<std::uint32_t>& order;
    const std::vector<StepId>&producers, &consumers;
  };

  // lower.cpp
  void add_stage(std::size_t first, std::size_t last, DeviceId device);
  void add_actions(LoweredStage& stage, const std::vector<Action>& actions);
  void add_update(LoweredStage& stage);
  void add_local_buffers(LoweredStage& stage, std::uint32_t batch);
  BufferId buffer(const LoweredStage& stage, BufferClass kind, BufferContent content, Bytes bytes,
                  std::uint32_t batch) {
    return builder_.add_buffer({stage.worker, stage.segment, kind, content, bytes}, batch);
  }
  std::uint32_t batches() const { return static_cast<std::uint32_t>(plan_.micro_batches); }

  // lower_messages.cpp
  void connect(LoweredStage& from, LoweredStage& to, bool forward);
  void add_outbox(const Crossing& crossing, std::size_t place, StepId send);
  void add_inbox(const Crossing& crossing, std::size_t place, StepId receive);

  // lower_ties.cpp
  void add_ties();
  void add_tie_within(LoweredStage& stage);
  void add_tie_between(LoweredStage& owner, LoweredStage& user, Bytes bytes);
  void join_tie(LoweredStage& stage, StepId send, StepId receive, StepId sum, Bytes bytes);
  LoweredStage& stage_of(ParameterId parameter);

  const Plan& plan_;
  const Model& model_;
  ProgramBuilder builder_;
  std::vector<Segment> layouts_;
  std::vector<LoweredStage> stages_;
};

/// Throws InputError unless every rank runs F and B of every micro-batch of its own stage once, F first, and neighbours
/// run micro-batches in the same order, so that messages arrive in the order in which they are wanted.
void check_grid(const Grid& grid, const ScheduleShape& shape);

}  // namespace tandem
