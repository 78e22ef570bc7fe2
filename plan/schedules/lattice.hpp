#pragma once
// Orders from a table of times: where every step starts no earlier than its predecessors end, running the steps of each
// rank by their times cannot dead-lock.

#include <algorithm>
#include <cstdint>
#include <vector>

#include "plan/schedule.hpp"

namespace tandem {

class Lattice {
 public:
  explicit Lattice(std::uint32_t ranks) : rows_(ranks) {}
  /// No two steps of a rank at the same time.
  void put(std::uint32_t rank, std::uint64_t time, const Action& action) { rows_[rank].push_back({time, action}); }

  Grid grid() {
    Grid grid;
    for (auto& row : rows_) {
      std::sort(row.begin(), row.end(), [](const Entry& a, const Entry& b) { return a.time < b.time; });
      grid.emplace_back();
      for (const Entry& entry : row) grid.back().push_back(entry.action);
    }
    return grid;
  }

 private:
  struct Entry {
    std::uint64_t time;
    Action action;
  };
  std::vector<std::vector<Entry>> rows_;
};

}  // namespace tandem
