// Interleaved 1F1B (2104.04473): rank r runs the stages r, r + p, r + 2p, .... Micro-batches pass in rounds of p: all
// of a round through a rank's first stage, then all through its next, and the other way in backward. A rank warms up
// with (v - 1) rounds and two forwards for each rank after it, then alternates.
//
// Where m is no multiple of p, the m / p (rounded down) rounds share the micro-batches as evenly as can be, the
// larger ones first, and the warm-up has rounds of the first one's size; with fewer than p there is one round.
#include <algorithm>

#include "plan/schedules/rows.hpp"

namespace tandem {
namespace {

/// The forwards or backwards of one rank.
std::vector<Action> passes(const ScheduleShape& shape, std::uint32_t rank, StepKind kind) {
  const std::uint32_t rounds = std::max(1U, shape.micro_batches / shape.ranks);
  std::vector<Action> actions;
  for (std::uint32_t round = 0, first = 0; round < rounds; ++round) {
    const std::uint32_t size = shape.micro_batches / rounds + (round < shape.micro_batches % rounds);
    for (std::uint32_t chunk = 0; chunk < shape.chunks; ++chunk) {
      const std::uint32_t depth = kind == StepKind::forward ? chunk : shape.chunks - 1 - chunk;
      for (std::uint32_t batch = first; batch < first + size; ++batch)
        actions.push_back({depth * shape.ranks + rank, kind, batch});
    }
    first += size;
  }
  return actions;
}

std::vector<Action> row(const ScheduleShape& shape, std::uint32_t rank) {
  const std::vector<Action> forwards = passes(shape, rank, StepKind::forward);
  const std::vector<Action> backwards = passes(shape, rank, StepKind::backward);
  const std::size_t rounds = std::max(1U, shape.micro_batches / shape.ranks);
  const std::size_t round = (shape.micro_batches + rounds - 1) / rounds;
  const std::size_t ahead =
      std::min(forwards.size(), (shape.chunks - 1) * round + 2 * (std::size_t{shape.ranks} - 1 - rank));
  std::vector<Action> actions(forwards.begin(), forwards.begin() + static_cast<std::ptrdiff_t>(ahead));
  for (std::size_t i = 0; i < backwards.size(); ++i) {
    if (ahead + i < forwards.size()) actions.push_back(forwards[ahead + i]);
    actions.push_back(backwards[i]);
  }
  return actions;
}

}  // namespace

Grid interleaved_order(const ScheduleShape& shape) {
  Grid grid;
  for (std::uint32_t rank = 0; rank < shape.ranks; ++rank) grid.push_back(row(shape, rank));
  return grid;
}

}  // namespace tandem
