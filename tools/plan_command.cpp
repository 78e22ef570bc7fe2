#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <ostream>

#include "base/error.hpp"
#include "base/file.hpp"
#include "plan/memory_script.hpp"
#include "plan/prices.hpp"
#include "plan/schedule_csv.hpp"
#include "sim/simulate.hpp"
#include "timeline/metrics_json.hpp"
#include "tools/asked_job.hpp"
#include "tools/command.hpp"
#include "tools/fit.hpp"
#include "tools/host.hpp"
#include "tools/offload_choice.hpp"
#include "tools/output.hpp"
#include "tools/plan_options.hpp"
#include "tools/schedule_text.hpp"

namespace tandem {
namespace {

CommandLine command_line() {
  CommandLine line{"tandem plan [PLAN.yaml] [flags]",
                   "Partitions the model over the cluster's devices by exact dynamic programming over predicted stage times,\n"
                   "and writes the plan file, which `simulate`, `run` and `check` take. exit: 0 done, 1 it does not fit.",
                   plan_flags(),
                   1,
                   {"tandem plan --model gpt2 --on k80-x4 --pp 4 --micro-batch-size 1",
                    "tandem plan --model mlp --pp 2 --out plan.yaml",
                    "tandem plan --fit --model gpt2 --on tesla-k80:4"}};
  for (const Flag& flag : price_flags()) line.flags.push_back(flag);
  line.flags.push_back({"fit", "", "instead: the deepest model of this one's family that fits, by technique", "output"});
  line.flags.push_back({"out", "FILE", "write the plan there instead of printing it", "output"});
  line.flags.push_back({"force", "", "overwrite a file that exists", "output"});
  return line;
}

/// A stage; times are those of the rank that takes longest for it, memory is that of the rank that holds most, with
/// all the stages that it runs.
struct StageRow {
  std::size_t first, last;  ///< layers [first, last) of the model
  Seconds forward, backward;
  Bytes memory;
};

struct StageTimes {
  Picoseconds forward, backward;  ///< of all parts; backward is B, or I and W, without what is computed again
};

/// By worker and stage: of a stage that the worker runs.
std::map<std::pair<std::size_t, std::uint32_t>, StageTimes> stage_times(const Program& program, const Prices& prices) {
  std::map<std::pair<std::size_t, std::uint32_t>, StageTimes> times;
  for (std::size_t i = 0; i < prices.works.size(); ++i) {
    const StepWork& work = program.works()[i];
    const bool backward = work.kind == StepKind::backward || work.kind == StepKind::input_gradient ||
                          work.kind == StepKind::weight_gradient;
    if (!backward && work.kind != StepKind::forward) continue;
    StageTimes& of = times[{index_of(work.worker), program.segment(work.segment).stage}];
    (backward ? of.backward : of.forward) += prices.works[i].time;
  }
  return times;
}

std::vector<StageRow> stage_rows(const Job& job, const Prices& prices) {
  const std::vector<MemoryPeak> peaks = script_peaks(job.program);
  std::vector<StageRow> rows;
  for (std::size_t s = 0; s <= job.cuts.size(); ++s)
    rows.push_back({s == 0 ? 0 : job.cuts[s - 1], s == job.cuts.size() ? job.model->layer_count() : job.cuts[s], {}, {}, {}});
  for (const auto& [place, times] : stage_times(job.program, prices)) {
    StageRow& row = rows[place.second];
    row.forward = std::max(row.forward, to_seconds(times.forward));
    row.backward = std::max(row.backward, to_seconds(times.backward));
    row.memory = std::max(row.memory, peaks[place.first].total);
  }
  return rows;
}

bool runs_several_stages(const Program& program) {
  return std::ranges::any_of(program.workers(), [](const Worker& worker) { return worker.stages > 1; });
}

/// The table of stages as comments, so that the output is a plan file all the same.
std::string stage_table(const Job& job, const std::vector<StageRow>& rows, const Metrics& metrics) {
  std::string text = fmt::format("# predicted: iteration {}, bubble {:.1f} %, own {:.1f} %\n#\n# {:>5} {:>10} {:>10} {:>10}  layers\n",
                                 time_text(to_seconds(metrics.iteration)), 100 * metrics.bubble, 100 * metrics.own_bubble, "stage", "F", "B",
                                 runs_several_stages(job.program) ? "of rank" : "memory");
  for (std::size_t s = 0; s < rows.size(); ++s)
    text += fmt::format("# {:>5} {:>10} {:>10} {:>10}  {} .. {}\n", s, time_text(rows[s].forward),
                        time_text(rows[s].backward), to_text(rows[s].memory),
                        job.model->layer(static_cast<LayerId>(rows[s].first)).name,
                        job.model->layer(static_cast<LayerId>(rows[s].last - 1)).name);
  return text;
}

nlohmann::ordered_json as_json(const Job& job, const std::vector<StageRow>& rows, const Metrics& metrics) {
  nlohmann::ordered_json stages = nlohmann::ordered_json::array();
  for (const StageRow& row : rows)
    stages.push_back({{"first_layer", job.model->layer(static_cast<LayerId>(row.first)).name},
                      {"last_layer", job.model->layer(static_cast<LayerId>(row.last - 1)).name},
                      {"forward_s", row.forward.value},
                      {"backward_s", row.backward.value},
                      {"peak_memory_bytes", row.memory.count}});
  return {{"plan", plan_json(job)},
          {"stages", stages},
          {"iteration_s", to_seconds(metrics.iteration).value},
          {"bubble", metrics.bubble},
          {"own_bubble", metrics.own_bubble}};
}

/// As the file says it: paths of schedules are from the file's folder.
Plan plan_for_file(Plan plan, const std::string& path) {
  namespace fs = std::filesystem;
  if (is_schedule_file(plan.schedule))
    plan.schedule = fs::proximate(fs::absolute(plan.schedule), fs::absolute(path).parent_path()).string();
  return plan;
}

/// `--fit`: the deepest models that train.
int fit(const Arguments& arguments, Console& console) {
  for (const std::string_view flag : {"out", "force"})
    if (arguments.has(flag)) throw InputError(fmt::format("--{}: --fit writes no plan", flag));
  if (arguments.has("network")) throw InputError("--network: --fit counts bytes, and predicts no times");
  const CostModel costs = asked_costs(arguments);
  const Plan plan = plan_from(arguments, {});
  if (plan.tensor * plan.height * plan.width > 1)
    throw InputError("--fit has no technique of tensor or spatial ranks",
                     fmt::format("tp {}, spatial {}x{}", plan.tensor, plan.height, plan.width), "1 of each");
  const ModelFamily family(plan.model, plan.dropout);
  const Cluster cluster = cluster_for(plan.cluster, console);
  const std::vector<FitRow> rows = largest_models(family, plan, cluster, costs, console);
  if (arguments.has("json")) return print_json(console, fit_json(rows)), 0;
  return console.out << fit_text(rows, plan, cluster), 0;
}

}  // namespace

int plan_command(const std::vector<std::string>& words, Console& console) {
  const CommandLine line = command_line();
  const Arguments arguments = parse_arguments(line, words);
  if (arguments.has("help")) return console.out << help_text(line), 0;
  if (arguments.has("fit")) return fit(arguments, console);
  require_writable(arguments, "out");
  Job job = asked_job(arguments, Purpose::predict, console);
  require_memory(arguments, job, console);
  const Prices prices = asked_prices(arguments, job);
  const Metrics metrics = measure(job.program, simulate(job.program, prices), metrics_context(job));
  const std::vector<StageRow> rows = stage_rows(job, prices);
  const std::string trials = schedule_trials_text(job) + offload_table(job, offload_trials(job, asked_costs(arguments)));
  const Plan plan = plan_for_file(settled_plan(job), arguments.text("out").value_or("plan.yaml"));
  const std::string text = write_plan(plan) + stage_table(job, rows, metrics) + trials;
  if (const auto path = arguments.text("out")) write_file(*path, text, arguments.has("force"));
  if (arguments.has("json")) return print_json(console, as_json(job, rows, metrics)), 0;
  if (const auto path = arguments.text("out")) console.out << fmt::format("plan written to {}\n", *path);
  else console.out << text;
  return 0;
}

}  // namespace tandem
