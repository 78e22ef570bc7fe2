#include "plan/fitting_partition.hpp"

#include <algorithm>
#include <optional>

#include "base/error.hpp"
#include "plan/lower.hpp"
#include "plan/memory_script.hpp"
#include "plan/offload.hpp"
#include "plan/plan_schedule.hpp"

namespace tandem {
namespace {

constexpr std::int64_t kMostSteps = 1'000'000;     // of all Programs that are made to look at their bytes
constexpr std::int64_t kMostJoins = 100'000'000;   // of all dynamic programs

/// How many splits may be looked at in reasonable time.
std::int64_t most_lowered(const Plan& plan, const Model& model, std::size_t stages) {
  const auto layers = static_cast<std::int64_t>(model.layer_count());
  const std::int64_t joins = layers * layers * static_cast<std::int64_t>(stages);
  return std::min<std::int64_t>({kMostLowered, kMostSteps / std::max<std::int64_t>(1, count_steps(plan)),
                                 kMostJoins / std::max<std::int64_t>(1, joins)});
}

/// Layers [from, to) as a stage, and what they lacked.
struct Known {
  std::size_t from, to;
  std::int64_t lacking;
};

class FittingSearch {
 public:
  FittingSearch(const Plan& plan, const Model& model, const std::vector<StageDevice>& stages, const CostModel& costs,
                std::vector<Holder> holders)
      : plan_(plan), model_(model), stages_(stages), costs_(costs), holders_(std::move(holders)),
        most_(most_lowered(plan, model, stages.size())), known_(stages.size()) {
    // whether something leaves is settled when the cuts are known: what leaves in the end is among all
    if (parse_offload(plan_.offload).kind == Offload::Kind::dynamic) plan_.offload = "all";
  }

  Partition run(const Partition& bounded, const Partition& fastest) {
    if (most_ == 0) return bounded;
    if (fits(fastest)) return *best_;
    if (bounded.cuts != fastest.cuts) fits(bounded);
    for (std::int64_t lowered = 1; lowered < most_ && !hopeless_; ++lowered) {
      const Partition next = partition(plan_, model_, stages_, costs_, estimate());
      if (std::ranges::find(tried_, next.cuts) != tried_.end() || fits(next)) break;
    }
    return *best_;
  }

 private:
  /// At least what is known of this stage, or of a shorter one within it.
  Lacking estimate() const {
    return [this](std::size_t stage, std::size_t from, std::size_t to) {
      std::int64_t lacking = 0;
      for (const Known& known : known_[stage]) {
        if (known.from < from || to < known.to) continue;
        if (known.from == from && known.to == to) return static_cast<double>(known.lacking);
        lacking = std::max(lacking, known.lacking);
      }
      return static_cast<double>(lacking);
    };
  }

  /// By stage: the most that a worker of it holds.
  std::vector<std::int64_t> needed(const std::vector<std::size_t>& cuts) const {
    const std::vector<DeviceId> anywhere(mesh_of(plan_).workers(), DeviceId{0});
    const Program program = lower(plan_, model_, cuts, anywhere);
    const std::vector<MemoryPeak> peaks = script_peaks(program);
    std::vector<std::int64_t> bytes(stages_.size(), 0);
    for (std::size_t w = 0; w < peaks.size(); ++w) {
      const std::uint32_t rank = program.workers()[w].at[MeshAxis::pipeline];
      const auto holder = std::ranges::find(holders_, rank, &Holder::rank);
      bytes[holder->stage] = std::max(bytes[holder->stage], peaks[w].total.count);
    }
    return bytes;
  }

  /// By its Program's bytes, which are known from now on.
  bool fits(Partition split) {
    tried_.push_back(split.cuts);
    const std::vector<std::int64_t> bytes = needed(split.cuts);
    std::int64_t all = 0, room = 0;
    split.lacking = {};
    for (std::size_t stage = 0; stage < bytes.size(); ++stage) {
      const std::int64_t lacking = std::max<std::int64_t>(0, bytes[stage] - stages_[stage].memory.count);
      known_[stage].push_back({stage == 0 ? 0 : split.cuts[stage - 1],
                               stage == split.cuts.size() ? model_.layer_count() : split.cuts[stage], lacking});
      split.lacking += Bytes{lacking};
      all += bytes[stage];
      room += stages_[stage].memory.count;
    }
    if (!best_) hopeless_ = all > room;
    const auto value = [](const Partition& of) { return std::pair(of.lacking, of.slowest.value); };
    if (!best_ || value(split) < value(*best_)) best_ = split;
    return split.lacking.count == 0;
  }

  Plan plan_;
  const Model& model_;
  const std::vector<StageDevice>& stages_;
  const CostModel& costs_;
  std::vector<Holder> holders_;
  std::int64_t most_;
  std::vector<std::vector<Known>> known_;  ///< by stage
  bool hopeless_ = false;
  std::vector<std::vector<std::size_t>> tried_;
  std::optional<Partition> best_;
};

}  // namespace

Partition fitting_partition(const Plan& plan, const Model& model, const std::vector<StageDevice>& stages,
                            const CostModel& costs) {
  const Partition bounded = partition(plan, model, stages, costs);
  std::vector<Holder> holders = holders_of(schedule_grid(plan));
  const bool one_each = holders.size() == stages.size() && static_cast<std::size_t>(plan.pipeline) == stages.size();
  if (!one_each || stages.size() == 1) return bounded;
  const Partition fastest =
      partition(plan, model, stages, costs, [](std::size_t, std::size_t, std::size_t) { return 0.0; });
  if (bounded.lacking.count == 0 && bounded.cuts == fastest.cuts) return bounded;
  try {
    return FittingSearch(plan, model, stages, costs, std::move(holders)).run(bounded, fastest);
  } catch (const InputError&) {  // a split that cannot be lowered, as by a budget of recomputation
    return bounded;
  }
}

}  // namespace tandem
