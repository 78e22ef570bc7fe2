#pragma once
// A pipeline's Program from a schedule's grid: compute steps, messages between neighbours, what forward keeps.

#include <map>
#include <tuple>

#include "plan/schedule.hpp"
#include "tests/sim/scenario.hpp"

namespace tandem::test {

struct StageTimes {
  std::int64_t forward, backward;
};

/// Neighbours exchange without cost unless `link` says otherwise; each direction of each cut has a link of its own.
struct Pipeline {
  std::string schedule;
  std::uint32_t micro_batches;
  std::vector<StageTimes> stages;
  MessageTimes link{};
  std::int64_t kept_bytes = 0;  ///< allocated by each forward step, freed by its backward step
};

class PipelineBuilder {
 public:
  explicit PipelineBuilder(const Pipeline& pipeline) : pipeline_(pipeline), stages_(pipeline.stages.size()) {}

  Ride build() {
    const auto ranks = static_cast<std::uint32_t>(stages_);
    for (std::size_t i = 0; i < stages_; ++i) add_stage();
    const Grid grid = find_schedule(pipeline_.schedule).order({ranks, pipeline_.micro_batches});
    for (std::uint32_t rank = 0; rank < ranks; ++rank) {
      for (const Action& action : grid[rank]) add_step(rank, action);
    }
    for (std::uint32_t rank = 0; rank + 1 < ranks; ++rank) {
      connect(rank, rank + 1, StepKind::forward, StreamKind::send_forward, grid);
      connect(rank + 1, rank, StepKind::backward, StreamKind::send_backward, grid);
    }
    if (pipeline_.kept_bytes > 0) add_buffers();
    return scenario_.finish(pipeline_.micro_batches);
  }

 private:
  void add_stage() {
    const StageTimes& times = pipeline_.stages[workers_.size()];
    workers_.push_back(scenario_.worker());
    const std::pair<StepKind, std::int64_t> passes[] = {{StepKind::forward, times.forward},
                                                       {StepKind::backward, times.backward}};
    for (const auto& [kind, time] : passes) {
      scenario_.prices().works.push_back({{time}, CostSource::roofline});
      works_.push_back(scenario_.builder().add_work({kind, workers_.back(), SegmentId{}}));
    }
  }
  void add_step(std::uint32_t rank, const Action& action) {
    const std::size_t work = 2 * rank + (action.kind == StepKind::backward);
    steps_[{rank, action.kind, action.micro_batch}] =
        scenario_.builder().add_compute(works_[work], action.micro_batch);
  }
  void connect(std::uint32_t from, std::uint32_t to, StepKind kind, StreamKind stream, const Grid& grid) {
    MessageTimes link = pipeline_.link;
    if (link.transfer > 0) link.link = scenario_.link();
    const ChannelId channel = scenario_.channel(workers_[from], workers_[to], link, stream);
    for (const Action& action : grid[from]) {
      if (action.kind != kind) continue;
      const MessageId message = scenario_.builder().add_message(channel, action.micro_batch);
      scenario_.send_after(message, steps_.at({from, kind, action.micro_batch}));
      scenario_.after_receive(steps_.at({to, kind, action.micro_batch}), message);
    }
  }

  void add_buffers() {
    for (const auto& [key, step] : steps_) {
      const auto& [rank, kind, micro_batch] = key;
      if (kind != StepKind::forward) continue;
      const BufferSpec spec{workers_[rank], SegmentId{}, BufferClass::activation, BufferContent::saved,
                            {pipeline_.kept_bytes}};
      const BufferId kept = scenario_.builder().add_buffer(spec, micro_batch);
      scenario_.builder().allocate(kept, step, Moment::start);
      scenario_.builder().release(kept, steps_.at({rank, StepKind::backward, micro_batch}), Moment::end);
    }
  }

  Pipeline pipeline_;
  std::size_t stages_;
  Scenario scenario_;
  std::vector<WorkerId> workers_;
  std::vector<WorkId> works_;
  std::map<std::tuple<std::uint32_t, StepKind, std::uint32_t>, StepId> steps_;
};

inline Ride build_pipeline(const Pipeline& pipeline) { return PipelineBuilder(pipeline).build(); }

}  // namespace tandem::test
