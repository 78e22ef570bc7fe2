// `auto`: the shortest of every schedule that the tool knows.
#include "tools/schedule_choice.hpp"

#include <nlohmann/json.hpp>

#include "base/error.hpp"
#include "base/yaml.hpp"
#include "plan/memory_script.hpp"
#include "plan/plan_schedule.hpp"
#include "sim/simulate.hpp"
#include "tests/catch.hpp"
#include "tests/plan/automatic_schedule_cases.hpp"
#include "tests/tools/session.hpp"
#include "tools/device_memory.hpp"
#include "tools/without_effect.hpp"

using namespace tandem;
using Catch::Matchers::Contains;
using Catch::Matchers::StartsWith;
using nlohmann::json;

namespace {

const CostModel kCosts(false);
const JobOptions kQuick{.search_effort = 300'000};

Job job_of(const Plan& plan) { return make_job(plan, load_cluster(plan.cluster), kCosts, kQuick); }

Picoseconds iteration_of(const Job& job) {
  return simulate(job.program, price(job.program, *job.model, job.cluster, kCosts, job.plan.optimizer)).makespan();
}

bool fits(const Job& job) { return tightest(device_needs(job)).fits(); }

template <class Value>
Value one_of(Dice& dice, std::initializer_list<Value> values) {
  return values.begin()[dice.between(0, std::ssize(values) - 1)];
}

/// CPUs, GPUs, IPUs and all three, with memory for between the half and somewhat more than all of what GPipe needs.
Plan drawn_plan(Dice& dice) {
  Plan plan;
  plan.model = one_of(dice, {"mlp", "gpt-nano", "vgg-nano"});
  plan.cluster = one_of(dice, {"xeon-8480c-x2", "k80-x4", "ipu-pod4", "mixed-xeon-k80-ipu"});
  const auto devices = static_cast<std::int64_t>(load_cluster(plan.cluster).device_count());
  plan.pipeline = dice.between(1, std::min<std::int64_t>(devices, 4));
  plan.replicas = 2 * plan.pipeline <= devices && dice.chance(2) ? 2 : 1;
  plan.micro_batches = dice.between(1, 12);
  plan.micro_batch_size = one_of<std::int64_t>(dice, {1, 4, 32});
  plan.chunks = dice.between(1, 3);
  plan.recompute = one_of(dice, {"none", "none", "full"});
  plan.offload_optimizer = plan.cluster == "k80-x4" && dice.chance(4);
  Plan most = plan;
  most.schedule = "gpipe";
  const Job job = job_of(most);
  const DeviceNeed need = tightest(device_needs(job));
  const double memory = static_cast<double>(job.cluster.device(need.device).memory.count);
  const double wanted = static_cast<double>(need.needed.count * dice.between(50, 110)) / 100;
  plan.memory_reserve = std::max(0.0, 1 - wanted / memory);
  plan.schedule = "auto";
  return plan;
}

Plan small_plan() {
  Plan plan;
  plan.model = "mlp";
  plan.cluster = "k80-x4";
  plan.pipeline = 4;
  plan.schedule = "auto";
  return plan;
}

std::vector<std::string> names_of(const std::vector<Plan>& plans) {
  std::vector<std::string> names;
  for (const Plan& plan : plans) names.push_back(plan.schedule);
  return names;
}

}  // namespace

TEST_CASE("auto leaves out what needs more than each worker may hold, and what is chosen from is no key without effect") {
  Plan plan;
  plan.model = "llama-nano";
  plan.pipeline = 2;
  plan.chunks = 3;
  const auto largest = [](const Job& job) {
    Bytes most{};
    for (const MemoryPeak& peak : script_peaks(job.program)) most = std::max(most, peak.total);
    return most;
  };
  plan.cluster = "k80-x4";
  plan.schedule = "1f1b";
  JobOptions options = kQuick;
  options.worker_memory = largest(job_of(plan));
  plan.schedule = "chimera";
  REQUIRE(largest(job_of(plan)) > *options.worker_memory);
  plan.schedule = "auto";

  const Job job = make_job(plan, load_cluster(plan.cluster), kCosts, options);

  CHECK(largest(job) <= *options.worker_memory);
  const auto chimera = std::ranges::find(job.trials, "chimera", &ScheduleTrial::schedule);
  REQUIRE(chimera != job.trials.end());
  CHECK_FALSE(chimera->fits());
  for (const WithoutEffect& key : without_effect(job)) CHECK(key.key != "chunks");
}

TEST_CASE("over drawn jobs auto is no longer than any synchronous row of the table that suits and fits") {
  std::size_t compared = 0, tight = 0;
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    Dice dice(seed);
    const Plan plan = drawn_plan(dice);
    INFO("seed " << seed << ": " << write_plan(plan));

    const Job chosen = job_of(plan);
    const Picoseconds iteration = iteration_of(chosen);

    bool some_fit = false, some_do_not = false;
    for (const Schedule& row : schedules()) {
      if (row.updates != Updates::at_flush) continue;
      Plan other = plan;
      other.schedule = row.name;
      try {
        const Job job = job_of(other);
        (fits(job) ? some_fit : some_do_not) = true;
        if (!fits(job)) continue;
        CAPTURE(chosen.plan.schedule, row.name);
        CHECK(iteration <= iteration_of(job));
        ++compared;
      } catch (const InputError&) {  // the row does not suit the job
      }
    }
    CHECK((fits(chosen) || !some_fit));
    tight += some_fit && some_do_not;
  }
  CHECK(compared > 200);
  CHECK(tight >= 10);
}

TEST_CASE("the plan that auto becomes names its schedule and its cuts, and replays to the same order") {
  for (std::uint64_t seed = 1; seed <= 12; ++seed) {
    Dice dice(seed);
    const Job chosen = job_of(drawn_plan(dice));
    INFO("seed " << seed);

    const Plan read = read_plan(parse_yaml(write_plan(settled_plan(chosen)), "plan.yaml"));
    const Job again = job_of(read);

    CHECK(read.schedule != "auto");
    CHECK(again.plan.schedule == chosen.plan.schedule);
    CHECK(again.cuts == chosen.cuts);
    CHECK(iteration_of(again) == iteration_of(chosen));
    if (is_automatic(read)) CHECK((again.found->grid == chosen.found->grid));
  }
}

TEST_CASE("what auto compares are all searches whose stages live elsewhere, and the synchronous table") {
  Plan plan = small_plan();
  std::vector<std::string> table;
  for (const Schedule& row : schedules())
    if (row.updates == Updates::at_flush) table.emplace_back(row.name);
  const auto compared = [&](std::int64_t chunks) {
    plan.chunks = chunks;
    std::vector<std::string> names = names_of(schedule_alternatives(plan));
    CHECK(std::vector(names.end() - std::ssize(table), names.end()) == table);
    names.resize(names.size() - table.size());
    return names;
  };

  CHECK(compared(3) == std::vector<std::string>{"auto-1", "auto-v", "auto-interleaved", "auto-wave"});
  CHECK(compared(2) == std::vector<std::string>{"auto-1", "auto-v", "auto-interleaved"});  // a wave of two is a V
  CHECK(compared(1) == std::vector<std::string>{"auto-1", "auto-v"});
  plan.schedule = "zb-v";
  CHECK(names_of(schedule_alternatives(plan)) == std::vector<std::string>{"zb-v"});
}

TEST_CASE("with cuts of one's own, auto compares the schedules with so many stages") {
  Plan plan = small_plan();
  plan.model = "gpt-nano";
  plan.schedule = "auto-v";
  plan = settled_plan(job_of(plan));
  plan.schedule = "auto";

  const Job job = job_of(plan);

  CHECK(job.cuts.size() == 7);
  for (const ScheduleTrial& trial : job.trials) {
    CAPTURE(trial.schedule);
    CHECK(trial.refusal.empty() == (trial.schedule == "auto-v" || trial.schedule == "auto-interleaved" ||
                                    trial.schedule == "zb-v" || trial.schedule == "v-half" || trial.schedule == "v-min" ||
                                    trial.schedule == "dualpipev" || trial.schedule == "hanayo" ||
                                    trial.schedule == "interleaved-1f1b"));
  }
  plan.cuts.pop_back();
  CHECK(complaint([&] { job_of(plan); }) ==
        "error: the number of cuts does not suit the mesh; got \"6 cuts\", want 3, one fewer than the 4 stages");
}

TEST_CASE("where no schedule fits, auto is the one that lacks least memory") {
  Plan plan = small_plan();
  plan.memory_reserve = 0.9999;

  const Job job = job_of(plan);

  CHECK_FALSE(fits(job));
  CHECK(best_of_table(job.trials) == nullptr);
  const DeviceNeed need = tightest(device_needs(job));
  for (const ScheduleTrial& trial : job.trials)
    if (trial.refusal.empty()) CHECK(trial.lacking >= need.needed.count - need.usable.count);
}

TEST_CASE("each search is no longer than its rows of the table, and stands on its stages") {
  for (const auto& [schedule, cuts] : {std::pair("auto-1", 1u), {"auto-v", 3u}, {"auto-interleaved", 5u}, {"auto-wave", 5u}}) {
    CAPTURE(schedule);
    const json plan = json::parse(typed(std::string("simulate --json --model gpt-nano --on k80-x4 --pp 2 --micro-batches 4 ") +
                                        (cuts > 3 ? "--chunks 3 " : "") + "--schedule " + schedule)
                                      .out)["plan"];

    const json& found = plan["schedule_search"];
    CHECK(plan["cuts"].size() == cuts);
    CHECK(plan["schedule"] == schedule);
    CHECK(plan["schedules_compared"].is_null());
    CHECK(found["lower_bound_s"] <= found["predicted_s"]);
    CHECK(found["predicted_s"] <= found["best_of_table_s"]);
  }
}

TEST_CASE("what auto became is told with the best of the table and the bound of its stages, or that none is known") {
  const std::string searched = typed("simulate --model mlp --on k80-x4 --pp 4 --no-chart --schedule auto").out;
  const std::string copies = typed("plan --model gpt2 --on k80-x4 --pp 4 --micro-batch-size 1 --schedule auto").out;
  const std::string both = typed("simulate --no-chart --model gpt2 --on k80-x4 --pp 4 --micro-batch-size 1 --schedule auto").out;

  CHECK_THAT(searched, StartsWith("mlp on k80-x4: pp 4, auto-v, 8 micro-batches of 4\nauto: auto-v, an iteration of "));
  CHECK_THAT(searched, Contains("the shortest of the 17 of 17 schedules that suit and fit; best of the table: zb-h2, "));
  CHECK_THAT(searched, Contains("no order of its stages is shorter than "));
  CHECK_THAT(copies, Contains("schedule: \"dualpipe\"") && Contains("ms  yes    dualpipe\n"));
  CHECK_THAT(both, Contains("best of the table: dualpipe") && Contains("no lower bound is known of its stages"));
}
