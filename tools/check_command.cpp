#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <ostream>

#include "base/error.hpp"
#include "base/json_text.hpp"
#include "timeline/chart.hpp"
#include "timeline/metrics_json.hpp"
#include "tools/asked_job.hpp"
#include "tools/check.hpp"
#include "tools/command.hpp"
#include "tools/host.hpp"
#include "tools/output.hpp"
#include "tools/plan_options.hpp"

namespace tandem {
namespace {

CommandLine command_line() {
  CommandLine line{
      "tandem check [PLAN.yaml] [flags]",
      "Predicts the plan, runs it for real on threads of this machine, and compares the two: the order of\n"
      "steps, the peak memory to the byte, the numbers to the bit, and the times. Without a plan: gpt-nano on\n"
      "two stages. exit: 0 they agree, 1 they disagree, 2 wrong input, 3 out of resources, 4 the run failed.",
      plan_flags(),
      1,
      {"tandem check", "tandem check --model mlp --pp 4 --micro-batches 8 --micro-batch-size 64",
       "tandem check --model gpt-nano --on k80-x4 --pp 4 --pace 400", "tandem check plan.yaml --json"}};
  const Flag own[] = {
      {"rounds", "N", "times that kernels are timed and the plan is run, in turn (default 3)", "the check"},
      {"cost", "SOURCE", "measured (default): time the plan's kernels; roofline: do not", "the check"},
      {"pace", "SCALE", "let each step last as long as the cluster's devices would, times SCALE", "the check"},
      {"tolerance", "PERCENT", "disagree when the iteration time is further off", "the check"},
      network_flag()};
  for (const Flag& flag : own) line.flags.push_back(flag);
  for (const Flag& flag : picture_flags()) line.flags.push_back(flag);
  return line;
}

CheckOptions check_options(const Arguments& arguments, const Console& console) {
  CheckOptions options;
  options.rounds = arguments.integer("rounds", 1, 1000, options.rounds);
  options.network = asked_network(arguments);
  options.measured = (cost_model(arguments.text("cost").value_or("measured")), arguments.text("cost") != "roofline");
  if (arguments.has("pace")) options.pace = arguments.number("pace", 1e-6, 1e6, 1);
  if (arguments.has("tolerance")) options.tolerance = arguments.number("tolerance", 0, 1000, 0) / 100;
  options.stop = console.stop;
  return options;
}

/// The default of the main job; iterations are those of one timed run.
Plan default_plan() {
  Plan plan;
  plan.pipeline = 2;
  plan.iterations = 4;
  return plan;
}

nlohmann::ordered_json as_json(const CheckResult& result) {
  nlohmann::ordered_json json = {{"verdict", result.agrees ? "agree" : "disagree"}, {"plan", plan_json(result.job)}};
  json.update(comparison_json(result.job.program, result.comparison));
  json["iteration"]["roofline_s"] = result.roofline.value;
  json["iteration"]["compared"] = result.times_compared;
  json["iteration"]["runs"] = result.runs;
  const NumbersComparison& numbers = result.numbers;
  json["numbers"] = {{"bit_identical", numbers.bit_identical},
                     {"difference", numbers.difference},
                     {"max_relative_error", numbers.max_relative_error},
                     {"unexplained_error", numbers.unexplained_error},
                     {"turned_decisions", numbers.turned},
                     {"tolerance", numbers.tolerance},
                     {"loss_relative_error", numbers.loss_error}};
  const WorkComparison work = compare_work(result.job);
  json["batch_statistics"] = {{"of_each_replica", own_statistics(result.job)}};
  json["work"] = {{"executed_flops", work.executed.real()}, {"model_flops", work.model.real()}, {"beyond", work.beyond()}};
  for (const float loss : numbers.losses)
    json["numbers"]["losses"].push_back(nlohmann::ordered_json::parse(json_number(loss)));
  json["durations"] = sources_json(result.job.program, result.prices);
  json["machine"] = {{"cores", result.cores},
                     {"others_share", result.load.others},
                     {"stolen_share", result.load.stolen},
                     {"quiet", result.load.others + result.load.stolen <= kQuiet}};
  return json;
}

void print_pictures(const Arguments& arguments, Console& console, const CheckResult& result, std::span<const Ride> rides) {
  const ChartOptions options{console.width, console.colour};
  if (!arguments.has("no-chart")) console.out << chart(result.job.program, rides, options) << '\n';
  if (arguments.has("memory"))
    for (const Ride& ride : rides) console.out << memory_chart(result.job.program, ride, options) << '\n';
}

/// The measured timeline whose length is the median one: the one to show.
const Timeline& typical(const std::vector<Timeline>& timelines) {
  std::vector<const Timeline*> sorted;
  for (const Timeline& timeline : timelines) sorted.push_back(&timeline);
  std::sort(sorted.begin(), sorted.end(), [](auto a, auto b) { return a->makespan() < b->makespan(); });
  return *sorted[sorted.size() / 2];
}

}  // namespace

int check_command(const std::vector<std::string>& words, Console& console) {
  const CommandLine line = command_line();
  const Arguments arguments = parse_arguments(line, words);
  if (arguments.has("help")) return console.out << help_text(line), 0;
  require_writable(arguments, "trace");
  CheckOptions options = check_options(arguments, console);
  const Plan plan = asked_plan(arguments, Purpose::train, default_plan());
  if (options.tolerance && plan.cluster != "host" && !options.pace)
    throw InputError("--tolerance: times are not compared with another machine's", plan.cluster, "host, or --pace SCALE");
  if (arguments.has("iterations")) options.iterations = plan.iterations;
  const Cluster cluster = cluster_for(plan.cluster, console);
  CheckResult result;
  {
    Progress progress(console, "checking", 100);
    options.progress = [&](std::int64_t percent, std::string_view what) { progress.advance(percent, what); };
    result = run_check(plan, cluster, options);
  }
  const Ride rides[] = {{"predicted", result.predicted}, {"measured", typical(result.measured)}};
  write_trace(arguments, result.job.program, rides);
  if (arguments.has("json")) {
    print_json(console, as_json(result));
  } else {
    console.out << plan_text(result.job) << "\nstep times: " << sources_text(result.prices) << "; run on " << result.cores
                << " cores\n\n";
    print_pictures(arguments, console, result, rides);
    console.out << verdict_text(result, options);
  }
  return result.agrees ? 0 : 1;
}

}  // namespace tandem
