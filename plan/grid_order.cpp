#include "plan/grid_order.hpp"

#include <map>
#include <tuple>
#include <unordered_map>

namespace tandem {
namespace {

struct Place {
  std::size_t rank, index;
};

/// The messages between two ranks over the cut before a stage, in one direction.
struct Channel {
  std::vector<Place> earlier, later;  ///< steps of the stage before the cut, and of the one after it, as they run
};

class Channels {
 public:
  explicit Channels(const Grid& grid) : grid_(grid), stages_(stage_count(grid)) {
    for (std::size_t rank = 0; rank < grid.size(); ++rank)
      for (const Action& action : grid[rank])
        if (action.kind == StepKind::forward) rank_of_[key(action.stage, action.micro_batch)] = rank;
    for (std::size_t rank = 0; rank < grid.size(); ++rank)
      for (std::size_t index = 0; index < grid[rank].size(); ++index) add({rank, index});
  }

  std::optional<GridFault> find_crossed() const {
    for (const auto& [name, channel] : channels_)
      for (std::size_t i = 0; i < channel.earlier.size(); ++i) {
        const Action& first = at(channel.earlier[i]);
        const Action& second = at(channel.later[i]);
        if (first.micro_batch != second.micro_batch)
          return GridFault{channel.later[i].rank, channel.later[i].index,
                           "neighbouring ranks run micro-batches in different orders", to_text(second),
                           to_text({second.stage, second.kind, first.micro_batch})};
      }
    return std::nullopt;
  }

 private:
  using Name = std::tuple<std::uint32_t, bool, std::size_t, std::size_t>;  ///< stage after the cut, direction, ranks

  void add(const Place& place) {
    const Action& action = at(place);
    if (action.kind == StepKind::weight_gradient) return;
    const bool forward = action.kind == StepKind::forward;
    if (action.stage > 0)
      if (const std::size_t other = rank_of_.at(key(action.stage - 1, action.micro_batch)); other != place.rank)
        channels_[{action.stage, forward, other, place.rank}].later.push_back(place);
    if (action.stage + 1 < stages_)
      if (const std::size_t other = rank_of_.at(key(action.stage + 1, action.micro_batch)); other != place.rank)
        channels_[{action.stage + 1, forward, place.rank, other}].earlier.push_back(place);
  }
  const Action& at(const Place& place) const { return grid_[place.rank][place.index]; }
  static std::uint64_t key(std::uint32_t stage, std::uint32_t batch) { return std::uint64_t{stage} << 32 | batch; }

  const Grid& grid_;
  std::uint32_t stages_;
  std::unordered_map<std::uint64_t, std::size_t> rank_of_;
  std::map<Name, Channel> channels_;
};

}  // namespace

std::optional<GridFault> find_crossed_order(const Grid& grid) { return Channels(grid).find_crossed(); }

}  // namespace tandem
