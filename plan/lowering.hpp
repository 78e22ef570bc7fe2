#pragma once
// How lower() works: workers stage by stage, their steps action by action, then what joins the stages. Private to
// plan/.

#include <cstdint>
#include <map>
#include <vector>

#include "plan/lower.hpp"
#include "plan/program_builder.hpp"

namespace tandem {

/// What every worker with the same segment has in common.
struct StageLayout {
  SegmentId segment{};
  Segment segment_layout;
  /// By part: the buffers that it touches, and how.
  std::vector<std::vector<std::pair<BufferContent, Access>>> forward_uses, backward_uses;
};

/// Buffers of one micro-batch on one worker: inbox, outbox, gradient inbox, gradient outbox, saved, workspace of F, of B.
inline constexpr std::size_t kLocalBuffers = 7;

/// What is known of one worker while its steps are being laid down.
struct LoweredStage {
  WorkerId worker{};
  Coordinate at{};
  const StageLayout* shared = nullptr;
  const Segment* layout = nullptr;
  std::vector<WorkId> forward, backward;                ///< by part
  BufferId weights{}, gradients{};
  StepId begin = kNone<StepId>, end = kNone<StepId>;    ///< zero_gradients and update
  StepId gradients_ready = kNone<StepId>;               ///< after it the worker's own gradients are complete
  std::vector<StepId> forward_step, backward_step;      ///< by micro-batch and part
  std::vector<std::uint32_t> forward_order, backward_order;  ///< micro-batches as they run
  std::vector<StepId> reductions;                       ///< collectives that the update waits for
  std::vector<BufferId> buffers;                        ///< by micro-batch and kLocalBuffers; kNone: has no bytes

  std::size_t forward_parts() const { return layout->forward_parts.size(); }
  std::size_t backward_parts() const { return layout->backward_parts.size(); }
  StepId forward_part(std::uint32_t batch, std::size_t part) const { return forward_step[batch * forward_parts() + part]; }
  StepId backward_part(std::uint32_t batch, std::size_t part) const {
    return backward_step[batch * backward_parts() + part];
  }
  StepId first_forward(std::uint32_t batch) const { return forward_part(batch, 0); }
  StepId last_forward(std::uint32_t batch) const { return forward_part(batch, forward_parts() - 1); }
  StepId first_backward(std::uint32_t batch) const { return backward_part(batch, 0); }
  StepId last_backward(std::uint32_t batch) const { return backward_part(batch, backward_parts() - 1); }
};

class Lowering {
 public:
  Lowering(const Plan& plan, const Model& model, const LowerOptions& options)
      : plan_(plan), model_(model), options_(options), mesh_(mesh_of(plan)) {}
  /// Run once.
  Program run(const std::vector<std::size_t>& cuts, const std::vector<DeviceId>& devices, const Grid& grid);

 private:
  /// The messages of one direction over one cut.
  struct Crossing {
    LoweredStage &from, &to;
    bool forward;
    Bytes bytes;
    const std::vector<std::uint32_t>& order;
  };
  /// Collectives of one layer in one direction, of one stage.
  struct StageCollective {
    std::size_t index;                                ///< in the direction's list of each worker's segment
    std::vector<CollectiveSpecId> specs;              ///< by group
    std::vector<std::vector<std::uint32_t>> members;  ///< by group and rank in it: index into the stage's workers
  };
  struct Stage {
    std::vector<std::uint32_t> workers;  ///< ranks of the mesh
    std::vector<StageCollective> forward, backward;
  };

  /// Buckets of gradients of the same parameters on all ranks that share them.
  struct BucketRow {
    std::array<bool, kMeshAxes> over;
    std::size_t place;  ///< among a worker's buckets over these axes
    bool operator==(const BucketRow&) const = default;
  };

  // lower.cpp
  Coordinate shared_place(Coordinate at) const;
  void add_layouts(const std::vector<std::size_t>& cuts);
  void add_worker(const Coordinate& at, DeviceId device);
  void add_update(LoweredStage& stage);
  // lower_buffers.cpp
  void make_buffers(LoweredStage& worker);
  void add_local_buffers(LoweredStage& worker, std::uint32_t batch);
  BufferId local_buffer(const LoweredStage& worker, std::uint32_t batch, BufferContent content, bool forward) const;
  BufferId buffer(const LoweredStage& stage, BufferClass kind, BufferContent content, Bytes bytes,
                  std::uint32_t batch) {
    return builder_.add_buffer({stage.worker, stage.shared->segment, kind, content, bytes}, batch);
  }
  std::uint32_t batches() const { return static_cast<std::uint32_t>(plan_.micro_batches); }
  LoweredStage& worker_at(Coordinate at) { return workers_[mesh_.rank_of(at)]; }

  // lower_actions.cpp
  void add_stage(std::uint32_t stage, const std::vector<Action>& actions);
  void begin(LoweredStage& worker);
  void add_action(Stage& stage, const Action& action);
  void add_parts(LoweredStage& worker, const Action& action);
  void add_collective(Stage& stage, const StageCollective& entry, std::size_t group, const Action& action);
  std::vector<StageCollective> collectives_of(const Stage& stage, bool forward);
  CollectiveSpecId add_spec(const Stage& stage, const std::vector<std::uint32_t>& group, std::size_t index, bool forward);
  const CollectiveAlgorithm& algorithm_for(CollectiveShape& shape, const std::vector<WorkerId>& members) const;
  /// Workers of the stage, in groups that differ along these axes only; indices into its workers.
  std::vector<std::vector<std::uint32_t>> groups(const Stage& stage, const std::array<bool, kMeshAxes>& along) const;

  // lower_messages.cpp
  void connect(LoweredStage& from, LoweredStage& to, bool forward);
  void add_outbox(const Crossing& crossing, std::size_t place, StepId send);
  void add_inbox(const Crossing& crossing, std::size_t place, StepId receive);

  // lower_gradients.cpp
  void reduce_gradients(Stage& stage);
  void add_bucket(const std::vector<std::uint32_t>& workers, const BucketRow& row, std::size_t number);

  // lower_ties.cpp
  void add_ties();
  void add_tie_within(LoweredStage& stage);
  void add_tie_between(LoweredStage& owner, LoweredStage& user, Bytes bytes);
  void join_tie(LoweredStage& stage, StepId send, StepId receive, StepId sum, Bytes bytes);
  std::uint32_t stage_of(ParameterId parameter) const;

  const Plan& plan_;
  const Model& model_;
  const LowerOptions& options_;
  Mesh mesh_;
  ProgramBuilder builder_;
  std::vector<std::size_t> cuts_;
  std::map<std::uint32_t, StageLayout> layouts_;  ///< by the rank of shared_place()
  std::vector<DeviceId> devices_;
  std::vector<LoweredStage> workers_;             ///< by rank of the mesh
  std::vector<Stage> stages_;
};

/// Throws InputError unless every rank runs F and B of every micro-batch of its own stage once, F first, and neighbours
/// run micro-batches in the same order, so that messages arrive in the order in which they are wanted.
void check_grid(const Grid& grid, const ScheduleShape& shape);

/// The buffers that each part of the direction touches, in the order of BufferContent.
std::vector<std::vector<std::pair<BufferContent, Access>>> uses_of_parts(const Segment& segment, const Model& local,
                                                                            bool forward);
BufferContent content_of(Place place);

}  // namespace tandem
