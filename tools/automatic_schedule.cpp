#include "tools/automatic_schedule.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>

#include "base/error.hpp"
#include "plan/lower.hpp"
#include "plan/memory_script.hpp"
#include "plan/plan_schedule.hpp"
#include "tools/collective_choice.hpp"
#include "tools/device_memory.hpp"

namespace tandem {
namespace {

void raise_to(Picoseconds& most, Picoseconds value) { most = std::max(most, value); }

/// By kind of pass and worker: what its steps of one micro-batch take.
void add_times(ScheduleCosts& costs, const Program& program, const Prices& prices) {
  std::map<std::pair<SegmentId, WorkerId>, std::map<StepKind, Picoseconds>> times;
  for (std::size_t work = 0; work < program.works().size(); ++work) {
    const StepWork& row = program.works()[work];
    times[{row.segment, row.worker}][row.kind] += prices.works[work].time;
  }
  for (auto& [key, by_kind] : times) {
    const std::uint32_t stage = program.segment(key.first).stage;
    raise_to(costs.forward[stage], by_kind[StepKind::forward]);
    raise_to(costs.input_gradient[stage], by_kind[StepKind::backward] + by_kind[StepKind::input_gradient]);
    raise_to(costs.weight_gradient[stage], by_kind[StepKind::weight_gradient]);
  }
}

/// The stage whose buffer the channel's messages leave from.
std::optional<std::uint32_t> sending_stage(const Program& program, const Message& message) {
  const BufferContent content = program.channels()[index_of(message.channel)].content;
  for (const BufferUse& use : program.uses(message.send))
    if (program.spec(use.id()).content == content) return program.segment(program.spec(use.id()).segment).stage;
  return std::nullopt;
}

void add_messages(ScheduleCosts& costs, const Program& program, const Prices& prices) {
  std::vector<bool> seen(program.channels().size(), false);
  for (const Message& message : program.messages()) {
    const std::uint32_t id = index_of(message.channel);
    const BufferContent content = program.channels()[id].content;
    const bool forward = content == BufferContent::outbox;
    if (seen[id] || (!forward && content != BufferContent::gradient_outbox)) continue;
    seen[id] = true;
    const auto stage = sending_stage(program, message);
    invariant(stage.has_value(), "a message leaves a buffer of its sender");
    const ChannelPrice& price = prices.channels[id];
    const Picoseconds time = prices.routes[price.route].latency + price.transfer;
    raise_to(forward ? costs.message_forward.at(*stage) : costs.message_backward.at(*stage - 1), time);
  }
}

void add_memory(ScheduleCosts& costs, const Program& program) {
  for (const Segment& segment : program.segments()) {
    const Bytes inbox = segment.keeps_inbox ? segment.inbox_bytes : Bytes{};
    Bytes& kept = costs.kept[segment.stage];
    Bytes& after = costs.kept_after_input_gradient[segment.stage];
    kept = std::max(kept, inbox + segment.saved_bytes + segment.saved_for_input_bytes);
    after = std::max(after, inbox + segment.saved_bytes + segment.deferred_bytes);
  }
}

void add_budgets(ScheduleCosts& costs, const Program& program, const Grid& grid, std::span<const Bytes> capacity) {
  const ScheduleEvaluation sample = evaluate(grid, costs);
  const std::vector<MemoryPeak> peaks = script_peaks(program);
  std::vector<Bytes> most(grid.size());
  for (std::size_t worker = 0; worker < peaks.size(); ++worker) {
    Bytes& rank = most[program.workers()[worker].at[MeshAxis::pipeline]];
    rank = std::max(rank, peaks[worker].total);
  }
  for (std::size_t rank = 0; rank < grid.size(); ++rank)
    costs.budget[rank] = std::max(Bytes{}, capacity[rank] - (most[rank] - sample.ranks[rank].peak));
}

}  // namespace

std::vector<std::uint32_t> ranks_of_stages(const Grid& grid) {
  std::vector<std::optional<std::uint32_t>> ranks(stage_count(grid));
  for (std::uint32_t rank = 0; rank < grid.size(); ++rank)
    for (const Action& action : grid[rank]) {
      if (ranks[action.stage].value_or(rank) != rank)
        throw InputError(fmt::format("stage {} lives on several ranks", action.stage),
                         fmt::format("ranks {} and {}", *ranks[action.stage], rank));
      ranks[action.stage] = rank;
    }
  std::vector<std::uint32_t> found;
  for (const auto& rank : ranks) found.push_back(rank.value());
  return found;
}

ScheduleCosts schedule_costs(const Program& program, const Prices& prices, const Grid& grid,
                             std::span<const Bytes> capacity) {
  const std::uint32_t stages = stage_count(grid);
  invariant(capacity.size() == grid.size(), "each rank has a capacity");
  ScheduleCosts costs;
  for (auto* times : {&costs.forward, &costs.input_gradient, &costs.weight_gradient}) times->resize(stages);
  for (auto* times : {&costs.message_forward, &costs.message_backward}) times->resize(stages - 1);
  for (auto* bytes : {&costs.kept, &costs.kept_after_input_gradient}) bytes->resize(stages);
  costs.budget.resize(grid.size());
  add_times(costs, program, prices);
  add_messages(costs, program, prices);
  add_memory(costs, program);
  add_budgets(costs, program, grid, capacity);
  return costs;
}

namespace {

/// By pipeline rank: what one of its workers may use, the least of them.
std::vector<Bytes> capacities(const Job& job, const Mesh& mesh, const JobOptions& options) {
  std::vector<std::int64_t> sharers(job.cluster.device_count(), 0);
  for (const DeviceId id : job.devices) ++sharers[index_of(id)];
  std::vector<Bytes> least;
  for (std::uint32_t rank = 0; rank < mesh.workers(); ++rank) {
    const DeviceId id = job.devices[rank];
    Bytes share{usable_memory(job.cluster.device(id), job.plan).count / sharers[index_of(id)]};
    if (options.worker_memory) share = std::min(share, *options.worker_memory);
    if (rank % mesh.workers_per_stage() == 0) least.push_back(share);
    least.back() = std::min(least.back(), share);
  }
  return least;
}

/// The order with each B as I and W, so that both have prices.
Grid in_halves(const Grid& grid) {
  Grid halves(grid.size());
  for (std::size_t rank = 0; rank < grid.size(); ++rank)
    for (const Action& action : grid[rank]) {
      const bool whole = action.kind == StepKind::backward;
      halves[rank].push_back({action.stage, whole ? StepKind::input_gradient : action.kind, action.micro_batch});
      if (whole) halves[rank].push_back({action.stage, StepKind::weight_gradient, action.micro_batch});
    }
  return halves;
}

ScheduleCosts costs_of(const Job& job, const Grid& grid, const CostModel& costs, const JobOptions& options) {
  LowerOptions lowering;
  lowering.choose = collective_chooser(job.plan, job.cluster);
  lowering.grid = &grid;
  const Program program = lower(job.plan, *job.model, job.cuts, job.devices, lowering);
  const Prices prices = price(program, *job.model, job.cluster, costs, job.plan.optimizer, options.network);
  return schedule_costs(program, prices, grid, capacities(job, program.mesh(), options));
}

}  // namespace

void settle_schedule(Job& job, const CostModel& costs, const JobOptions& options) {
  if (!is_automatic(job.plan)) return;
  invariant(!leaves_schedule_open(job.plan), "schedules are compared before one is searched");
  const Grid grid = in_halves(schedule_grid(job.plan));
  const ScheduleShape shape = shape_of(job.plan);
  AutomaticOptions search;
  search.seed = job.plan.seed;
  search.effort = options.search_effort;
  job.found = find_schedule_automatically(costs_of(job, grid, costs, options), ranks_of_stages(grid), shape.ranks,
                                          shape.micro_batches, search);
}

void judge_table_schedule(Job& job, const CostModel& costs, const JobOptions& options) {
  const Grid own = schedule_grid(job.plan), grid = in_halves(own);
  try {
    const std::vector<std::uint32_t> rank_of_stage = ranks_of_stages(grid);
    job.found = judge_schedule(own, costs_of(job, grid, costs, options), rank_of_stage, shape_of(job.plan).micro_batches);
  } catch (const InputError&) {
    job.found.reset();
  }
}

}  // namespace tandem
