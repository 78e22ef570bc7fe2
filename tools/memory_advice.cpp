#include "tools/memory_advice.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.hpp"
#include "plan/lower.hpp"
#include "sim/simulate.hpp"
#include "timeline/memory_list.hpp"
#include "tools/output.hpp"
#include "tools/wrapped.hpp"

namespace tandem {
namespace {

constexpr std::int64_t kMostSteps = 500'000;
constexpr std::size_t kMostPlans = 100;
constexpr std::size_t kWanted = 3;

Seconds predicted(const Job& job, const CostModel& costs, NetworkMode network) {
  const Prices prices = price(job.program, *job.model, job.cluster, costs, job.plan.optimizer, network);
  return to_seconds(simulate(job.program, prices, {false, false}).makespan());
}

std::int64_t lacking(const TriedPlan& tried) { return tried.tightest.needed.count - tried.tightest.usable.count; }

class Advisor {
 public:
  Advisor(const Job& job, const CostModel& costs, NetworkMode network, Console& console)
      : job_(job), costs_(costs), network_(network), console_(console) {
    advice_.iteration = predicted(job, costs, network);
    advice_.smallest = {"the plan itself", job.plan, tightest(memory_needs(job)), advice_.iteration};
  }

  MemoryAdvice run() {
    Progress progress(console_, "looking for what would fit", kMostPlans);
    progress_ = &progress;
    try_all_at_once();
    if (lacking(advice_.smallest) > 0) return std::move(advice_);
    for (const MemoryChange& row : memory_changes())
      try_each(std::string(row.name), row.variants(job_.plan, job_.cluster));
    if (advice_.fits.size() < kWanted) try_pairs();
    std::ranges::stable_sort(advice_.fits, {}, &TriedPlan::iteration);
    if (advice_.fits.empty()) advice_.fits.push_back(advice_.smallest);
    if (advice_.fits.size() > kWanted) advice_.fits.resize(kWanted);
    return std::move(advice_);
  }

 private:
  /// Tries the plans and keeps the fastest that fits.
  void try_each(const std::string& change, const std::vector<Plan>& plans) {
    std::optional<TriedPlan> best;
    for (const Plan& plan : plans)
      if (auto tried = attempt(change, plan); tried && (!best || tried->iteration < best->iteration)) best = tried;
    if (best) advice_.fits.push_back(std::move(*best));
  }

  /// Two changes hand in hand: the mildest variants of both, then the next ones.
  void try_pairs() {
    const auto rows = memory_changes();
    for (std::size_t i = 0; i < rows.size(); ++i)
      for (std::size_t j = i + 1; j < rows.size(); ++j) {
        if (fits_alone(rows[i].name) || fits_alone(rows[j].name)) continue;
        try_each(fmt::format("{} and {}", rows[i].name, rows[j].name), pairs_of(rows[i], rows[j]));
      }
  }
  bool fits_alone(std::string_view name) const {
    return std::ranges::find(advice_.fits, name, &TriedPlan::change) != advice_.fits.end();
  }

  std::vector<Plan> pairs_of(const MemoryChange& first, const MemoryChange& second) const {
    std::vector<Plan> pairs;
    const std::vector<Plan> firsts = first.variants(job_.plan, job_.cluster);
    for (std::size_t i = 0; i < firsts.size(); ++i) {
      const std::vector<Plan> seconds = second.variants(firsts[i], job_.cluster);
      if (!seconds.empty()) pairs.push_back(seconds[std::min(i, seconds.size() - 1)]);
      if (i + 1 == firsts.size())
        for (std::size_t k = i + 1; k < seconds.size(); ++k) pairs.push_back(seconds[k]);
    }
    return pairs;
  }

  /// The strongest variant of every row, one after the other as long as each is possible.
  void try_all_at_once() {
    Plan plan = job_.plan;
    for (const MemoryChange& row : memory_changes()) {
      const std::vector<Plan> variants = row.variants(plan, job_.cluster);
      for (auto variant = variants.rbegin(); variant != variants.rend(); ++variant) {
        if (!needs_less(*variant)) continue;
        plan = *variant;
        break;
      }
    }
  }

  bool needs_less(const Plan& plan) {
    const std::int64_t before = lacking(advice_.smallest);
    attempt("all changes at once", plan);
    return lacking(advice_.smallest) < before;
  }

  /// None: it does not fit, cannot be made, or is too much work to try.
  std::optional<TriedPlan> attempt(const std::string& change, const Plan& plan) {
    try {
      if (advice_.tried >= kMostPlans || count_steps(plan) > kMostSteps) return {};
      progress_->advance(static_cast<std::int64_t>(++advice_.tried), change);
      const Job job = make_job(plan, std::make_unique<const Model>(*job_.model), job_.cluster, costs_);
      TriedPlan tried{change, plan, tightest(memory_needs(job)), {}};
      const bool fits = tried.tightest.fits();
      if (fits) tried.iteration = predicted(job, costs_, network_);
      if (lacking(tried) < lacking(advice_.smallest)) advice_.smallest = tried;
      if (fits) return tried;
    } catch (const InputError&) {  // sizes that do not divide, ranks beyond the cluster
    }
    return {};
  }

  const Job& job_;
  const CostModel& costs_;
  NetworkMode network_;
  Console& console_;
  Progress* progress_ = nullptr;
  MemoryAdvice advice_;
};

}  // namespace

MemoryAdvice advise_memory(const Job& job, const CostModel& costs, NetworkMode network, Console& console) {
  return Advisor(job, costs, network, console).run();
}

std::string advice_text(const Job& job, const MemoryAdvice& advice) {
  const std::string flags = flags_between(job.plan, advice.smallest.plan);
  if (advice.fits.empty())
    return wrapped(fmt::format("No change of the {} that were tried makes it fit. The least found is {} ({} bytes) on "
                               "a device{}{}.", advice.tried, to_text(advice.smallest.tightest.needed),
                               advice.smallest.tightest.needed.count, flags.empty() ? "" : ", with ", flags), "");
  std::string text = wrapped(fmt::format("What would make it fit, cheapest first (the plan itself would take {}):",
                                         time_text(advice.iteration)), "");
  for (const TriedPlan& tried : advice.fits)
    text += wrapped(fmt::format("{} (x{:.2f}), {}: {}; needs {}", time_text(tried.iteration),
                                tried.iteration / advice.iteration, tried.change, flags_between(job.plan, tried.plan),
                                to_text(tried.tightest.needed)), "  ", "    ");
  return text;
}

void require_memory(const Job& job, const CostModel& costs, NetworkMode network, Console& console) {
  try {
    require_memory(job);
  } catch (const NoAnswer& error) {
    const DeviceNeed worst = tightest(memory_needs(job));
    const PeakMoment moment = peak_moments(job.program)[index_of(worst.largest)];
    std::string text = fmt::format("{}\n{}{}", error.what(),
                                   worst.on_host ? "" : memory_list(job.program, moment, {console.width, 5, 3}),
                                   advice_text(job, advise_memory(job, costs, network, console)));
    text.pop_back();  // the error's own line break comes after it
    throw NoAnswer(text);
  }
}

}  // namespace tandem
