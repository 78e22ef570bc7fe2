#include "plan/schedule.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.hpp"
#include "plan/grid_times.hpp"
#include "plan/schedules/rows.hpp"

namespace tandem {
namespace {

constexpr Schedule kSchedules[] = {
    {"1f1b", "one forward, one backward, with a flush at the end of the iteration",
     "Narayanan et al., PipeDream, arXiv 1806.03377; Megatron-LM, arXiv 2104.04473", one_forward_one_backward_order},
    {"chimera", "two copies of the model in opposite directions", "Li and Hoefler, Chimera, arXiv 2107.06925",
     chimera_order},
    {"dualpipe", "two copies in opposite directions, F of one beside B of the other, B split at the ends",
     "DeepSeek-AI, DeepSeek-V3 Technical Report, arXiv 2412.19437", dual_pipe_order},
    {"dualpipev", "half of dualpipe: one copy, two stages per rank in a V",
     "DeepSeek-AI, DualPipe, github.com/deepseek-ai/DualPipe; arXiv 2412.19437", dual_pipe_v_order,
     two_stages_per_rank},
    {"gpipe", "all forwards, then all backwards", "Huang et al., GPipe, arXiv 1811.06965", gpipe_order},
    {"gpipe-reversed", "all forwards, then all backwards from the last micro-batch to the first, as the paper draws it",
     "Huang et al., GPipe, arXiv 1811.06965, figure 2", reversed_gpipe_order},
    {"hanayo", "the model in waves through the ranks: chunks passes, down and up in turn",
     "Liu et al., Hanayo, arXiv 2308.15762", hanayo_order, chunks_per_rank},
    {"interleaved-1f1b", "1f1b in which each rank runs several stages, p apart",
     "Narayanan et al., Megatron-LM, arXiv 2104.04473", interleaved_order, chunks_per_rank},
    {"pipedream", "1f1b without a flush: an update after each backward, on stashed versions of the weights",
     "Narayanan et al., PipeDream, arXiv 1806.03377", one_forward_one_backward_order, nullptr,
     Updates::each_micro_batch},
    {"pipedream-2bw", "1f1b without a flush: an update after each p micro-batches, two versions of the weights",
     "Narayanan et al., PipeDream-2BW, arXiv 2006.09503", one_forward_one_backward_order, nullptr,
     Updates::double_buffered},
    {"pipedream-vertical-sync", "pipedream in which all stages use the version with which a micro-batch entered",
     "Narayanan et al., PipeDream, arXiv 1806.03377", one_forward_one_backward_order, nullptr,
     Updates::each_micro_batch, true},
    {"sequential", "one micro-batch at a time: model parallelism without pipelining",
     "Narayanan et al., PipeDream, arXiv 1806.03377, figure 2", sequential_order},
    {"v-half", "two stages per rank in a V, B split, half of 1f1b's activations",
     "Qi et al., Pipeline Parallelism with Controllable Memory, arXiv 2405.15362", v_half_order, two_stages_per_rank},
    {"v-min", "two stages per rank in a V, B split, a third of 1f1b's activations",
     "Qi et al., Pipeline Parallelism with Controllable Memory, arXiv 2405.15362", v_min_order, two_stages_per_rank},
    {"zb-h1", "1f1b with B split, so that W fills the drain: a third of the bubble, the same activations",
     "Qi et al., Zero Bubble Pipeline Parallelism, arXiv 2401.10241", zero_bubble_h1_order},
    {"zb-h2", "zb-h1 with twice the warm-up: no bubble, nearly twice the activations",
     "Qi et al., Zero Bubble Pipeline Parallelism, arXiv 2401.10241", zero_bubble_h2_order},
    {"zb-v", "two stages per rank in a V, B split: no bubble, 1f1b's activations",
     "Qi et al., Zero Bubble Pipeline Parallelism, arXiv 2401.10241, section 6", zero_bubble_v_order,
     two_stages_per_rank},
};

}  // namespace

std::span<const Schedule> schedules() { return kSchedules; }

const Schedule& find_schedule(std::string_view name) {
  std::vector<std::string> names;
  for (const Schedule& row : kSchedules) {
    if (row.name == name) return row;
    names.emplace_back(row.name);
  }
  throw InputError(fmt::format("no such schedule{}", did_you_mean(name, names)), name,
                   fmt::format("one of {}", fmt::join(names, ", ")));
}

std::uint32_t stage_count(const Schedule& schedule, const ScheduleShape& shape) {
  return schedule.stages == nullptr ? shape.ranks : schedule.stages(shape);
}

std::uint32_t stage_count(const Grid& grid) {
  std::uint32_t count = 0;
  for (const auto& row : grid)
    for (const Action& action : row) count = std::max(count, action.stage + 1);
  return count;
}

std::string to_text(const Action& action) {
  return fmt::format("{}{}{}", action.stage, name_of(action.kind), action.micro_batch);
}

std::vector<std::vector<std::string>> time_grid(const Grid& grid) {
  std::vector<std::vector<std::string>> rows;
  for (const auto& timed : timed_grid(grid, {})) {
    rows.emplace_back(timed.empty() ? 0 : static_cast<std::size_t>(timed.back().end));
    for (const TimedAction& step : timed) rows.back()[static_cast<std::size_t>(step.start)] = to_text(step.action);
  }
  return rows;
}

}  // namespace tandem
