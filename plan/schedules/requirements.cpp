// Shapes that a schedule cannot run.
#include <fmt/format.h>

#include "base/error.hpp"
#include "plan/schedules/rows.hpp"

namespace tandem {

void require_even_ranks(std::string_view schedule, const ScheduleShape& shape) {
  if (shape.ranks % 2 == 0) return;
  throw InputError(fmt::format("{} runs the model in both directions, so it needs an even number of ranks", schedule),
                   fmt::format("{} ranks", shape.ranks), fmt::format("{}", shape.ranks + 1));
}

std::uint32_t chunks_per_rank(const ScheduleShape& shape) {
  constexpr std::uint64_t kMostStages = 1'000'000;
  const std::uint64_t stages = std::uint64_t{shape.chunks} * shape.ranks;
  if (stages <= kMostStages) return static_cast<std::uint32_t>(stages);
  throw InputError("too many stages", fmt::format("{} ranks of {} chunks", shape.ranks, shape.chunks),
                   fmt::format("at most {}", kMostStages));
}

void require_two_micro_batches_per_rank(std::string_view schedule, const ScheduleShape& shape) {
  if (shape.micro_batches / 2 >= shape.ranks) return;
  throw InputError(fmt::format("{} needs two micro-batches for each of its {} ranks", schedule, shape.ranks),
                   fmt::format("{} micro-batches", shape.micro_batches),
                   fmt::format("at least {}", 2 * std::uint64_t{shape.ranks}));
}

}  // namespace tandem
