// The engine gives lowered schedules the times of their grids, and the bubble rates that the zero-bubble paper prints.

#include <algorithm>
#include <cmath>
#include <map>
#include <tuple>

#include "base/yaml.hpp"
#include "plan/grid_times.hpp"
#include "plan/lower.hpp"
#include "plan/prices.hpp"
#include "sim/simulate.hpp"
#include "tests/catch.hpp"
#include "tests/plan/models.hpp"
#include "tests/plan/suitable_schedules.hpp"
#include "tests/source_dir.hpp"

using namespace tandem;

namespace {

/// A block of the model per stage, and room for any number of messages.
Program lowered(const std::string& schedule, std::size_t ranks, std::int64_t batches) {
  Plan plan = plan_of(schedule, ranks, batches);
  plan.window = batches;
  const std::size_t stages = stage_count(plan);
  return lower(plan, equal_blocks(stages), block_cuts(stages), one_device_each(ranks));
}

/// What each step and message takes alone; nothing else takes time.
Prices recorded(const Program& program, const StepTimes& times) {
  const std::map<StepKind, std::int64_t> by_kind{{StepKind::forward, times.forward},
                                                 {StepKind::backward, times.backward},
                                                 {StepKind::input_gradient, times.input_gradient},
                                                 {StepKind::weight_gradient, times.weight_gradient}};
  Prices prices;
  for (const StepWork& work : program.works()) {
    const auto known = by_kind.find(work.kind);
    prices.works.push_back({{known == by_kind.end() ? 0 : known->second}, CostSource::recorded});
  }
  prices.routes.push_back({{times.message}, 1e9});
  for (std::size_t i = 0; i < program.channels().size(); ++i) prices.channels.push_back({0, {0}});
  for (std::size_t i = 0; i < program.collective_specs().size(); ++i)
    prices.collectives.push_back({{}, {}, Picoseconds{0}});  // of copies' gradients
  prices.worker_resource.assign(program.workers().size(), kExclusive);
  prices.worker_forbids_overlap.assign(program.workers().size(), false);
  return prices;
}

using Key = std::tuple<std::uint32_t, std::uint32_t, StepKind, std::uint32_t>;  // rank, stage, kind, micro-batch
using Spans = std::map<Key, std::pair<std::int64_t, std::int64_t>>;

/// A grid's B may be lowered as I and W, one after the other.
bool is_pass(StepKind kind) {
  return kind == StepKind::forward || kind == StepKind::backward || kind == StepKind::input_gradient ||
         kind == StepKind::weight_gradient;
}

Spans simulated(const Program& program, const Timeline& timeline) {
  Spans spans;
  for (std::uint32_t i = 0; i < program.step_count(); ++i) {
    const auto id = static_cast<StepId>(i);
    const Step& step = program.step(id);
    if (!is_pass(step.kind)) continue;
    const std::uint32_t rank = program.workers()[index_of(program.worker_of(id))].rank;
    const std::uint32_t stage = program.segment(program.work(id).segment).stage;
    spans[{rank, stage, step.kind, step.micro_batch}] = {timeline.spans[i].start.count, timeline.spans[i].end.count};
  }
  return spans;
}

Spans planned(const Grid& grid, const StepTimes& times, const Spans& as_lowered) {
  Spans spans;
  const TimedGrid timed = timed_grid(grid, times);
  for (std::uint32_t rank = 0; rank < timed.size(); ++rank)
    for (const auto& [action, start, end] : timed[rank]) {
      const auto add = [&](StepKind kind, std::int64_t from, std::int64_t to) {
        spans[{rank, action.stage, kind, action.micro_batch}] = {from, to};
      };
      const bool halves = as_lowered.contains({rank, action.stage, StepKind::weight_gradient, action.micro_batch});
      if (action.kind != StepKind::backward || !halves) {
        add(action.kind, start, end);
        continue;
      }
      add(StepKind::input_gradient, start, start + times.input_gradient);
      add(StepKind::weight_gradient, start + times.input_gradient, end);
    }
  return spans;
}

std::int64_t microseconds(const YamlNode& row, std::string_view key) {
  return std::llround(1000 * row.at(key).number(0, 1000));
}

/// Share of a rank's own time between its first start and its last end that it idles, the longest such time of all ranks.
double bubble_rate(const Spans& spans, const StepTimes& times, std::int64_t batches) {
  std::map<std::uint32_t, std::pair<std::int64_t, std::int64_t>> own;
  for (const auto& [key, span] : spans) {
    const auto [at, is_new] = own.emplace(std::get<0>(key), span);
    at->second.first = std::min(at->second.first, span.first);
    at->second.second = std::max(at->second.second, span.second);
  }
  std::int64_t cost = 0;
  for (const auto& [rank, span] : own) cost = std::max(cost, span.second - span.first);
  return static_cast<double>(cost - batches * (times.forward + times.backward)) / static_cast<double>(cost);
}

}  // namespace

TEST_CASE("every schedule's steps start and end in the engine when its grid says") {
  for (const StepTimes& times : {step_times(7, 11, 5), step_times(7, 11, 5, 3)})
    for (const std::size_t ranks : {1u, 2u, 3u, 4u})
      for (const std::int64_t batches : {1, 4, 8, 12})
        for (const std::string& schedule : suitable_schedules(ranks, batches, 16)) {
          CAPTURE(schedule, ranks, batches, times.message);
          // A split schedule's whole B hands over its gradients after I, in the grid after all of B.
          const Grid grid = find_schedule(schedule).order(
              {static_cast<std::uint32_t>(ranks), static_cast<std::uint32_t>(batches), 2});
          const bool whole = std::ranges::any_of(grid, [](const auto& row) {
            return std::ranges::any_of(row, [](const Action& action) { return action.kind == StepKind::backward; });
          });
          const Program program = lowered(schedule, ranks, batches);
          const bool split = std::ranges::any_of(
              program.steps(), [](const Step& step) { return step.kind == StepKind::weight_gradient; });
          if (whole && split) continue;

          const Spans got = simulated(program, simulate(program, recorded(program, times)));

          CHECK((got == planned(grid, times, got)));
        }
}

TEST_CASE("with the zero-bubble paper's profiled times the engine gives its printed bubble rates, to four decimals") {
  const YamlNode table = read_yaml(source_dir() + "/tests/validation/zero_bubble.yaml");
  for (const YamlNode& row : table.at("rows").items())
    for (const std::string schedule : {"1f1b", "zb-h1"}) {
      const StepTimes times = step_times(microseconds(row, "forward"), microseconds(row, "input_gradient"),
                                         microseconds(row, "weight_gradient"), microseconds(row, "message"));
      const std::int64_t batches = row.at("micro_batches").integer(1, 1024);
      const Program program = lowered(schedule, static_cast<std::size_t>(row.at("ranks").integer(1, 64)), batches);
      CAPTURE(row.at("model").text(), batches, schedule);

      const Spans spans = simulated(program, simulate(program, recorded(program, times)));

      CHECK(std::llround(10000 * bubble_rate(spans, times, batches)) ==
            std::llround(10000 * row.at(schedule).number(0, 1)));
    }
}
