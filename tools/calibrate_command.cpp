#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <ostream>

#include "base/error.hpp"
#include "tools/calibration.hpp"
#include "tools/command.hpp"
#include "tools/host.hpp"
#include "tools/job.hpp"
#include "tools/output.hpp"
#include "tools/plan_options.hpp"

namespace tandem {
namespace {

CommandLine command_line() {
  CommandLine line{"tandem calibrate [PLAN.yaml] [flags]",
                   "Measures this machine: product rates over a grid of shapes, element-wise and copy bandwidth by size,\n"
                   "messages between threads, and how threads slow each other down. Keeps the profile as the device of\n"
                   "the cluster `host`. With a model, times its kernels too and adds them to the profile.",
                   {{"model", "M", "also time the kernels of this model"},
                    {"micro-batch-size", "N", "samples per micro-batch of those kernels"},
                    {"optimizer", "O", "adam or sgd: whose update to time"},
                    {"rounds", "N", "iterations that time kernels (default 5)"}},
                   1,
                   {"tandem calibrate", "tandem calibrate --model gpt-nano --micro-batch-size 4"}};
  return line;
}

void print_text(Console& console, const HostProfile& profile) {
  const Device& device = profile.device;
  console.out << fmt::format("device       host: {} cores, {} of memory\n", device.cores, to_text(device.memory));
  console.out << fmt::format("products     {} per core at best\n",
                             to_text(device.peak_fp32 / static_cast<double>(device.cores)));
  console.out << fmt::format("element-wise {} to {} by size\n", to_text(device.elementwise.points.front().rate),
                             to_text(device.elementwise.points.back().rate));
  console.out << fmt::format("messages     {} + size / {}; {} to one that sleeps\n", to_text(profile.link.latency),
                             to_text(profile.link.bandwidth), to_text(profile.link.wake_latency));
  console.out << "threads     ";
  for (const auto& point : device.concurrency.points)
    console.out << fmt::format(" {}: {:.2f} times slower than its share;", point.threads, point.slowdown);
  console.out << fmt::format("\n             turns of {} where they outnumber the cores", to_text(device.concurrency.turn));
  console.out << fmt::format("\nkernels      {} timed\nkept in      {}\n", device.kernels.size(), host_profile_path());
}

nlohmann::ordered_json as_json(const HostProfile& profile) {
  const Device& device = profile.device;
  nlohmann::ordered_json threads = nlohmann::ordered_json::array();
  for (const auto& point : device.concurrency.points)
    threads.push_back({{"threads", point.threads}, {"slowdown", point.slowdown}});
  return {{"path", host_profile_path()},
          {"cores", device.cores},
          {"memory_bytes", device.memory.count},
          {"peak_fp32_flops_per_s", device.peak_fp32.value},
          {"memory_bandwidth_bytes_per_s", device.memory_bandwidth.value},
          {"transcendentals_per_s", device.transcendentals_per_second},
          {"message",
           {{"latency_s", profile.link.latency.value},
            {"wake_latency_s", profile.link.wake_latency.value},
            {"bandwidth_bytes_per_s", profile.link.bandwidth.value}}},
          {"concurrency", threads},
          {"turn_s", device.concurrency.turn.value},
          {"kernels", device.kernels.size()}};
}

}  // namespace

int calibrate_command(const std::vector<std::string>& words, Console& console) {
  const CommandLine line = command_line();
  const Arguments arguments = parse_arguments(line, words);
  if (arguments.has("help")) return console.out << help_text(line), 0;
  const std::int64_t rounds = arguments.integer("rounds", 1, 1000, 5);
  const Plan plan = plan_from(arguments, Plan{});
  const bool kernels = arguments.has("model") || !arguments.positional().empty();
  std::optional<Model> model;
  if (kernels) model.emplace(load_planned_model(plan));
  HostProfile profile = calibrate_and_keep(console);
  if (kernels) {
    const Progress progress(console, "timing the kernels of " + model->name(), 1);
    merge_kernels(profile.device, measure_kernels(*model, plan, rounds, std::string(4096, 'a'), console.stop));
    profile.device.sources.emplace_back("kernels", profile.link.source);
    keep_host(profile);
  }
  if (arguments.has("json")) return print_json(console, as_json(profile)), 0;
  return print_text(console, profile), 0;
}

}  // namespace tandem
