// Two data-parallel workers against one worker's throughput, and beside them, in turns in the same run, two independent
// runs side by side: what those lose, the machine takes; what only the data-parallel ones lose, the executor takes.

#include <fmt/format.h>

#include <iostream>
#include <thread>

#include "exec/kernels/product.hpp"
#include "exec/run.hpp"
#include "plan/lower.hpp"
#include "timeline/quantile.hpp"

using namespace tandem;

namespace {

constexpr std::int64_t kIterations = 3, kWarmUp = 1;
constexpr int kRounds = 7;

/// A job of `replicas` workers, each with the same micro-batches.
class Job {
 public:
  Job(const std::string& name, std::int64_t replicas) : model_(load_model(name)), program_(lowered(model_, replicas)) {}

  /// Median seconds of an iteration.
  double seconds() const {
    RunOptions options;
    options.iterations = kIterations + kWarmUp;
    options.timelines = kIterations;
    std::vector<double> times;
    for (const Timeline& timeline : run_on_threads(program_, model_, dataset_, options).timelines)
      times.push_back(to_seconds(timeline.makespan()).value);
    return quantile(times, 0.5);
  }

 private:
  static Program lowered(const Model& model, std::int64_t replicas) {
    Plan plan;
    plan.replicas = replicas;
    std::vector<DeviceId> devices;
    for (std::uint32_t i = 0; i < replicas; ++i) devices.push_back(static_cast<DeviceId>(i));
    return lower(plan, model, {}, devices);
  }

  Model model_;
  Dataset dataset_{model_, std::string(65536, 'a'), 1};
  Program program_;
};

/// Two runs that know nothing of each other: the mean of their iterations' times.
double seconds_side_by_side(const Job& first, const Job& second) {
  double other = 0;
  std::jthread thread([&] { other = second.seconds(); });
  const double own = first.seconds();
  thread.join();
  return (own + other) / 2;
}

struct Ratios {
  std::vector<double> data_parallel, independent, limit;
};

/// The round's three measurements follow each other at once, so that what else the machine does meets all of them.
Ratios measure(const std::string& name) {
  const Job alone(name, 1), second(name, 1), pair(name, 2);
  Ratios ratios;
  for (int round = 0; round < kRounds; ++round) {
    const double one = alone.seconds();
    const double both = pair.seconds();
    const double apart = seconds_side_by_side(alone, second);
    ratios.data_parallel.push_back(2 * one / both);
    ratios.independent.push_back(2 * one / apart);
    ratios.limit.push_back(apart / both);
  }
  return ratios;
}

std::string text_of(std::vector<double> values) {
  return fmt::format("{:.2f} (p10 {:.2f}, p90 {:.2f})", quantile(values, 0.5), quantile(values, 0.1), quantile(values, 0.9));
}

}  // namespace

int main() {
  use_one_blas_thread();
  std::cout << fmt::format("Throughput as a multiple of one worker's: median of {} rounds of {} iterations each, {} cores\n",
                           kRounds, kIterations, std::thread::hardware_concurrency());
  for (const char* name : {"vgg-nano", "gpt-nano"}) {
    const Ratios ratios = measure(name);
    std::cout << fmt::format("{:<9} two data-parallel workers {}\n", name, text_of(ratios.data_parallel))
              << fmt::format("{:<9} two independent runs      {}\n", "", text_of(ratios.independent))
              << fmt::format("{:<9} data-parallel of independent {}\n", "", text_of(ratios.limit)) << std::flush;
  }
}
