// The automatic scheduler on random instances: how far from its lower bound, how much shorter than the table, how long.
//
// usage: bench_automatic_schedule [INSTANCES [EFFORT]]
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <iostream>
#include <string>
#include <vector>

#include "plan/automatic_schedule.hpp"
#include "tests/plan/automatic_schedule_cases.hpp"

namespace {

using namespace tandem;

struct Measured {
  FoundSchedule found;
  double seconds;
  double over_percent() const { return 100.0 * (ratio(found.makespan, found.lower_bound) - 1); }
  double table_over_percent() const { return 100.0 * (ratio(found.table_makespan, found.makespan) - 1); }
  static double ratio(Picoseconds a, Picoseconds b) {
    return static_cast<double>(a.count) / static_cast<double>(b.count);
  }
};

Measured measure(const ScheduleInstance& instance, const std::vector<std::uint32_t>& rank_of_stage,
                 std::uint64_t effort) {
  const auto start = std::chrono::steady_clock::now();
  FoundSchedule found =
      find_schedule_automatically(instance.costs, rank_of_stage, static_cast<std::uint32_t>(instance.costs.budget.size()),
                                  instance.micro_batches, {.effort = effort});
  const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - start;
  return {std::move(found), taken.count()};
}

std::string quantiles(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const auto at = [&](double share) {
    return values[static_cast<std::size_t>(share * static_cast<double>(values.size() - 1))];
  };
  return fmt::format("median {:.3f}, 75th percentile {:.3f}, 90th {:.3f}, least {:.3f}, most {:.3f}", at(0.5), at(0.75),
                     at(0.9), values.front(), values.back());
}

void random_instances(std::size_t count, std::uint64_t effort) {
  std::vector<double> over, table, seconds;
  for (std::uint64_t seed = 0; seed < count; ++seed) {
    const Measured measured = measure(random_instance(seed), one_each(random_instance(seed).stages), effort);
    over.push_back(measured.over_percent());
    table.push_back(measured.table_over_percent());
    seconds.push_back(measured.seconds);
  }
  std::cout << fmt::format("{} random instances, effort {}\n", count, effort)
            << fmt::format("  above the lower bound, %: {}; {} reach it\n", quantiles(over),
                           std::count_if(over.begin(), over.end(), [](double value) { return value <= 0; }))
            << fmt::format("  best of the table above auto, %: {}\n", quantiles(table))
            << fmt::format("  seconds: {}\n", quantiles(seconds));
}

void large_instances(std::uint64_t effort) {
  for (std::uint64_t seed = 0; seed < 8; ++seed) {
    Dice dice(seed);
    const Measured measured = measure({16, 64, random_costs(dice, 16)}, one_each(16), effort);
    std::cout << fmt::format("p = 16, m = 64, seed {}: {:.3f} % above the bound, {} {:.3f} % above auto, {:.2f} s\n",
                             seed, measured.over_percent(), measured.found.best_of_table,
                             measured.table_over_percent(), measured.seconds);
  }
}

/// Two stages a rank in a V, and room for half of 1F1B's activations: what v-half is made for.
void folded_instances(std::uint64_t effort) {
  for (std::uint64_t seed = 0; seed < 8; ++seed) {
    Dice dice(seed);
    const std::uint32_t ranks = seed % 2 == 0 ? 4 : 8;
    const Measured measured = measure({2 * ranks, 2 * ranks, folded_costs(dice, ranks)}, folded(ranks), effort);
    std::cout << fmt::format("{} ranks in a V, seed {}: {:.2f} % above the bound, {} {:.2f} % above auto, {:.2f} s\n",
                             ranks, seed, measured.over_percent(), measured.found.best_of_table,
                             measured.table_over_percent(), measured.seconds);
  }
}

}  // namespace

int main(int count, char** arguments) {
  const std::size_t instances = count > 1 ? std::stoul(arguments[1]) : 500;
  const std::uint64_t effort = count > 2 ? std::stoull(arguments[2]) : AutomaticOptions{}.effort;
  random_instances(instances, effort);
  large_instances(effort);
  folded_instances(effort);
}
