#include "hardware_profiles/topologies/grid.hpp"

#include <algorithm>

#include "base/error.hpp"

namespace tandem {

std::uint32_t Grid::stride(std::size_t direction) const {
  return direction == 0 ? 1 : direction == 1 ? sizes[0] : sizes[0] * sizes[1];
}

/// A ring of two would have two cables between the same ends, so it has one.
std::uint32_t Grid::cables_per_line(std::size_t direction) const {
  return is_ring(direction) ? sizes[direction] : sizes[direction] - 1;
}

std::uint64_t Grid::first_cable(std::size_t direction) const {
  std::uint64_t before = 0;
  for (std::size_t each = 0; each < direction; ++each)
    before += std::uint64_t{ends() / sizes[each]} * cables_per_line(each);
  return before;
}

std::uint64_t Grid::cable_count() const { return first_cable(3); }

Cable Grid::cable(std::uint32_t cable) const {
  std::size_t direction = 2;
  while (first_cable(direction) > cable || cables_per_line(direction) == 0) --direction;
  const auto within = static_cast<std::uint32_t>(cable - first_cable(direction));
  const std::uint32_t line = within / cables_per_line(direction), place = within % cables_per_line(direction);
  const std::uint32_t step = stride(direction), size = sizes[direction];
  const std::uint32_t start = line / step * step * size + line % step;
  return {start + place * step, start + (place + 1) % size * step, 0};
}

void Grid::route(std::uint32_t from, std::uint32_t to, Hops& hops) const {
  std::uint32_t at = from;
  for (std::size_t direction = 0; direction < 3; ++direction) {
    const std::uint32_t step = stride(direction), size = sizes[direction];
    const std::uint32_t target = to / step % size;
    std::uint32_t place = at / step % size;
    const std::uint32_t line = at / (step * size) * step + at % step;
    const auto first = static_cast<std::uint32_t>(first_cable(direction)) + line * cables_per_line(direction);
    const std::uint32_t ahead = (target + size - place) % size;
    const bool up = is_ring(direction) ? ahead <= size - ahead : target > place;
    at = at - place * step + target * step;
    for (; place != target; place = (place + (up ? 1 : size - 1)) % size)
      hops.push_back({first + (up ? place : (place + size - 1) % size), !up});
  }
  invariant(at == to, "a route ends where it should");
}

std::uint32_t Grid::diameter() const {
  std::uint32_t hops = 0;
  for (std::size_t direction = 0; direction < 3; ++direction)
    hops += is_ring(direction) ? sizes[direction] / 2 : sizes[direction] - 1;
  return hops;
}

std::uint64_t Grid::cables_across() const {
  const auto longest = static_cast<std::size_t>(std::max_element(sizes.begin(), sizes.end()) - sizes.begin());
  if (sizes[longest] == 1) return 0;
  return std::uint64_t{ends() / sizes[longest]} * (is_ring(longest) ? 2 : 1);
}

}  // namespace tandem
