#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <ostream>

#include "base/file.hpp"
#include "plan/memory_script.hpp"
#include "plan/prices.hpp"
#include "sim/simulate.hpp"
#include "timeline/metrics_json.hpp"
#include "tools/command.hpp"
#include "tools/host.hpp"
#include "tools/output.hpp"
#include "tools/plan_options.hpp"

namespace tandem {
namespace {

CommandLine command_line() {
  CommandLine line{"tandem plan [PLAN.yaml] [flags]",
                   "Partitions the model over the cluster's devices by exact dynamic programming over predicted stage times,\n"
                   "and writes the plan file, which `simulate`, `run` and `check` take. exit: 0 done, 1 it does not fit.",
                   plan_flags(),
                   1,
                   {"tandem plan --model gpt2 --on k80-x4 --pp 4 --micro-batch-size 1",
                    "tandem plan --model mlp --pp 2 --out plan.yaml"}};
  line.flags.push_back({"out", "FILE", "write the plan there instead of printing it"});
  line.flags.push_back({"cost", "SOURCE", "measured (default) or roofline"});
  line.flags.push_back({"force", "", "overwrite a file that exists"});
  return line;
}

struct StageRow {
  std::size_t first, last;
  Seconds forward, backward;
  Bytes memory;
};

std::vector<StageRow> stage_rows(const Job& job, const Prices& prices) {
  const std::vector<MemoryPeak> peaks = script_peaks(job.program);
  std::vector<StageRow> rows;
  for (const Segment& segment : job.program.segments())
    rows.push_back({segment.first, segment.last, {}, {}, peaks[rows.size()].total});
  for (std::size_t i = 0; i < prices.works.size(); ++i) {
    const StepWork& work = job.program.works()[i];
    StageRow& row = rows[index_of(work.segment)];
    if (work.kind == StepKind::forward) row.forward = to_seconds(prices.works[i].time);
    if (work.kind == StepKind::backward) row.backward = to_seconds(prices.works[i].time);
  }
  return rows;
}

/// The table of stages as comments, so that the output is a plan file all the same.
std::string stage_table(const Job& job, const std::vector<StageRow>& rows, const Metrics& metrics) {
  std::string text = fmt::format("# predicted: iteration {}, bubble {:.1f} %\n#\n# {:>5} {:>10} {:>10} {:>10}  layers\n",
                                 time_text(to_seconds(metrics.iteration)), 100 * metrics.bubble, "stage", "F", "B", "memory");
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
          {"bubble", metrics.bubble}};
}

}  // namespace

int plan_command(const std::vector<std::string>& words, Console& console) {
  const CommandLine line = command_line();
  const Arguments arguments = parse_arguments(line, words);
  if (arguments.has("help")) return console.out << help_text(line), 0;
  require_writable(arguments, "out");
  const CostModel costs = cost_model(arguments.text("cost").value_or("measured"));
  Plan plan = plan_from(arguments, Plan{});
  require_valid(plan);
  Cluster cluster = cluster_for(plan.cluster, console);
  const Job job = make_job(std::move(plan), std::move(cluster), costs);
  require_memory(job);
  const Prices prices = price(job.program, *job.model, job.cluster, costs, job.plan.optimizer);
  const Metrics metrics = measure(job.program, simulate(job.program, prices), metrics_context(job));
  const std::vector<StageRow> rows = stage_rows(job, prices);
  const std::string text = write_plan(settled_plan(job)) + stage_table(job, rows, metrics);
  if (const auto path = arguments.text("out")) write_file(*path, text, arguments.has("force"));
  if (arguments.has("json")) return print_json(console, as_json(job, rows, metrics)), 0;
  if (const auto path = arguments.text("out")) console.out << fmt::format("plan written to {}\n", *path);
  else console.out << text;
  return 0;
}

}  // namespace tandem
