// The gradients of parameters that are summands on several ranks: all-reduced in buckets, each as soon as it is complete.

#include <fmt/format.h>

#include "plan/lowering.hpp"

namespace tandem {

void Lowering::add_bucket(const Stage& stage, std::size_t index) {
  const GradientBucket& shape = workers_[stage.workers[0]].layout->buckets[index];
  for (const std::vector<std::uint32_t>& group : groups(stage, shape.over)) {
    CollectiveSpec spec;
    for (const std::uint32_t member : group) {
      const LoweredStage& worker = workers_[stage.workers[member]];
      spec.members.push_back(worker.worker);
      spec.payloads.push_back({BufferContent::gradients, worker.layout->buckets[index].offset});
    }
    const auto ranks = static_cast<std::uint32_t>(group.size());
    spec.name = fmt::format("gradients {} all_reduce", index);
    spec.shape = {.kind = CollectiveKind::all_reduce, .ranks = ranks, .ranks_per_node = 1,
                  .bounds = equal_bounds(shape.bytes.count / 4, ranks), .strips = {}};
    spec.stream = StreamKind::reduce_gradients;
    spec.algorithm = &algorithm_for(spec.shape, spec.members);
    const CollectiveId collective = builder_.add_collective(builder_.add_collective_spec(std::move(spec)), 0);
    for (std::uint32_t rank = 0; rank < ranks; ++rank) {
      LoweredStage& worker = workers_[stage.workers[group[rank]]];
      const GradientBucket& bucket = worker.layout->buckets[index];
      const bool early = plan_.overlap && !bucket.tied;
      const StepId step = builder_.step_of(collective, rank);
      builder_.add_after(step, early ? worker.backward_part(worker.backward_order.back(), bucket.ready_part)
                                     : worker.gradients_ready);
      builder_.use(step, worker.gradients, Access::read_write);
      worker.reductions.push_back(step);
    }
  }
}

void Lowering::reduce_gradients(Stage& stage) {
  for (std::size_t bucket = 0; bucket < workers_[stage.workers[0]].layout->buckets.size(); ++bucket)
    add_bucket(stage, bucket);
}

}  // namespace tandem
