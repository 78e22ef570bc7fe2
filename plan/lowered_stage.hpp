#pragma once
// One stage on one worker while lower() lays its steps down. Private to plan/.

#include <algorithm>
#include <array>
#include <cstdint>
#include <utility>
#include <vector>

#include "plan/program.hpp"

namespace tandem {

/// The three runs of a segment: F; B or I, with what is recomputed for it; W where it is apart.
enum class Way : std::uint8_t { forward, backward, weight };
inline constexpr std::size_t kWays = 3;

/// A buffer that a part touches, and how.
struct PartUse {
  BufferContent content;
  Access access;
  std::uint32_t group = 0;  ///< Placement::group
};
/// By part.
using PartUses = std::vector<std::vector<PartUse>>;

/// A step that touches what is offloaded; which of its two device buffers follows from the way.
struct OffloadUse {
  std::uint32_t batch, group;  ///< group 0: the inbox
  Way way;
  StepId step;
  Access access;
  auto unit() const { return std::pair(batch, group); }
};

/// What every worker with the same segment has in common.
struct StageLayout {
  SegmentId segment{};
  Segment segment_layout;
  std::array<PartUses, kWays> uses;
};

/// Buffers of one micro-batch of one stage on one worker: inbox, outbox, gradient inbox, gradient outbox, saved, saved for
/// I, deferred, workspaces of the three ways.
inline constexpr std::size_t kLocalBuffers = 7 + kWays;

/// Parts [first, last] of a way; none where `first` is beyond.
struct PartSpan {
  std::uint32_t first = ~0u, last = 0;
  std::vector<std::uint32_t> touched{};  ///< those of them that need it, ascending
  bool is_used() const { return first <= last; }
  bool holds(std::uint32_t part) const { return first <= part && part <= last; }
  bool touches(std::uint32_t part) const { return std::binary_search(touched.begin(), touched.end(), part); }
  void touch(std::uint32_t part) {
    first = std::min(first, part);
    last = std::max(last, part);
    if (!touches(part)) touched.insert(std::upper_bound(touched.begin(), touched.end(), part), part);
  }
};

/// A step that touches what is streamed. `joins`: it may not leave and come back since the use before. `waits`: a step of
/// another stream that waits for copies of the stage, so perhaps for all that this worker computes.
struct StreamUse {
  StepId step;
  Access access;
  bool joins, waits;
};

/// Weights, gradients or optimizer states whose home is the host: on the device only around their uses.
struct Streamed {
  BufferId home;
  BufferSpec here;                 ///< of its buffers on the device
  std::uint32_t number;            ///< CopySpec::group
  std::vector<StreamUse> uses{};   ///< in the order of the worker's steps
  StepId on_host = kNone<StepId>;  ///< the host's own step on the home, after all visits
};
inline constexpr std::size_t kNotStreamed = ~std::size_t{0};

/// What one step of the optimizer goes through.
struct UpdateUnit {
  std::vector<ParameterRange> ranges{};
  std::size_t bucket = kNotStreamed;  ///< whose weights and gradients are on the host: index into shards
  /// Indices into LoweredStage::streamed.
  std::size_t states = kNotStreamed, weight_home = kNotStreamed, gradient_home = kNotStreamed;
  std::int64_t first = 0, end = 0;    ///< bytes of what the worker owns
  WorkId work = kNone<WorkId>;
};

/// A bucket on one worker of a plan that shards or streams gradients, and what is under way of it.
struct StageBucket {
  std::size_t group = 0;                    ///< index into the groups of buckets
  const GradientBucket* bucket = nullptr;
  std::vector<ParameterRange> own{};        ///< one; none where the rank's block is empty
  std::array<PartSpan, kWays> weights{};    ///< parts that read its weights, but for those that compute F again
  PartSpan again{};                         ///< of backward: parts that read them to compute F again
  PartSpan gradients{};                     ///< of the way that computes them: parts that add to its gradients
  WorkId zero = kNone<WorkId>, zero_shard = kNone<WorkId>, add = kNone<WorkId>, fill = kNone<WorkId>;
  /// Indices into LoweredStage::streamed. Of weights by slot of their versions; none where no weights are streamed.
  std::vector<std::size_t> weight_homes{};
  std::size_t number = 0;                   ///< CopySpec::group
  std::size_t gradient_home = kNotStreamed;
  bool is_zero = false;                     ///< what is streamed of gradients has been made zero in this round
  BufferId gradient = kNone<BufferId>, weight = kNone<BufferId>;  ///< those in the memory now
  std::size_t slot = 0;                     ///< of the version of the weights in the memory
  StepId added = kNone<StepId>;             ///< the step that adds the sum to the shard
  StepId filled = kNone<StepId>;            ///< the step that begins to gather weights
  StepId last_reader = kNone<StepId>;
  StepId own_complete = kNone<StepId>;      ///< of a shard: the compute step that added to it last
  StepId complete = kNone<StepId>;          ///< after it the gradients are the sum over all ranks; none: over one rank
  StepId updated = kNone<StepId>;           ///< where weights are streamed: the step that updates its own block
  StepId gather = kNone<StepId>;            ///< of the updated weights

  PartSpan readers(Way way) const {
    PartSpan span = weights[static_cast<std::size_t>(way)];
    if (way != Way::backward || !again.is_used()) return span;
    span.touch(again.first);
    span.touch(again.last);
    return span;
  }
};

/// What is known of one stage on one worker while its steps are being laid down.
struct LoweredStage {
  WorkerId worker{};
  Coordinate at{};
  const StageLayout* shared = nullptr;
  const Segment* layout = nullptr;
  std::array<std::vector<WorkId>, kWays> works;              ///< by part
  std::array<std::vector<StepId>, kWays> steps;              ///< by micro-batch and part
  std::array<std::vector<std::uint32_t>, kWays> order;       ///< micro-batches as they run
  BufferId weights = kNone<BufferId>, gradients = kNone<BufferId>;  ///< whole; none where the plan shards them
  BufferId states = kNone<BufferId>;                         ///< none where they are streamed
  std::vector<Streamed> streamed;
  std::vector<UpdateUnit> updates;
  /// Of versions of the weights; the first is `weights`, or its shard; none where they are streamed.
  std::vector<BufferId> slots;
  std::vector<std::uint32_t> version_in{0};                  ///< by slot
  std::size_t newest_slot = 0;
  std::vector<StepId> gathers;                               ///< of the newest version, which no step waits for yet
  WorkId zero = kNone<WorkId>, zero_uses = kNone<WorkId>, settle = kNone<WorkId>;
  std::array<WorkId, 2> sums{kNone<WorkId>, kNone<WorkId>};  ///< of ties: within the stage, with another
  StepId begin = kNone<StepId>, end = kNone<StepId>;         ///< zero_gradients; update, or settle
  StepId gradients_ready = kNone<StepId>;                    ///< after it its own gradients are complete
  std::vector<StepId> reductions;                            ///< collectives that the update waits for
  std::vector<OffloadUse> offload_uses;
  std::vector<ParameterRange> owned;                         ///< what the update goes through
  std::vector<StageBucket> shards;                           ///< where the plan shards gradients
  BufferId gradient_shard = kNone<BufferId>, weight_shard = kNone<BufferId>;
  BufferId tied_uses = kNone<BufferId>;                      ///< gradients of uses whose owner is in the stage, too
  std::vector<BufferId> buffers;                             ///< by micro-batch and kLocalBuffers; kNone: has no bytes

  const std::vector<WorkId>& works_of(Way way) const { return works[static_cast<std::size_t>(way)]; }
  std::size_t parts(Way way) const { return works_of(way).size(); }
  const PartUses& uses(Way way) const { return shared->uses[static_cast<std::size_t>(way)]; }
  std::vector<std::uint32_t>& order_of(Way way) { return order[static_cast<std::size_t>(way)]; }
  const std::vector<std::uint32_t>& order_of(Way way) const { return order[static_cast<std::size_t>(way)]; }
  StepId& part(Way way, std::uint32_t batch, std::size_t part) {
    return steps[static_cast<std::size_t>(way)][batch * parts(way) + part];
  }
  StepId part(Way way, std::uint32_t batch, std::size_t part) const {
    return steps[static_cast<std::size_t>(way)][batch * parts(way) + part];
  }
  StepId first(Way way, std::uint32_t batch) const { return part(way, batch, 0); }
  StepId last(Way way, std::uint32_t batch) const { return part(way, batch, parts(way) - 1); }
  /// The way in which gradients of parameters are computed.
  Way gradient_way() const { return layout->weight_parts.empty() ? Way::backward : Way::weight; }
  /// The first part of the way that touches the content; the first of all where none does.
  StepId first_use(Way way, std::uint32_t batch, BufferContent content) const;
  /// The last step of the micro-batch's backward, W counted in, that touches the content.
  StepId last_use_of_backward(std::uint32_t batch, BufferContent content) const;
};

}  // namespace tandem
