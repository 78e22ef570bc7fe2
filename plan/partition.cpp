#include "plan/partition.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "base/error.hpp"
#include "plan/balance_ranks.hpp"
#include "plan/plan_schedule.hpp"
#include "plan/shard.hpp"
#include "plan/stage_memory.hpp"

namespace tandem {
namespace {

constexpr double kInfinite = std::numeric_limits<double>::infinity();

/// A model as one rank computes it, by the whole model's layers: layer i is its own [bounds[i], bounds[i + 1]).
struct Parts {
  LocalModel local;
  std::vector<std::size_t> bounds;
};

Parts undivided_parts(const Model& model) {
  Parts parts{undivided(model), {}};
  for (std::size_t i = 0; i <= model.layer_count(); ++i) parts.bounds.push_back(i);
  return parts;
}

/// As lowering cuts it.
Parts divided_parts(const Plan& plan, const Model& model) {
  const LayoutChoice choice = choose_layouts(plan, model);
  Sharding sharding = shard(choice, model, mesh_of(plan), Coordinate{}, plan.micro_batch_size);
  std::vector<std::size_t> bounds{0};
  std::size_t index = 0;
  for (const Layer& layer : model.layers()) {
    while (choice.model.layers()[index].name != layer.name) ++index;
    bounds.push_back(local_cut(sharding, index + 1));
  }
  return {std::move(sharding.local), std::move(bounds)};
}

/// Predicted time of F, I and W of each layer, in whole picoseconds, so that sums are exact and equal stages compare
/// equal.
std::vector<double> layer_times(const Parts& parts, const Device& device, const CostModel& costs, std::int64_t batch) {
  const Model& model = parts.local.model;
  std::vector<double> times(parts.bounds.size() - 1, 0.0);
  for (std::size_t whole = 0; whole < times.size(); ++whole)
    for (std::size_t i = parts.bounds[whole]; i < parts.bounds[whole + 1]; ++i)
      for (const Pass pass : {Pass::forward, Pass::input_gradient, Pass::weight_gradient}) {
        const auto layer = static_cast<LayerId>(i);
        if (pass == Pass::input_gradient && !model.needs_gradient(layer)) continue;
        if (pass == Pass::weight_gradient && model.layer(layer).parameters.empty()) continue;
        const Cost cost =
            costs.kernel(kernel_signature(model, layer, pass, batch), model.work(layer, pass, batch), device);
        times[whole] += static_cast<double>(to_picoseconds(cost.time).count);
      }
  return times;
}

/// What a split lacks in memory, and what it is judged by besides.
using Value = std::pair<double, double>;
constexpr Value kImpossible{kInfinite, kInfinite};

/// Dynamic programming over (ranks used, items placed). `best[r][i]`: value of the best split of the first i items over
/// the first r ranks, where `join(before, rank, from, to)` is the value when rank takes items [from, to).
template <class Join>
std::vector<std::size_t> best_split(std::size_t ranks, std::size_t items, const std::vector<bool>& allowed, Join join,
                                    Value& value) {
  std::vector<std::vector<Value>> best(ranks + 1, std::vector<Value>(items + 1, kImpossible));
  std::vector<std::vector<std::size_t>> from(ranks + 1, std::vector<std::size_t>(items + 1, 0));
  best[0][0] = {0, 0};
  for (std::size_t rank = 0; rank < ranks; ++rank)
    for (std::size_t to = 1; to <= items; ++to) {
      if (to < items && !allowed[to]) continue;
      for (std::size_t start = 0; start < to; ++start) {
        if (best[rank][start] == kImpossible) continue;
        const Value candidate = join(best[rank][start], rank, start, to);
        if (candidate < best[rank + 1][to]) best[rank + 1][to] = candidate, from[rank + 1][to] = start;
      }
    }
  value = best[ranks][items];
  std::vector<std::size_t> cuts;
  for (std::size_t rank = ranks, to = items; rank > 1 && value < kImpossible; --rank)
    cuts.push_back(to = from[rank][to]);
  std::reverse(cuts.begin(), cuts.end());
  return cuts;
}

std::vector<std::vector<double>> prefix_sums(const std::vector<std::vector<double>>& time) {
  std::vector<std::vector<double>> sums;
  for (const auto& row : time) {
    sums.emplace_back(row.size() + 1, 0.0);
    for (std::size_t i = 0; i < row.size(); ++i) sums.back()[i + 1] = sums.back()[i] + row[i];
  }
  return sums;
}

}  // namespace

std::vector<std::size_t> split_chain(const std::vector<std::vector<double>>& time, const std::vector<double>& crossing,
                                     const std::vector<bool>& allowed, const Lacking& lacking) {
  const std::size_t ranks = time.size(), items = time.empty() ? 0 : time.front().size();
  const auto sums = prefix_sums(time);
  const auto stage = [&](std::size_t rank, std::size_t start, std::size_t to) {
    return sums[rank][to] - sums[rank][start];
  };
  const auto lacks = [&](std::size_t rank, std::size_t start, std::size_t to) {
    return lacking ? lacking(rank, start, to) : 0.0;
  };
  Value fastest, fewest;
  best_split(ranks, items, allowed,
             [&](const Value& before, std::size_t rank, std::size_t start, std::size_t to) {
               return Value{before.first + lacks(rank, start, to), std::max(before.second, stage(rank, start, to))};
             },
             fastest);
  if (fastest == kImpossible)
    throw InputError("the model has too few places to cut", fmt::format("{} stages", ranks),
                     fmt::format("at most {} stages", 1 + std::count(allowed.begin(), allowed.end(), true)));
  return best_split(ranks, items, allowed,
                    [&](const Value& before, std::size_t rank, std::size_t start, std::size_t to) {
                      if (stage(rank, start, to) > fastest.second) return kImpossible;
                      const double bytes = start > 0 ? crossing[start] : 0.0;
                      return Value{before.first + lacks(rank, start, to), before.second + bytes};
                    },
                    fewest);
}

namespace {

std::vector<std::vector<std::size_t>> stages_of_ranks(const Grid& grid) {
  std::vector<std::vector<std::size_t>> stages(grid.size());
  for (const Holder& holder : holders_of(grid)) stages[holder.rank].push_back(holder.stage);
  return stages;
}

Partition partition(const Model& model, const Parts& parts, const std::vector<const Device*>& devices,
                    const CostModel& costs, std::int64_t batch, const Lacking& lacking, const Grid& grid = {}) {
  invariant(!devices.empty(), "a partition has at least one stage");
  const std::size_t layers = model.layer_count();
  std::vector<std::vector<double>> time;
  for (const Device* device : devices) {
    const bool same = !time.empty() && device == devices[time.size() - 1];
    time.push_back(same ? time.back() : layer_times(parts, *device, costs, batch));
  }
  std::vector<double> crossing(layers, 0.0);
  std::vector<bool> allowed(layers, false);
  for (std::size_t cut = 1; cut < layers; ++cut) {
    allowed[cut] = model.may_cut(cut);
    for (const LayerId tensor : parts.local.model.crossing(parts.bounds[cut]))
      crossing[cut] += static_cast<double>(parts.local.model.bytes(tensor, batch).count);
  }
  Partition result{split_chain(time, crossing, allowed, lacking), Seconds{0}, {}};
  if (devices.size() > grid.size() && !grid.empty())
    result.cuts = balance_ranks({time, allowed, lacking, stages_of_ranks(grid)}, result.cuts);
  const auto sums = prefix_sums(time);
  for (std::size_t rank = 0; rank < devices.size(); ++rank) {
    const std::size_t first = rank == 0 ? 0 : result.cuts[rank - 1];
    const std::size_t last = rank + 1 == devices.size() ? layers : result.cuts[rank];
    const Picoseconds stage{static_cast<std::int64_t>(sums[rank][last] - sums[rank][first])};
    result.slowest = std::max(result.slowest, to_seconds(stage));
    if (lacking)
      result.lacking += Bytes{static_cast<std::int64_t>(lacking(rank, first, last))};
  }
  return result;
}

}  // namespace

Partition partition(const Model& model, const std::vector<const Device*>& devices, const CostModel& costs,
                    std::int64_t batch) {
  return partition(model, undivided_parts(model), devices, costs, batch, {});
}

Partition partition(const Plan& plan, const Model& model, const std::vector<StageDevice>& stages,
                    const CostModel& costs) {
  const Parts parts = divided_parts(plan, model);
  const StageMemory memory(plan, parts.local, parts.bounds);
  std::vector<const Device*> devices;
  for (const StageDevice& stage : stages) devices.push_back(stage.device);
  const Lacking lacking = [&](std::size_t rank, std::size_t from, std::size_t to) {
    return static_cast<double>(std::max<std::int64_t>(0, memory.of(rank, from, to).count - stages[rank].memory.count));
  };
  return partition(model, parts, devices, costs, plan.micro_batch_size, lacking, schedule_grid(plan));
}

}  // namespace tandem
