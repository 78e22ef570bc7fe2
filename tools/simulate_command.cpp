#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <ostream>

#include "sim/simulate.hpp"
#include "timeline/chart.hpp"
#include "timeline/metrics_json.hpp"
#include "tools/asked_job.hpp"
#include "tools/command.hpp"
#include "tools/memory_view.hpp"
#include "tools/output.hpp"
#include "tools/plan_options.hpp"
#include "tools/staleness.hpp"

namespace tandem {
namespace {

CommandLine command_line() {
  CommandLine line{"tandem simulate [PLAN.yaml] [flags]",
                   "Predicts one iteration of a plan: its timeline, bubbles, memory and energy. Nothing is run.\n"
                   "exit: 0 done, 1 the plan does not fit into a device's memory, 2 wrong input.",
                   plan_flags(),
                   1,
                   {"tandem simulate --model gpt2 --on k80-x4 --pp 4 --micro-batch-size 1",
                    "tandem simulate --model gpt2 --on tesla-k80:8 --pp 8 --schedule gpipe --json",
                    "tandem simulate plan.yaml --trace timeline.json"}};
  for (const Flag& flag : price_flags()) line.flags.push_back(flag);
  for (const Flag& flag : picture_flags()) line.flags.push_back(flag);
  line.flags.push_back(memory_flags().back());
  line.flags.push_back(staleness_flag());
  return line;
}

void print_text(const Arguments& arguments, Console& console, const Job& job, const Prices& prices,
                const Timeline& timeline, const Metrics& metrics) {
  const Ride ride{"predicted", timeline};
  const ChartOptions options{console.width, console.colour};
  console.out << plan_text(job) << "\nstep times: " << sources_text(prices) << "\n"
              << metrics_text(job.program, metrics);
  if (arguments.has("staleness-report")) console.out << '\n' << staleness_text(job.program);
  if (!arguments.has("no-chart")) console.out << '\n' << chart(job.program, {&ride, 1}, options);
  if (const std::string memory = memory_view(arguments, console, job, ride); !memory.empty())
    console.out << '\n' << memory;
}

}  // namespace

int simulate_command(const std::vector<std::string>& words, Console& console) {
  const CommandLine line = command_line();
  const Arguments arguments = parse_arguments(line, words);
  if (arguments.has("help")) return console.out << help_text(line), 0;
  require_writable(arguments, "trace");
  const Job job = asked_job(arguments, Purpose::predict, console);
  require_memory(arguments, job, console);
  const Prices prices = asked_prices(arguments, job);
  const Timeline timeline = simulate(job.program, prices);
  const Metrics metrics = measure(job.program, timeline, metrics_context(job));
  const Ride ride{"predicted", timeline};
  write_trace(arguments, job.program, {&ride, 1});
  if (!arguments.has("json")) return print_text(arguments, console, job, prices, timeline, metrics), 0;
  nlohmann::ordered_json json = {{"plan", plan_json(job)}};
  json.update(metrics_json(job.program, metrics));
  if (arguments.has("memory")) json["memory"] = memory_json(job);
  if (arguments.has("staleness-report")) json["staleness"] = staleness_json(job.program);
  json["durations"] = sources_json(job.program, prices);
  return print_json(console, json), 0;
}

}  // namespace tandem
