#include "tools/output.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <ostream>

#include "base/error.hpp"
#include "base/file.hpp"
#include "timeline/chrome_trace.hpp"
#include "tools/schedule_text.hpp"
#include "tools/without_effect.hpp"
#include "tools/wrapped.hpp"

namespace tandem {

using Json = nlohmann::ordered_json;

void print_json(Console& console, const Json& json) { console.out << json.dump(2) << '\n'; }

std::vector<Flag> picture_flags() {
  return {{"trace", "FILE", "write the timeline as Chrome trace JSON (ui.perfetto.dev opens it)", "output"},
          {"memory", "", "draw each worker's memory by class", "output"},
          {"no-chart", "", "leave out the picture", "output"},
          {"force", "", "overwrite files that exist", "output"}};
}

namespace {

/// An output over one of the inputs would destroy what it was made from, even with --force.
void require_not_read(const Arguments& arguments, std::string_view flag, const std::string& path) {
  std::vector<std::string> inputs = arguments.positional();
  for (const std::string_view input : {"model", "on", "data"})
    if (const auto text = arguments.text(input)) inputs.push_back(*text);
  std::error_code missing;
  for (const std::string& input : inputs)
    if (std::filesystem::equivalent(input, path, missing))
      throw InputError(fmt::format("--{}: it is an input of this command", flag), path, "another file");
}

}  // namespace

void require_writable(const Arguments& arguments, std::string_view flag) {
  namespace fs = std::filesystem;
  const auto path = arguments.text(flag);
  if (!path) return;
  if (path->empty()) throw InputError(fmt::format("--{}: empty", flag));
  if (fs::is_directory(*path)) throw InputError(fmt::format("--{}: it is a folder", flag), *path, "a file");
  require_not_read(arguments, flag, *path);
  if (fs::is_regular_file(*path) && !arguments.has("force"))
    throw InputError(fmt::format("--{}: the file exists; --force overwrites it", flag), *path);
  const fs::path folder = fs::path(*path).has_parent_path() ? fs::path(*path).parent_path() : fs::path(".");
  if (!fs::is_directory(folder)) throw ResourceError(fmt::format("--{}: no such folder: {}", flag, folder.string()));
}

void write_trace(const Arguments& arguments, const Program& program, std::span<const Ride> rides) {
  const auto path = arguments.text("trace");
  if (!path) return;
  std::string text;
  write_chrome_trace(program, rides, [&text](std::string_view piece) { text += piece; });
  write_file(*path, text, arguments.has("force"));
}

Json sources_json(const Program& program, const Prices& prices) {
  Json works = Json::object();
  for (std::uint32_t i = 0; i < prices.works.size(); ++i)
    works[step_key(program, static_cast<WorkId>(i))] = {
        {"time_s", to_seconds(prices.works[i].time).value}, {"source", std::string(name_of(prices.works[i].source))}};
  return works;
}

std::string sources_text(const Prices& prices) {
  std::array<std::size_t, 3> counts{};
  for (const WorkPrice& price : prices.works) ++counts[static_cast<std::size_t>(price.source)];
  std::string text;
  for (const CostSource source : {CostSource::recorded, CostSource::measured, CostSource::roofline})
    if (const std::size_t count = counts[static_cast<std::size_t>(source)]; count > 0)
      text += fmt::format("{}{} {}", text.empty() ? "" : ", ", count, name_of(source));
  return text;
}

namespace {

Json without_effect_json(const Job& job) {
  Json keys = Json::object();
  for (const auto& [key, why] : without_effect(job)) keys[key] = why;
  return keys;
}

}  // namespace

Json plan_json(const Job& job) {
  const Plan plan = settled_plan(job);
  Json layouts = Json::object();
  for (const auto& [layer, rule] : plan.layouts) layouts[layer] = rule;
  Json convolutions = Json::object();
  for (const auto& [layer, algorithm] : plan.convolutions) convolutions[layer] = algorithm;
  return {{"model", plan.model},
          {"parameters", job.model->parameter_count()},
          {"cluster", plan.cluster},
          {"mesh",
           {{"pipeline", plan.pipeline},
            {"data", plan.replicas},
            {"tensor", plan.tensor},
            {"spatial", {plan.height, plan.width}}}},
          {"tensor_split", std::string(name_of(plan.tensor_split))},
          {"sequence_parallel", plan.sequence_parallel},
          {"after_space", std::string(name_of(plan.after_space))},
          {"synchronised_batch_norm", plan.synchronised_batch_norm},
          {"layouts", layouts},
          {"convolution_algorithm", plan.convolution_algorithm},
          {"convolutions", convolutions},
          {"bucket_bytes", plan.bucket.count},
          {"overlap", plan.overlap},
          {"collective", plan.collective},
          {"schedule", plan.schedule},
          {"micro_batches", plan.micro_batches},
          {"micro_batch_size", plan.micro_batch_size},
          {"window", plan.window},
          {"memory_reserve", plan.memory_reserve},
          {"repeat_collectives", plan.repeat_collectives},
          {"dropout", std::string(name_of(plan.dropout))},
          {"offload", plan.offload},
          {"offload_staging", plan.offload_staging},
          {"offload_prefetch", plan.offload_prefetch},
          {"offload_optimizer", plan.offload_optimizer},
          {"offload_weights", plan.offload_weights},
          {"update_on", std::string(name_of(plan.update_on))},
          {"precision", std::string(precision_name(plan.precision))},
          {"float_gradients", plan.float_gradients},
          {"optimizer", plan.optimizer.kind == OptimizerKind::adam ? "adam" : "sgd"},
          {"seed", plan.seed},
          {"cuts", plan.cuts},
          {"without_effect", without_effect_json(job)},
          {"schedule_search", schedule_search_json(job)},
          {"schedules_compared", schedule_trials_json(job)}};
}

namespace {

/// The devices of the plan that have no rate of their own for bf16, by name, once each.
std::vector<std::string> without_bf16(const Job& job) {
  std::vector<std::string> names;
  for (const DeviceId id : job.devices) {
    const Device& device = job.cluster.device(id);
    const bool is_new = std::ranges::find(names, device.name) == names.end();
    if (device.peak_bf16.value == 0 && is_new) names.push_back(device.name);
  }
  return names;
}

std::string precision_text(const Job& job) {
  if (job.plan.precision == ElementType::float32) return "";
  const std::vector<std::string> names = without_bf16(job);
  std::string text = fmt::format(", stored in {}", precision_name(job.plan.precision));
  return names.empty() ? text : text + fmt::format(" and computed at the fp32 rate of {}", fmt::join(names, ", "));
}

std::string without_effect_text(const Job& job) {
  std::string text;
  for (const auto& [key, why] : without_effect(job)) text += fmt::format("\nwithout effect: {} ({})", key, why);
  return text;
}

}  // namespace

std::string plan_text(const Job& job) {
  const Plan& plan = job.plan;
  std::string mesh = fmt::format("pp {}", plan.pipeline);
  if (plan.replicas > 1) mesh += fmt::format(" x dp {}", plan.replicas);
  if (plan.height * plan.width > 1) mesh += fmt::format(" x spatial {}x{}", plan.height, plan.width);
  if (plan.tensor > 1) mesh += fmt::format(" x tp {}", plan.tensor);
  return fmt::format("{} on {}: {}, {}, {} micro-batches of {}{}{}{}", job.model->name(), job.cluster.name, mesh,
                     plan.schedule, plan.micro_batches, plan.micro_batch_size, precision_text(job),
                     schedule_text(job), without_effect_text(job));
}

std::string time_text(Seconds time) { return to_text(time); }

namespace {

/// What the compute streams waited for, by cause: the mean over workers.
std::string waiting_text(const Metrics& metrics) {
  constexpr std::string_view kWords[] = {"pipeline to fill", "forward inputs", "backward inputs", "tied gradients",
                                         "own sends", "collectives", "copies to or from the host",
                                         "other", "pipeline to drain"};
  static_assert(std::size(kWords) == kIdleCauses);
  std::string text;
  for (std::size_t cause = 0; cause < kIdleCauses; ++cause) {
    Seconds mean;
    for (const WorkerMetrics& worker : metrics.workers) mean += to_seconds(worker.idle_by_cause[cause]);
    mean = mean / static_cast<double>(metrics.workers.size());
    if (mean.value > 0) text += fmt::format("{}{} {}", text.empty() ? "" : ", ", kWords[cause], time_text(mean));
  }
  return text.empty() ? "" : wrapped("for " + text + " (mean of a worker)", "waiting    ", std::string(11, ' '));
}

/// Of pipelines that do not flush; why there is no steady state where there is none.
std::string steady_text(const Metrics& metrics) {
  if (!metrics.steady) return "";
  const SteadyState& state = *metrics.steady;
  const auto each = state.time_per_micro_batch();
  const std::string steady =
      each ? fmt::format("steady {} ({} micro-batches, {} each, bubble {:.1f} %)", time_text(to_seconds(state.steady)),
                         state.micro_batches, time_text(to_seconds(*each)), 100 * state.bubble)
           : "no steady state (as many micro-batches as the pipeline holds)";
  return fmt::format("stream     warm-up {}, {}, drain {}\n", time_text(to_seconds(state.warm_up)), steady,
                     time_text(to_seconds(state.drain)));
}

std::string host_text(const MemoryPeak& peak) {
  const Bytes host = peak.by_class[static_cast<std::size_t>(BufferClass::host)];
  return host.count == 0 ? "" : fmt::format(", and {} on the host", to_text(host));
}

}  // namespace

std::string metrics_text(const Program& program, const Metrics& metrics) {
  std::string text = fmt::format("iteration  {}", time_text(to_seconds(metrics.iteration)));
  if (metrics.tokens_per_second) text += fmt::format(", {:.4g} tokens/s", *metrics.tokens_per_second);
  else if (metrics.samples_per_second) text += fmt::format(", {:.4g} samples/s", *metrics.samples_per_second);
  if (metrics.model_flop_utilisation) text += fmt::format(", MFU {:.1f} %", 100 * *metrics.model_flop_utilisation);
  if (metrics.energy) text += fmt::format(", {}", to_text(*metrics.energy));
  text += fmt::format("\nbubble     {:.1f} % on average, own {:.1f} %; compute imbalance {:.2f}, memory imbalance {:.2f}\n",
                      100 * metrics.bubble, 100 * metrics.own_bubble, metrics.compute_imbalance,
                      metrics.memory_imbalance);
  text += waiting_text(metrics) + steady_text(metrics);
  std::size_t width = 0;
  for (const Worker& worker : program.workers()) width = std::max(width, worker.name.size());
  constexpr std::size_t kShown = 16;
  for (std::size_t w = 0; w < metrics.workers.size() && w < kShown; ++w) {
    const WorkerMetrics& worker = metrics.workers[w];
    text += fmt::format("{:<{}}  busy {:>8}  bubble {:4.1f} %, own {:4.1f} %  exposed communication {:>8}  peak memory {}{}\n",
                        program.workers()[w].name, width, time_text(to_seconds(worker.busy)), 100 * worker.bubble,
                        100 * worker.own_bubble, time_text(to_seconds(worker.exposed_communication)), to_text(worker.peak.total),
                        host_text(worker.peak));
  }
  if (metrics.workers.size() > kShown) text += fmt::format("... and {} more workers; --json lists all\n", metrics.workers.size() - kShown);
  return text;
}

}  // namespace tandem
