#pragma once
// How lower() works: stages on their workers, their steps action by action, then what joins the stages. Private to plan/.

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <tuple>
#include <utility>
#include <vector>

#include "plan/lower.hpp"
#include "plan/lowered_stage.hpp"
#include "plan/plan_schedule.hpp"
#include "plan/program_builder.hpp"
#include "plan/touched_ranges.hpp"
#include "plan/weight_versions.hpp"

namespace tandem {

class Lowering {
 public:
  Lowering(const Plan& plan, const Model& model, const LowerOptions& options)
      : plan_(plan), model_(model), options_(options), mesh_(mesh_of(plan)) {}
  /// Run once.
  Program run(const std::vector<std::size_t>& cuts, const std::vector<DeviceId>& devices, const Grid& grid);

 private:
  /// The messages of one direction over one cut, between two workers.
  struct Crossing {
    LoweredStage &from, &to;
    Way way;
    std::vector<std::uint32_t> order;  ///< micro-batches
    BufferContent sent() const { return way == Way::forward ? BufferContent::outbox : BufferContent::gradient_outbox; }
    BufferContent received() const { return way == Way::forward ? BufferContent::inbox : BufferContent::gradient_inbox; }
  };
  /// Collectives of one layer in one way, of one holder.
  struct StageCollective {
    std::size_t index;                                ///< in the way's list of each worker's segment
    std::vector<CollectiveSpecId> specs;              ///< by group
    std::vector<std::vector<std::uint32_t>> members;  ///< by group and rank in it: index into lowered_
  };
  using HolderCollectives = std::array<std::vector<StageCollective>, kWays>;
  /// Buckets of gradients of the same parameters on all ranks that share them.
  struct BucketRow {
    std::array<bool, kMeshAxes> over;
    std::size_t place;  ///< among a worker's buckets over these axes
    bool operator==(const BucketRow&) const = default;
  };
  struct BucketGroup {
    std::size_t number;                          ///< of its row: for names
    std::vector<std::uint32_t> members;          ///< by rank in the group: index into lowered_
    std::vector<const GradientBucket*> buckets;  ///< by rank in the group
    std::uint32_t blocks = 1;                    ///< consecutive ranks that share one copy, a block each; 1: none do
    /// Some of the group's ranks, in their order; made on first use.
    struct Among {
      std::vector<std::uint32_t> ranks;
      CollectiveSpecId spec;
    };
    std::vector<Among> reductions{}, gathers{};
    ElementType type = ElementType::float32, gradient_type = ElementType::float32;  ///< of its weights and gradients
    std::int64_t elements() const { return buckets[0]->bytes.count / bytes_of(type).count; }
    /// Elements of the bucket that the rank owns.
    ElementRange owned_by(std::uint32_t rank) const {
      const std::vector<std::int64_t> bounds = equal_bounds(elements(), blocks);
      return {bounds[rank % blocks], bounds[rank % blocks + 1] - bounds[rank % blocks]};
    }
  };

  /// A bucket that each copy of a stage has summed for itself.
  struct CopySum {
    std::vector<std::size_t> groups{};  ///< by copy: index into bucket_groups_
  };

  // lower.cpp
  Coordinate shared_place(Coordinate at) const;
  void find_holders(const Grid& grid);
  void add_layouts();
  void share_copies(Sharding& sharding, const std::vector<std::size_t>& bounds) const;
  void add_layout(std::uint32_t stage, std::uint32_t within, std::uint32_t local, std::size_t first, std::size_t last);
  void add_workers();
  LoweredStage lowered_stage(const Holder& holder, std::uint32_t within);
  std::uint32_t within_count() const { return mesh_.workers_per_stage(); }
  std::uint32_t stage_total() const { return static_cast<std::uint32_t>(cuts_.size() + 1); }
  /// Lowered stages of the holder: within_count() of them.
  std::vector<std::uint32_t> workers_of(std::size_t holder) const;
  std::vector<std::size_t> holders_of_stage(std::uint32_t stage) const;
  std::size_t holder_of(std::uint32_t stage, std::uint32_t batch) const { return holder_of_[stage * batches() + batch]; }
  // lower_buffers.cpp
  bool is_neighbour(const Holder& holder, std::uint32_t stage, std::uint32_t batch) const;
  void make_buffers(const Holder& holder, LoweredStage& stage);
  void add_local_buffers(LoweredStage& stage, std::uint32_t batch);
  BufferId& buffer_slot(LoweredStage& stage, std::uint32_t batch, BufferContent content, Way way) const;
  BufferId local_buffer(LoweredStage& stage, std::uint32_t batch, BufferContent content, Way way) const;
  /// The step's use of a buffer of the micro-batch; noted for add_offloads() where that leaves the device in between.
  void use_local(LoweredStage& stage, std::uint32_t batch, PartUse use, Way way, StepId step);
  BufferId buffer(const LoweredStage& stage, BufferClass kind, BufferContent content, Bytes bytes,
                  std::uint32_t batch) {
    return builder_.add_buffer({stage.worker, stage.shared->segment, kind, content, bytes}, batch);
  }
  std::uint32_t batches() const { return static_cast<std::uint32_t>(plan_.micro_batches); }

  // lower_actions.cpp
  void add_rank(std::uint32_t rank, std::span<const Action> actions);
  void begin(LoweredStage& stage);
  void add_action(std::size_t holder, const Action& action);
  void add_way(std::size_t holder, Way way, std::uint32_t batch);
  void add_parts(LoweredStage& stage, Way way, std::uint32_t batch);
  void add_collective(const StageCollective& entry, std::size_t group, Way way, std::uint32_t batch);
  std::vector<StageCollective> collectives_of(std::size_t holder, Way way);
  CollectiveSpecId add_spec(const std::vector<std::uint32_t>& group, std::size_t index, Way way);
  const CollectiveAlgorithm& algorithm_for(CollectiveShape& shape, const std::vector<WorkerId>& members) const;
  /// Lowered stages, in groups that differ along these axes only.
  std::vector<std::vector<std::uint32_t>> groups(const std::vector<std::uint32_t>& lowered,
                                                 const std::array<bool, kMeshAxes>& along) const;

  // lower_messages.cpp
  void connect_stages();
  void share_hand_overs();
  template <class Act>
  void for_each_crossing(bool on_one_worker, Act act);
  ChannelId add_channel(Channel channel);
  void connect(Crossing crossing);
  void join_hand_over(Crossing crossing);
  StepId last_reader(const LoweredStage& to, Way way, std::uint32_t batch) const;
  std::vector<std::uint32_t> common_order(std::size_t from, std::size_t to, Way way) const;
  void add_outbox(const Crossing& crossing, std::size_t place, StepId send);
  void add_inbox(const Crossing& crossing, std::size_t place, StepId receive);

  // lower_copies.cpp
  /// A copy that is known, but not where it stands among the others of its stream.
  struct PendingCopy {
    CopySpec spec;
    std::uint32_t batch, place;  ///< place: of what it waits for, or of what waits for it, among the compute steps
    BufferId from, to;
    std::vector<StepId> after, before;
  };
  void add_copies();

  // lower_streams.cpp
  struct Visit;
  StepId add_settle(LoweredStage& stage);
  std::size_t add_home(LoweredStage& stage, BufferClass kind, BufferContent content, ByteRange range,
                       std::uint32_t number);
  void use_streamed(LoweredStage& stage, std::size_t which, StepId step, Access access, bool joins = false,
                    bool waits = false);
  ByteRange owned_bytes(const LoweredStage& stage, const StageBucket& bucket) const;
  void add_homes(LoweredStage& stage, StageBucket& bucket);
  void add_weight_home(LoweredStage& stage, StageBucket& bucket);
  void use_bucket(LoweredStage& stage, StageBucket& bucket, Way way, std::uint32_t part, StepId step, bool adds,
                  std::size_t slot);
  void zero_streamed(LoweredStage& stage, StageBucket& bucket, std::uint32_t batch);
  std::vector<Visit> visits_of(const Streamed& entry) const;
  void add_visit(const Streamed& entry, const Visit& visit);
  std::uint32_t fetch_place(std::uint32_t use) const;
  void add_streams();

  // lower_offload.cpp
  struct Unit;
  void add_offloads();
  std::vector<Unit> units_of(LoweredStage& stage);
  void place_unit(Unit& unit) const;
  void keep(const Unit& unit);
  void make_copies(Unit& unit);
  void add_copy_out(const Unit& unit);
  void add_copy_in(const Unit& unit);
  bool is_offloaded(const LoweredStage& stage, std::uint32_t batch, const PartUse& use) const;

  // lower_gradients.cpp
  void find_buckets(std::uint32_t stage);
  void add_bucket_groups(const std::vector<std::uint32_t>& lowered, const BucketRow& row, std::size_t number);
  std::uint32_t blocks_of(const BucketRow& row, std::size_t ranks, std::size_t copies) const;
  void add_owned_ranges(LoweredStage& stage);
  BucketGroup::Among among(const BucketGroup& group, std::vector<std::uint32_t> ranks, CollectiveKind kind,
                           ElementRange range);
  void make_reductions(BucketGroup& group);
  void make_gathers(BucketGroup& group);
  /// Calls act(rank, step) for every member's step.
  using EachMember = std::function<void(std::uint32_t rank, StepId step)>;
  void add_reductions(BucketGroup& group, std::uint32_t batch, const EachMember& act);
  void add_gathers(BucketGroup& group, std::uint32_t batch, const EachMember& act);
  void add_collectives(const std::vector<BucketGroup::Among>& all, std::uint32_t batch, const EachMember& act);
  void reduce_gradients(BucketGroup& group, std::uint32_t round);
  std::vector<std::size_t> reduction_order() const;
  void gather_weights(BucketGroup& group, std::uint32_t round);

  // lower_copy_sums.cpp
  void find_copy_sums(std::size_t first, std::size_t copies);
  CollectiveSpecId add_copy_sum(const CopySum& sum, std::uint32_t rank);
  void sum_copies(const CopySum& sum, std::uint32_t round);

  // lower_shards.cpp
  /// Gradients have a buffer for each bucket, around its use.
  bool parts_gradients() const { return plan_.zero >= 2 || plan_.offload_weights; }
  /// So have weights.
  bool parts_weights() const { return plan_.zero == 3 || plan_.offload_weights; }
  /// Buckets hold blocks of all replicas, of which each owns one.
  bool shards_gradients() const { return plan_.zero >= 2; }
  void make_shards(std::uint32_t index);
  Bytes owned_weights(const LoweredStage& stage) const;
  /// `first`, `bytes`: of the weights, also where it holds their gradients.
  BufferId window(const LoweredStage& stage, BufferContent content, std::int64_t first, Bytes bytes,
                  std::uint32_t batch);
  StepId add_bucket_step(LoweredStage& stage, StageBucket& bucket, StepKind kind, std::uint32_t batch);
  void open_gradients(LoweredStage& stage, StageBucket& bucket, std::uint32_t batch);
  void add_to_shard(LoweredStage& stage, StageBucket& bucket, std::uint32_t batch);
  void begin_shards(LoweredStage& stage);
  void before_part(LoweredStage& stage, Way way, std::uint32_t part, std::uint32_t batch);
  void use_shards(LoweredStage& stage, Way way, std::uint32_t part, StepId step, bool adds, std::size_t slot);
  void after_way(LoweredStage& stage, Way way, std::uint32_t batch);
  StageBucket& shard_of(std::size_t group, std::uint32_t rank);
  void reduce_for_way(std::size_t group, Way way, std::uint32_t batch);
  void join_shards(std::size_t holder, Way way, std::uint32_t batch);
  void use_tied(LoweredStage& stage, StepId step, Access access, bool within);
  void end_shards(LoweredStage& stage);

  // lower_gathers.cpp
  std::vector<std::size_t> units_of(const LoweredStage& stage, Way way) const;
  void free_gathered(StageBucket& bucket);
  void fill_before(LoweredStage& stage, Way way, std::uint32_t part, std::uint32_t batch);
  void gather_for_way(std::size_t group, Way way, std::uint32_t batch);

  // lower_updates.cpp
  void find_rounds(const Grid& grid);
  void add_round(std::uint32_t round, const Grid& grid);
  StepId add_update_step(LoweredStage& stage, UpdateUnit& unit, std::uint32_t round);
  void add_update(LoweredStage& stage, std::uint32_t round, const Grid& grid);
  std::vector<UpdateUnit> update_units(LoweredStage& stage);
  void add_states(LoweredStage& stage);
  bool is_needed(std::uint32_t stage, std::uint32_t version, std::uint32_t round, const Grid& grid) const;
  std::size_t room_for_version(LoweredStage& stage, std::uint32_t round, const Grid& grid);
  void add_version(LoweredStage& stage);
  std::size_t slot_for(const LoweredStage& stage, std::uint32_t batch) const;
  void read_weights(LoweredStage& stage, std::size_t slot, StepId step);

  // lower_host_updates.cpp
  bool updates_on_host() const { return plan_.update_on == UpdateOn::host; }
  StepId own_gradients_complete(const LoweredStage& stage, const StageBucket& bucket) const;
  StepId own_gradients_complete(const LoweredStage& stage, const GradientBucket& bucket) const;
  StepId last_reader(const LoweredStage& stage, const StageBucket& bucket) const;
  void add_host_update(LoweredStage& stage, UpdateUnit& unit, std::uint32_t part);
  std::vector<UpdateUnit> host_units(LoweredStage& stage);
  void copy_around_update(LoweredStage& stage, const UpdateUnit& unit, StepId update);
  void add_host_updates();

  // lower_ties.cpp
  void add_ties(std::uint32_t round);
  void join_stages(std::uint32_t owner, std::uint32_t user, ParameterId parameter, std::uint32_t round);
  void add_tie_within(LoweredStage& stage, std::uint32_t round);
  void add_tie_between(LoweredStage& owner, LoweredStage& user, Bytes bytes, std::uint32_t round);
  void join_tie(LoweredStage& stage, StepId send, StepId receive, StepId sum, Bytes bytes, std::uint32_t round);
  StepId add_sum(LoweredStage& stage, std::size_t which, std::uint32_t round);
  MessageId add_tie_message(const LoweredStage& from, const LoweredStage& to, Bytes bytes, std::uint32_t round);
  std::uint32_t stage_of(ParameterId parameter) const;

  const Plan& plan_;
  const Model& model_;
  const LowerOptions& options_;
  Mesh mesh_;
  ProgramBuilder builder_;
  std::vector<std::size_t> cuts_;
  std::map<std::pair<std::uint32_t, std::uint32_t>, StageLayout> layouts_;  ///< by stage, and rank of shared_place()
  std::vector<DeviceId> devices_;
  std::vector<Holder> holders_;
  std::vector<std::size_t> holder_of_;            ///< by stage and micro-batch: index into holders_
  std::vector<HolderCollectives> collectives_;    ///< by holder
  WeightVersions versions_;
  std::vector<std::vector<std::size_t>> round_ends_;  ///< by rank and round: index after its last action in the row
  std::map<std::pair<WorkerId, StreamKind>, std::uint32_t> lanes_;  ///< that channels have taken
  std::map<std::pair<const LoweredStage*, const LoweredStage*>, ChannelId> tie_channels_;
  std::vector<WorkerId> workers_;                 ///< by rank of the mesh
  using CopyKey = std::tuple<WorkerId, StepKind, SegmentId, BufferContent, std::uint32_t>;  ///< by group, too
  std::map<CopyKey, CopySpecId> copy_specs_;
  std::vector<PendingCopy> copies_;
  std::vector<LoweredStage> lowered_;             ///< by holder, and rank within it
  std::vector<BucketGroup> bucket_groups_;        ///< in the order of reduction, stage by stage
  std::vector<CopySum> copy_sums_;                ///< where each copy of a stage has shards of its gradients
};

/// Throws InputError unless every rank runs F and B of every micro-batch of its own stage once, F first, and neighbours
/// run micro-batches in the same order, so that messages arrive in the order in which they are wanted.
void check_grid(const Grid& grid, const ScheduleShape& shape);

/// Throws InputError where the plan shards over replicas that it has not, or updates on the host weights that have several
/// versions, or are gathered on the device and do not stay there.
void check_sharding(const Plan& plan, const std::vector<Holder>& holders, std::size_t stages, std::size_t rounds);

/// The buffers that each part of the direction touches, in the order of BufferContent.
PartUses uses_of_parts(const Segment& segment, const Model& local, Way way);
BufferContent content_of(Place place);

}  // namespace tandem
