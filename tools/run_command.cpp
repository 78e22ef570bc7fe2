#include <fmt/format.h>

#include <cstdlib>
#include <nlohmann/json.hpp>
#include <ostream>

#include "base/json_text.hpp"
#include "exec/run.hpp"
#include "plan/plan_schedule.hpp"
#include "plan/prices.hpp"
#include "timeline/chart.hpp"
#include "timeline/metrics_json.hpp"
#include "timeline/quantile.hpp"
#include "tools/asked_job.hpp"
#include "tools/command.hpp"
#include "tools/dump.hpp"
#include "tools/loss_curves.hpp"
#include "tools/output.hpp"
#include "tools/pacing.hpp"
#include "tools/plan_options.hpp"
#include "tools/staleness.hpp"

namespace tandem {
namespace {

CommandLine command_line() {
  CommandLine line{"tandem run [PLAN.yaml] [flags]",
                   "Trains by the plan on threads of this machine: real kernels, real messages, real numbers.\n"
                   "exit: 0 done, 2 wrong input, 3 out of resources, 4 the run failed or was interrupted.",
                   plan_flags(),
                   1,
                   {"tandem run --model gpt-nano --pp 2 --iterations 200 --data book.txt",
                    "tandem run --model mlp --pp 4 --dump out", "tandem run plan.yaml --json",
                    "tandem run --model mlp --pp 4 --schedule gpipe --against pipedream"}};
  line.flags.push_back({"pace", "SCALE", "let each step last as long as the cluster's devices would, times SCALE", "the run"});
  line.flags.push_back({"budget", "BYTES", "device memory of each worker: a plan that needs more is refused",
                        "the run"});
  line.flags.push_back({"stall-after", "SECONDS", "stop when no step ends for so long (default 30)", "the run"});
  line.flags.push_back({"against", "SCHEDULE",
                        "then train by this schedule, too, on the same samples, and lay both losses side by side",
                        "the run"});
  line.flags.push_back({"dump", "DIR", "write weights, gradients and losses as .npy", "output"});
  for (const Flag& flag : picture_flags()) line.flags.push_back(flag);
  line.flags.push_back(staleness_flag());
  return line;
}

/// Numbers of the flags, judged before any long work.
struct RunFlags {
  std::optional<double> pace;
  std::int64_t stall_after_s = 30;
  std::optional<Bytes> budget;
};

RunFlags run_flags(const Arguments& arguments) {
  RunFlags flags;
  if (arguments.has("pace")) flags.pace = arguments.number("pace", 1e-6, 1e6, 1);
  flags.stall_after_s = arguments.integer("stall-after", 1, 1'000'000, flags.stall_after_s);
  if (const auto budget = arguments.text("budget")) flags.budget = flag_bytes("budget", *budget);
  return flags;
}

/// Iterations whose timelines are kept, so that memory does not grow with the length of a training.
constexpr std::int64_t kTimelines = 200;

RunOptions run_options(const RunFlags& flags, const Job& job, Console& console) {
  RunOptions options;
  options.iterations = job.plan.iterations;
  options.seed = job.plan.seed;
  options.optimizer = job.plan.optimizer;
  options.stop = console.stop;
  options.timelines = kTimelines;
  options.on_stall = [&console](const std::string& report) {
    console.out.flush();
    console.err << "error: the run failed: " << report << std::endl;
    std::_Exit(4);  // a kernel that never returns cannot be joined
  };
  options.device_memory = flags.budget;
  options.stall_after = std::chrono::seconds(flags.stall_after_s);
  if (flags.pace)
    options.pacing = pacing_of(
        job.program, scaled_prices(price(job.program, *job.model, job.cluster, CostModel(), job.plan.optimizer),
                                   *flags.pace));
  return options;
}

std::vector<double> iteration_seconds(const RunResult& result) {
  std::vector<double> seconds;
  for (std::size_t i = result.timelines.size() > 1 ? 1 : 0; i < result.timelines.size(); ++i)
    seconds.push_back(to_seconds(result.timelines[i].makespan()).value);
  return seconds;
}

nlohmann::ordered_json iteration_json(const RunResult& result) {
  std::vector<double> seconds = iteration_seconds(result);
  return {{"measured_s", median(seconds)},
          {"measured_p10_s", quantile(seconds, 0.1)},
          {"measured_p90_s", quantile(seconds, 0.9)},
          {"iterations", seconds.size()}};
}

nlohmann::ordered_json losses_json(const RunResult& result) {
  nlohmann::ordered_json losses = nlohmann::ordered_json::array();
  for (const float loss : result.losses) losses.push_back(nlohmann::ordered_json::parse(json_number(loss)));
  return losses;
}

/// A plan that was run, and what came of it.
struct Trained {
  Job job;
  RunResult result;
};

nlohmann::ordered_json as_json(const Arguments& arguments, const Trained& trained, const Trained* other) {
  const auto& [job, result] = trained;
  nlohmann::ordered_json json = {{"plan", plan_json(job)},
                                 {"losses", losses_json(result)},
                                 {"iteration", iteration_json(result)},
                                 {"threads", result.thread_count}};
  if (arguments.has("staleness-report")) json["staleness"] = staleness_json(job.program);
  json["last_iteration"] =
      metrics_json(job.program, measure(job.program, result.timelines.back(), metrics_context(job)));
  if (other != nullptr)
    json["against"] = {{"plan", plan_json(other->job)},
                       {"losses", losses_json(other->result)},
                       {"iteration", iteration_json(other->result)}};
  return json;
}

std::string losses_text(const Trained& trained, const Trained& other, int width) {
  std::vector<LossCurve> curves;
  for (const Trained* each : {&trained, &other})
    curves.push_back({each->job.plan.schedule, {each->result.losses.begin(), each->result.losses.end()}});
  return "losses, each iteration on the same samples\n" + loss_table(curves) + '\n' + loss_chart(curves, width);
}

void print_text(const Arguments& arguments, Console& console, const Job& job, const RunResult& result) {
  const Ride ride{"measured", result.timelines.back()};
  const ChartOptions options{console.width, console.colour};
  console.out << '\n' << metrics_text(job.program, measure(job.program, ride.timeline, metrics_context(job)));
  if (!arguments.has("no-chart")) console.out << '\n' << chart(job.program, {&ride, 1}, options);
  if (arguments.has("memory")) console.out << '\n' << memory_chart(job.program, ride, options);
}

/// The plan by the schedule of --against, if there is one; judged before any long work.
std::optional<Plan> other_plan(const Arguments& arguments, const Plan& plan) {
  const auto schedule = arguments.text("against");
  if (!schedule) return {};
  for (const std::string_view flag : {"dump", "trace"})
    if (arguments.has(flag)) throw InputError(fmt::format("--{}: of which of the two runs?", flag), {}, "no --against");
  Plan other = plan;
  other.schedule = *schedule;
  if (!have_same_stages(other, plan)) other.cuts.clear();
  require_valid(other, Purpose::train);
  return other;
}

/// Tells of the losses as they come, where the output is text.
RunResult train(const Arguments& arguments, const Job& job, const RunFlags& flags, Console& console) {
  const bool text = !arguments.has("json");
  const Dataset dataset = make_dataset(job);
  RunOptions options = run_options(flags, job, console);
  if (text) console.out << plan_text(job) << '\n';
  Progress progress(console, "training", options.iterations);
  const std::int64_t every = std::max<std::int64_t>(1, options.iterations / 20);
  options.after_iteration = [&](std::int64_t iteration, float loss) {
    progress.advance(iteration + 1, fmt::format("iteration {}, loss {}", iteration + 1, loss));
    if (text && (iteration % every == 0 || iteration + 1 == options.iterations))
      console.out << fmt::format("{}iteration {:5d}  loss {}\n", console.out_is_terminal ? "\r\033[K" : "",
                                 iteration + 1, json_number(loss))
                  << std::flush;
  };
  return run_on_threads(job.program, *job.model, dataset, options);
}

}  // namespace

int run_command(const std::vector<std::string>& words, Console& console) {
  const CommandLine line = command_line();
  const Arguments arguments = parse_arguments(line, words);
  if (arguments.has("help")) return console.out << help_text(line), 0;
  require_writable(arguments, "trace");
  if (const auto folder = arguments.text("dump")) require_dumpable(*folder, arguments.has("force"));
  const RunFlags flags = run_flags(arguments);
  Job job = asked_job(arguments, Purpose::train, console, flags.budget);
  const std::optional<Plan> against = other_plan(arguments, job.plan);
  RunResult result = train(arguments, job, flags, console);
  const Trained trained{std::move(job), std::move(result)};
  std::optional<Trained> other;
  if (against) {
    JobOptions options;
    options.worker_memory = flags.budget;
    Job second = make_job(*against, trained.job.cluster, asked_costs(arguments), options);
    RunResult second_result = train(arguments, second, flags, console);
    other.emplace(Trained{std::move(second), std::move(second_result)});
  }
  if (arguments.has("json")) {
    print_json(console, as_json(arguments, trained, other ? &*other : nullptr));
  } else {
    if (arguments.has("staleness-report")) console.out << '\n' << staleness_text(trained.job.program);
    if (other) console.out << '\n' << losses_text(trained, *other, console.width);
    else print_text(arguments, console, trained.job, trained.result);
  }
  const Ride ride{"measured", trained.result.timelines.back()};
  write_trace(arguments, trained.job.program, {&ride, 1});
  if (const auto folder = arguments.text("dump"))
    dump_run(*folder, *trained.job.model, trained.result, arguments.has("force"));
  return 0;
}

}  // namespace tandem
