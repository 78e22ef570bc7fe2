#include <algorithm>
#include <numeric>

#include "plan/segment.hpp"

namespace tandem {
namespace {

bool overlap(const Lifetime& a, const Lifetime& b) { return a.birth < b.death && b.birth < a.death; }

/// The lowest offset at which `size` bytes fit between the taken ranges, which are sorted by offset.
std::int64_t first_gap(const std::vector<std::pair<std::int64_t, std::int64_t>>& taken, std::int64_t size) {
  std::int64_t offset = 0;
  for (const auto& [begin, end] : taken) {
    if (begin - offset >= size) break;
    offset = std::max(offset, end);
  }
  return offset;
}

}  // namespace

Packing pack_lifetimes(const std::vector<Lifetime>& lifetimes) {
  std::vector<std::size_t> order(lifetimes.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return lifetimes[a].bytes > lifetimes[b].bytes; });
  Packing packing{std::vector<std::int64_t>(lifetimes.size(), 0), Bytes{0}};
  std::vector<std::size_t> placed;
  for (const std::size_t item : order) {
    const std::int64_t size = aligned_size(lifetimes[item].bytes);
    std::vector<std::pair<std::int64_t, std::int64_t>> taken;
    for (const std::size_t other : placed)
      if (overlap(lifetimes[item], lifetimes[other]))
        taken.emplace_back(packing.offsets[other], packing.offsets[other] + aligned_size(lifetimes[other].bytes));
    std::sort(taken.begin(), taken.end());
    packing.offsets[item] = first_gap(taken, size);
    packing.size = std::max(packing.size, Bytes{packing.offsets[item] + size});
    placed.push_back(item);
  }
  return packing;
}

}  // namespace tandem
