#include "tools/plan_options.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <limits>

#include "base/error.hpp"
#include "plan/collective.hpp"
#include "plan/convolutions.hpp"
#include "plan/offload.hpp"
#include "plan/plan_schedule.hpp"
#include "plan/recompute.hpp"
#include "tools/without_effect.hpp"

namespace tandem {
namespace {

constexpr std::int64_t kMost = std::numeric_limits<std::uint32_t>::max();

struct PlanFlag {
  std::string_view group, name, value, meaning;
  void (*apply)(Plan&, std::string_view flag, const std::string& value);
};

void set_optimizer(Plan& plan, std::string_view, const std::string& value) {
  if (value != "sgd" && value != "adam")
    throw InputError(fmt::format("--optimizer: no such optimizer{}", did_you_mean(value, {"sgd", "adam"})), value,
                     "sgd or adam");
  plan.optimizer.kind = value == "adam" ? OptimizerKind::adam : OptimizerKind::sgd;
}

void set_precision(Plan& plan, std::string_view, const std::string& value) {
  const auto type = find_precision(value);
  if (!type)
    throw InputError(fmt::format("--precision: no such precision{}", did_you_mean(value, {"fp32", "bf16"})), value,
                     "fp32 or bf16");
  plan.precision = *type;
}

template <std::int64_t Plan::*Field, std::int64_t Low, std::int64_t High>
void set_integer(Plan& plan, std::string_view flag, const std::string& value) {
  plan.*Field = flag_integer(flag, value, Low, High);
}

/// One of a few names.
template <auto Field, auto Find, auto Names>
void set_choice(Plan& plan, std::string_view flag, const std::string& value) {
  const auto choice = Find(value);
  if (!choice)
    throw InputError(fmt::format("--{}: unknown{}", flag, did_you_mean(value, Names())), value,
                     fmt::format("one of {}", fmt::join(Names(), ", ")));
  plan.*Field = *choice;
}

/// "2x2", or "2" for rows alone.
void set_space(Plan& plan, std::string_view flag, const std::string& value) {
  const std::size_t cross = value.find('x');
  plan.height = flag_integer(flag, value.substr(0, cross), 1, kMost);
  plan.width = cross == std::string::npos ? 1 : flag_integer(flag, value.substr(cross + 1), 1, kMost);
}

void set_bucket(Plan& plan, std::string_view flag, const std::string& value) { plan.bucket = flag_bytes(flag, value); }

void set_reserve(Plan& plan, std::string_view flag, const std::string& value) {
  try {
    plan.memory_reserve = parse_share(value);
  } catch (const QuantityError& error) {
    throw InputError(fmt::format("--{}: {}", flag, error.problem), value, error.want);
  }
}

void set_recompute(Plan& plan, std::string_view flag, const std::string& value) {
  try {
    parse_recompute(value);
  } catch (const QuantityError& error) {
    throw InputError(fmt::format("--{}: {}", flag, error.problem), value, error.want);
  }
  plan.recompute = value;
}

void set_offload(Plan& plan, std::string_view flag, const std::string& value) {
  try {
    parse_offload(value);
  } catch (const QuantityError& error) {
    throw InputError(fmt::format("--{}: {}", flag, error.problem), value, error.want);
  }
  plan.offload = value;
}

void set_convolution_algorithm(Plan& plan, std::string_view flag, const std::string& value) {
  try {
    plan.convolution_algorithm = find_convolution_algorithm(value).name;
  } catch (const QuantityError& error) {
    throw InputError(fmt::format("--{}: {}", flag, error.problem), value, error.want);
  }
}

void set_convolutions(Plan& plan, std::string_view flag, const std::string& value) {
  try {
    plan.convolutions = parse_convolutions(value);
  } catch (const QuantityError& error) {
    throw InputError(fmt::format("--{}: {}", flag, error.problem), value, error.want);
  }
}

void set_collective(Plan& plan, std::string_view, const std::string& value) {
  std::vector<std::string> names{"auto"};
  for (const CollectiveAlgorithm& row : collective_algorithms()) names.emplace_back(row.name);
  if (std::find(names.begin(), names.end(), value) == names.end())
    throw InputError(fmt::format("--collective: no such algorithm{}", did_you_mean(value, names)), value,
                     fmt::format("one of {}", fmt::join(names, ", ")));
  plan.collective = value;
}

template <bool Plan::*Field>
void set_switch(Plan& plan, std::string_view flag, const std::string& value) {
  if (value != "on" && value != "off")
    throw InputError(fmt::format("--{}: neither{}", flag, did_you_mean(value, {"on", "off"})), value, "on or off");
  plan.*Field = value == "on";
}

template <std::string Plan::*Field>
void set_text(Plan& plan, std::string_view flag, const std::string& value) {
  if (value.empty()) throw InputError(fmt::format("--{}: empty", flag));
  plan.*Field = value;
}

constexpr std::string_view kJob = "the job", kMesh = "the mesh", kLayouts = "how layers divide on it",
                           kTalk = "how ranks talk", kOrder = "the order of steps", kTraining = "training";

constexpr PlanFlag kPlanFlags[] = {
    {kJob, "model", "M", "zoo name (tandem show models), model file, or Hugging Face config.json", set_text<&Plan::model>},
    {kJob, "on", "CLUSTER", "zoo name (tandem show clusters), file, DEVICE:COUNT, or host", set_text<&Plan::cluster>},
    {kMesh, "pp", "N", "pipeline ranks", set_integer<&Plan::pipeline, 1, kMost>},
    {kMesh, "dp", "N", "data-parallel replicas", set_integer<&Plan::replicas, 1, kMost>},
    {kMesh, "tp", "N", "tensor-parallel ranks", set_integer<&Plan::tensor, 1, kMost>},
    {kMesh, "spatial", "HxW", "ranks over the height and width of images; N: over the height", set_space},
    {kLayouts, "tensor", "SPLIT", "megatron (default: columns, then rows), naive (rows), ulysses (positions; heads in attention) or best",
     set_choice<&Plan::tensor_split, find_tensor_split, tensor_split_names>},
    {kLayouts, "sequence-parallel", "on|off", "divide positions on the tensor axis where layers are not (default off)",
     set_switch<&Plan::sequence_parallel>},
    {kLayouts, "after-space", "WAY", "where images end: replicated (default), tensor or samples", set_choice<&Plan::after_space, find_after_space, after_space_names>},
    {kLayouts, "sync-batch-norm", "on|off", "batch statistics over all replicas (default off)",
     set_switch<&Plan::synchronised_batch_norm>},
    {kLayouts, "zero", "STAGE", "split over replicas: 1: optimizer state, 2: and gradients, 3: and weights",
     set_integer<&Plan::zero, 0, 3>},
    {kLayouts, "shard-ranks", "N", "with --zero: replicas that share one copy, as those of a node (default: all)",
     set_integer<&Plan::shard_ranks, 0, kMost>},
    {kLayouts, "prefetch", "N", "with --zero 3: buckets whose weights are gathered ahead of their use (default 1)",
     set_integer<&Plan::prefetch, 0, kMost>},
    {kLayouts, "reshard", "on|off", "with --zero 3: free gathered weights after forward (default on)",
     set_switch<&Plan::reshard>},
    {kTalk, "collective", "A", "algorithm (tandem show collectives), or auto (default): the cheapest predicted",
     set_collective},
    {kTalk, "bucket", "BYTES", "gradients are reduced, weights gathered or streamed in ranges of about this size (default 25 MB)",
     set_bucket},
    {kTalk, "overlap", "on|off", "run collectives beside computation where they can (default on)",
     set_switch<&Plan::overlap>},
    {kTalk, "window", "N", "messages of one channel under way at once", set_integer<&Plan::window, 1, 1024>},
    {kOrder, "schedule", "S", "name (tandem show schedules); FILE.csv; auto: the shortest predicted; or a search: auto-1, -v, -interleaved, -wave", set_text<&Plan::schedule>},
    {kOrder, "chunks", "N", "stages per rank, for schedules that let you choose (default 2)",
     set_integer<&Plan::chunks, 1, kMost>},
    {kOrder, "micro-batches", "N", "micro-batches of a replica per iteration", set_integer<&Plan::micro_batches, 1, kMost>},
    {kOrder, "micro-batch-size", "N", "samples per micro-batch", set_integer<&Plan::micro_batch_size, 1, kMost>},
    {kOrder, "memory-reserve", "SHARE",
     "of each device's memory, left to the fragmentation of its allocator (default 0)", set_reserve},
    {kOrder, "recompute", "POLICY",
     "none (default), full, every:LAYERS, sqrt, block, selective (attention) or optimal:BYTES", set_recompute},
    {kOrder, "repeat-collectives", "on|off",
     "gather again for backward, and repeat the collectives of what is computed again (default off)",
     set_switch<&Plan::repeat_collectives>},
    {kOrder, "offload", "POLICY",
     "what waits for backward on the host: none (default), all, convolutions, stage, dynamic or layers:A,B",
     set_offload},
    {kOrder, "offload-staging", "N", "steps that may begin before what leaves must have left (default 0)",
     set_integer<&Plan::offload_staging, 0, 1024>},
    {kOrder, "offload-prefetch", "N", "steps between a fetch and the first that needs it (default 1)",
     set_integer<&Plan::offload_prefetch, 0, 1024>},
    {kOrder, "offload-optimizer", "on|off", "keep the optimizer's states on the host but for the update (default off)",
     set_switch<&Plan::offload_optimizer>},
    {kOrder, "offload-weights", "on|off",
     "keep weights and gradients on the host but around their use, a bucket at a time (default off)",
     set_switch<&Plan::offload_weights>},
    {kOrder, "update-on", "device|host",
     "whose cores take the optimizer's step (default device); on the host its states stay there", set_choice<&Plan::update_on, find_update_on, update_on_names>},
    {kTraining, "precision", "P", "how tensors are stored: fp32 (default), or bf16 beside an fp32 copy of the weights",
     set_precision},
    {kOrder, "convolution-algorithm", "A",
     "of all convolutions that it suits: panels (default) or winograd; with --offload dynamic the default is a search",
     set_convolution_algorithm},
    {kOrder, "convolutions", "LAYER=A,...", "layers with another algorithm", set_convolutions},
    {kTraining, "float-gradients", "on|off", "with bf16: gradients are summed and held in fp32 (default off)",
     set_switch<&Plan::float_gradients>},
    {kTraining, "dropout", "USE",
     "of a configuration's rates: off (default); recomputed: backward makes masks again; stored: forward keeps them",
     set_choice<&Plan::dropout, find_dropout_use, dropout_use_names>},
    {kTraining, "optimizer", "O", "adam or sgd", set_optimizer},
    {kTraining, "learning-rate", "X", "of the optimizer",
     [](Plan& plan, std::string_view flag, const std::string& value) {
       plan.optimizer.learning_rate = flag_number(flag, value, 0, 1e6);
     }},
    {kTraining, "iterations", "N", "optimizer steps", set_integer<&Plan::iterations, 1, kMost>},
    {kTraining, "seed", "N", "of weights and data",
     [](Plan& plan, std::string_view flag, const std::string& value) {
       plan.seed = static_cast<std::uint64_t>(flag_integer(flag, value, 0, std::numeric_limits<std::int64_t>::max()));
     }},
    {kTraining, "data", "FILE", "text to train on; default: this tool's own README", set_text<&Plan::data>},
};

}  // namespace

std::vector<Flag> plan_flags() {
  std::vector<Flag> flags;
  for (const PlanFlag& row : kPlanFlags)
    flags.push_back({std::string(row.name), std::string(row.value), std::string(row.meaning), std::string(row.group)});
  return flags;
}

Plan plan_from(const Arguments& arguments, const Plan& fallback) {
  Plan plan = arguments.positional().empty() ? fallback : read_plan(read_yaml(arguments.positional().front()));
  const Plan before = plan;
  for (const PlanFlag& row : kPlanFlags)
    if (const auto value = arguments.text(row.name)) row.apply(plan, row.name, *value);
  mesh_of(plan);
  refuse_without_effect(arguments, plan);
  if (plan.model != before.model || !have_same_stages(plan, before)) {
    plan.cuts.clear();
    plan.model_fingerprint.reset();
  }
  return plan;
}

}  // namespace tandem
