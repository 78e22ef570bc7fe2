// Words from grids, and back.
#include "plan/automatic_schedule_order.hpp"

namespace tandem {

Grid to_grid(const Order& order) {
  constexpr StepKind kKinds[] = {StepKind::forward, StepKind::input_gradient, StepKind::weight_gradient,
                                 StepKind::backward};
  Grid grid(order.size());
  for (std::size_t rank = 0; rank < order.size(); ++rank) {
    struct Done {
      std::uint32_t forwards = 0, backwards = 0;
      std::size_t weights = 0;
      std::vector<std::uint32_t> split;
    };
    std::vector<Done> done;
    for (const Letter letter : order[rank]) {
      if (done.size() <= letter.stage) done.resize(letter.stage + 1u);
      Done& at = done[letter.stage];
      std::uint32_t batch = 0;
      if (letter.part == Part::forward) batch = at.forwards++;
      if (letter.part == Part::backward || letter.part == Part::input_gradient) batch = at.backwards++;
      if (letter.part == Part::input_gradient) at.split.push_back(batch);
      if (letter.part == Part::weight_gradient) batch = at.split.at(at.weights++);
      grid[rank].push_back({letter.stage, kKinds[static_cast<std::size_t>(letter.part)], batch});
    }
  }
  return grid;
}

Order to_order(const Grid& grid) {
  Order order(grid.size());
  for (std::size_t rank = 0; rank < grid.size(); ++rank)
    for (const Action& action : grid[rank]) {
      const Part part = action.kind == StepKind::forward          ? Part::forward
                        : action.kind == StepKind::input_gradient ? Part::input_gradient
                        : action.kind == StepKind::backward       ? Part::backward
                                                                  : Part::weight_gradient;
      order[rank].push_back({static_cast<std::uint16_t>(action.stage), part});
    }
  return order;
}

Order split_backwards(const Order& order) {
  Order apart(order.size());
  for (std::size_t rank = 0; rank < order.size(); ++rank)
    for (const Letter letter : order[rank]) {
      if (letter.part != Part::backward) {
        apart[rank].push_back(letter);
        continue;
      }
      apart[rank].push_back({letter.stage, Part::input_gradient});
      apart[rank].push_back({letter.stage, Part::weight_gradient});
    }
  return apart;
}

}  // namespace tandem
