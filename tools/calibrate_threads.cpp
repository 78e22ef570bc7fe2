// Threads at once: what a message between two of them takes, and how much several that compute slow each other down.
#include <atomic>
#include <thread>

#include "base/error.hpp"
#include "exec/clock.hpp"
#include "exec/run.hpp"
#include "plan/lower.hpp"
#include "plan/partition.hpp"
#include "tools/calibration.hpp"
#include "tools/stopwatch.hpp"

namespace tandem {
namespace {

/// Two stages that do next to nothing and pass `width` values on.
Model two_stage_model(std::int64_t width) {
  const auto wide = static_cast<double>(width);
  return Model("messages", {{"x", "values", {{"features", 1}}, {}, {}},
                            {"widen", "linear", {{"features", wide}, {"bias", 0}}, {}, {}},
                            {"narrow", "linear", {{"features", 1}, {"bias", 0}}, {}, {}},
                            {"y", "target_values", {{"features", 1}}, {}, {}},
                            {"loss", "mean_squared_error", {}, {"narrow", "y"}, {}}});
}

/// From the end of F on stage 0 to the start of F on stage 1, and the same of B, over all micro-batches.
std::vector<double> gaps(const Program& program, const std::vector<Timeline>& timelines) {
  std::vector<double> seconds;
  for (std::uint32_t i = 0; i < program.step_count(); ++i) {
    const auto receive = static_cast<StepId>(i);
    if (program.step(receive).kind != StepKind::receive) continue;
    const StepId send = program.message(receive).send;
    for (const StepId produced : program.after(send)) {
      const Stream& consumer = program.stream(program.workers()[index_of(program.worker_of(receive))].compute);
      for (std::uint32_t j = index_of(consumer.first); j < index_of(consumer.first) + consumer.count; ++j) {
        const auto reader = static_cast<StepId>(j);
        const auto after = program.after(reader);
        if (std::find(after.begin(), after.end(), receive) == after.end()) continue;
        for (std::size_t run = 1; run < timelines.size(); ++run)
          seconds.push_back(to_seconds(timelines[run].spans[j].start - timelines[run].spans[index_of(produced)].end).value);
      }
    }
  }
  return seconds;
}

/// Median time of a message of `width` values, from kernel to kernel. `cores`: for as many threads as may be awake
/// before one that waits sleeps.
Seconds message_time(std::int64_t width, std::int64_t cores, std::stop_token stop) {
  const Model model = two_stage_model(width);
  Plan plan;
  plan.pipeline = 2;
  plan.schedule = "sequential";
  plan.micro_batches = 16;
  plan.micro_batch_size = 1;
  plan.optimizer.kind = OptimizerKind::sgd;
  const Program program = lower(plan, model, {2}, {DeviceId{0}, DeviceId{0}});
  RunOptions options;
  options.iterations = 5;
  options.optimizer = plan.optimizer;
  options.stop = stop;
  options.cores = cores;
  const Dataset dataset(model, "", plan.seed);
  return median_of(gaps(program, run_on_threads(program, model, dataset, options).timelines));
}

/// Looks at the clock until `end`. Each time between two looks that is too long for one was another thread's.
/// Returns how long this one had its core in between.
std::vector<double> turns_until(Instant end) {
  constexpr auto kAway = std::chrono::microseconds(200);
  std::vector<double> seconds;
  Instant start = now();
  for (Instant last = start; last < end;) {
    const Instant here = now();
    if (here - last > kAway) {
      seconds.push_back(to_seconds(between(start, last)).value);
      start = here;
    }
    last = here;
  }
  return seconds;
}

}  // namespace

Seconds measure_turn(std::int64_t cores, std::stop_token stop) {
  const Instant end = now() + std::chrono::milliseconds(400);
  std::vector<std::vector<double>> seconds(static_cast<std::size_t>(2 * cores));
  {
    std::vector<std::jthread> running;
    for (auto& mine : seconds) running.emplace_back([&] { mine = turns_until(end); });
  }
  if (stop.stop_requested()) throw RunError("interrupted");
  std::vector<double> all;
  for (const auto& mine : seconds) all.insert(all.end(), mine.begin(), mine.end());
  return all.empty() ? Concurrency{}.turn : std::max(kShortestTurn, median_of(std::move(all)));
}

Link measure_threads_link(std::int64_t cores, std::stop_token stop) {
  constexpr std::int64_t kSmall = 16, kLarge = 1 << 20;  // values of 4 bytes
  Link link;
  link.name = "threads";
  const Seconds small = message_time(kSmall, cores, stop), large = message_time(kLarge, cores, stop);
  const Seconds moved = large > small ? large - small : large;
  link.bandwidth = {static_cast<double>(4 * (kLarge - kSmall)) / moved.value};
  link.latency = small;
  link.wake_latency = std::max(small, message_time(kSmall, 0, stop));
  return link;
}

namespace {

/// Median time of an iteration when `threads` copies of it run side by side, each on a thread of its own.
Seconds iteration_beside(const Program& program, const Model& model, const Dataset& dataset, const Optimizer& optimizer,
                         std::int64_t threads, std::stop_token stop) {
  std::vector<std::vector<double>> seconds(static_cast<std::size_t>(threads));
  {
    std::vector<std::jthread> running;
    std::atomic<std::int64_t> waiting{threads};
    for (auto& mine : seconds)
      running.emplace_back([&] {
        RunOptions options;
        options.iterations = 6;
        options.optimizer = optimizer;
        options.stop = stop;
        options.after_iteration = [&, first = true](std::int64_t, float) mutable {
          if (!std::exchange(first, false)) return;
          --waiting;  // all have warmed up before any goes on
          while (waiting > 0 && !stop.stop_requested()) std::this_thread::yield();
        };
        const RunResult result = run_on_one_thread(program, model, dataset, options);
        for (std::size_t i = 1; i + 1 < result.timelines.size(); ++i)
          mine.push_back(to_seconds(result.timelines[i].makespan()).value);
      });
  }
  std::vector<double> all;
  for (const auto& mine : seconds) all.insert(all.end(), mine.begin(), mine.end());
  if (all.empty()) throw RunError("interrupted");
  return median_of(std::move(all));
}

}  // namespace

Concurrency measure_concurrency(const Model& model, const Plan& plan, std::int64_t cores,
                                const std::vector<std::int64_t>& threads, std::stop_token stop) {
  Plan whole = plan;
  whole.pipeline = whole.replicas = whole.tensor = whole.height = whole.width = 1;
  whole.zero = whole.shard_ranks = 0;
  whole.schedule = "1f1b";
  whole.layouts.clear();
  whole.cuts.clear();
  whole.micro_batches = 1;
  if (whole.offload == "dynamic") whole.offload = "none";  // a search, which is settled elsewhere
  const Program program = lower(whole, model, {}, {DeviceId{0}});
  const Dataset dataset(model, std::string(1 << 16, 'a'), plan.seed);
  const Seconds alone = iteration_beside(program, model, dataset, plan.optimizer, 1, stop);
  Concurrency concurrency{{{1, 1.0}}};
  for (const std::int64_t count : threads) {
    const double fair = std::max(1.0, static_cast<double>(count) / static_cast<double>(cores));
    const Seconds time = iteration_beside(program, model, dataset, plan.optimizer, count, stop);
    concurrency.points.push_back({count, std::max(1.0, time / alone / fair)});
  }
  return concurrency;
}

}  // namespace tandem
