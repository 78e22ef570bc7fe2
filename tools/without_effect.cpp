#include "tools/without_effect.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "base/error.hpp"
#include "plan/offload.hpp"
#include "plan/plan_schedule.hpp"
#include "plan/schedule_csv.hpp"

namespace tandem {
namespace {

using Why = std::optional<std::string>;

bool has_copies(const Plan& plan) {
  if (leaves_schedule_open(plan)) return true;  // some of those that it tries
  const Grid grid = is_schedule_file(plan.schedule) ? schedule_grid(plan) : schedule_row(plan).order({4, 8, 2});
  return holders_of(grid).size() > stage_count(grid);
}

bool offloads(const Plan& plan) { return parse_offload(plan.offload).kind != Offload::Kind::none; }

Why unless(bool matters, std::string why) { return matters ? Why() : Why(std::move(why)); }

Why chunks(const Plan& plan) {
  return unless(lets_choose_chunks(plan), fmt::format("the schedule {} decides how many stages a rank runs", plan.schedule));
}

Why sharded_weights(const Plan& plan) { return unless(plan.zero == 3, "weights are sharded only with zero: 3"); }

/// Weights, gradients or the optimizer's states, a bucket at a time.
bool streams(const Plan& plan) { return plan.offload_weights || keeps_states_on_host(plan); }

/// What lives on the host comes to the device for its use; what the host updates stays there.
bool visits(const Plan& plan) {
  return plan.offload_weights || (plan.offload_optimizer && plan.update_on == UpdateOn::device);
}

Why offloaded(const Plan& plan) { return unless(offloads(plan) || visits(plan), "nothing is offloaded"); }

Why states(const Plan& plan) { return unless(plan.optimizer.states(plan.precision) > 0, "the optimizer has no states"); }

Why tensor_ranks(const Plan& plan) { return unless(plan.tensor > 1, "there is one tensor rank"); }

Why positions(const Plan& plan) {
  const bool leaves_some = plan.tensor_split == TensorSplit::megatron || plan.tensor_split == TensorSplit::best;
  if (plan.tensor == 1 || leaves_some) return tensor_ranks(plan);
  return fmt::format("the split {} itself says where positions are divided", name_of(plan.tensor_split));
}

Why rounded_gradients(const Plan& plan) {
  return unless(plan.precision != ElementType::float32, "all values are stored in fp32");
}

Why dividing_ranks(const Plan& plan) {
  return unless(plan.tensor * plan.height * plan.width > 1, "one rank has all of each layer");
}

Why spatial_ranks(const Plan& plan) { return unless(plan.height * plan.width > 1, "there is one spatial rank"); }

Why replicas(const Plan& plan) { return unless(plan.replicas > 1, "there is one replica"); }

Why collectives(const Plan& plan) {
  return unless(mesh_of(plan).workers_per_stage() > 1 || has_copies(plan), "the plan has no collectives");
}

Why buckets(const Plan& plan) {
  return streams(plan) ? Why() : collectives(plan);
}

Why messages(const Plan& plan) { return unless(plan.pipeline > 1, "there is one pipeline rank"); }

struct Row {
  std::string_view flag, key;
  bool (*is_default)(const Plan& plan, const Plan& usual);
  Why (*why)(const Plan&);  ///< none: it matters
};

template <auto Field>
bool same(const Plan& plan, const Plan& usual) {
  return plan.*Field == usual.*Field;
}

/// shard_ranks without zero is refused where the plan is lowered.
constexpr Row kRows[] = {
    {"chunks", "chunks", same<&Plan::chunks>, chunks},
    {"prefetch", "prefetch", same<&Plan::prefetch>, sharded_weights},
    {"reshard", "reshard", same<&Plan::reshard>, sharded_weights},
    {"offload-staging", "offload_staging", same<&Plan::offload_staging>, offloaded},
    {"offload-prefetch", "offload_prefetch", same<&Plan::offload_prefetch>, offloaded},
    {"offload-optimizer", "offload_optimizer", same<&Plan::offload_optimizer>, states},
    {"tensor", "tensor_split", same<&Plan::tensor_split>, tensor_ranks},
    {"float-gradients", "float_gradients", same<&Plan::float_gradients>, rounded_gradients},
    {"repeat-collectives", "repeat_collectives", same<&Plan::repeat_collectives>, dividing_ranks},
    {"sequence-parallel", "sequence_parallel", same<&Plan::sequence_parallel>, positions},
    {"", "layouts", same<&Plan::layouts>, tensor_ranks},
    {"after-space", "after_space", same<&Plan::after_space>, spatial_ranks},
    {"sync-batch-norm", "synchronised_batch_norm", same<&Plan::synchronised_batch_norm>, replicas},
    {"collective", "collective", same<&Plan::collective>, collectives},
    {"bucket", "bucket", same<&Plan::bucket>, buckets},
    {"overlap", "overlap", same<&Plan::overlap>, collectives},
    {"window", "window", same<&Plan::window>, messages},
};

bool recomputes(const Program& program) {
  return std::ranges::any_of(program.works(), [](const StepWork& work) { return work.kind == StepKind::recompute; });
}

bool copies_activations(const Program& program) {
  return std::ranges::any_of(program.copy_specs(), [](const CopySpec& spec) {
    return spec.content == BufferContent::saved || spec.content == BufferContent::inbox;
  });
}

bool reads_text(const Model& model) {
  return std::ranges::any_of(model.layers(), [](const Layer& layer) { return layer.kind->name == "tokens"; });
}

bool drops(const Model& model) {
  return std::ranges::any_of(model.layers(), [](const Layer& layer) {
    return std::ranges::any_of(layer.attributes.values, [](const Attributes::Value& value) {
      return (value.name == "dropout" || value.name == "probability") && value.value > 0;
    });
  });
}

}  // namespace

std::vector<WithoutEffect> without_effect(const Job& job) {
  const Plan usual;
  std::vector<WithoutEffect> keys;
  for (const Row& row : kRows)
    if (!row.is_default(job.plan, usual) && !(row.key == "chunks" && !job.trials.empty()))  // that some trials had
      if (Why why = row.why(job.plan)) keys.push_back({std::string(row.key), std::move(*why)});
  if (job.plan.recompute != usual.recompute && !recomputes(job.program))
    keys.push_back({"recompute", "no layer of the model is computed again"});
  if (job.plan.offload != usual.offload && !copies_activations(job.program))
    keys.push_back({"offload", "all that would leave would be back before it is gone, or fits"});
  if (job.plan.dropout != usual.dropout && !drops(*job.model))
    keys.push_back({"dropout", "no layer of the model drops values"});
  if (!job.plan.data.empty() && !reads_text(*job.model)) keys.push_back({"data", "the model reads no text"});
  return keys;
}

void refuse_without_effect(const Arguments& arguments, const Plan& plan) {
  for (const Row& row : kRows)
    if (const auto value = row.flag.empty() ? std::nullopt : arguments.text(row.flag))
      if (const Why why = row.why(plan))
        throw InputError(fmt::format("--{}: it changes nothing: {}", row.flag, *why), *value);
}

}  // namespace tandem
