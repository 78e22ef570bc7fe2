#include "plan/stage_memory.hpp"

#include <algorithm>

#include "plan/conversions.hpp"
#include "plan/recompute.hpp"
#include "plan/plan_schedule.hpp"
#include "plan/segment.hpp"

namespace tandem {
namespace {

bool is_kept(const Model& model, LayerId tensor) {
  const Layer& layer = model.layer(tensor);
  if (layer.kept.output) return true;
  return std::any_of(layer.readers.begin(), layer.readers.end(), [&](LayerId reader) {
    const Layer& next = model.layer(reader);
    for (std::size_t i = 0; i < next.inputs.size(); ++i)
      if (next.inputs[i] == tensor && (next.kept.inputs[i] || is_exchange(*next.kind))) return true;
    return false;
  });
}

std::int64_t kept_bytes(const Model& model, LayerId id, std::int64_t batch) {
  std::int64_t bytes = is_kept(model, id) ? aligned_size(model.bytes(id, batch)) : 0;
  for (const TensorSpec& extra : model.layer(id).kept.extra) bytes += aligned_size(extra.bytes(model.samples(id, batch)));
  return bytes;
}

/// What goes into a collective of forward, so that it is kept whatever is computed again.
bool is_pinned(const Model& model, LayerId id) {
  const Layer& layer = model.layer(id);
  return layer.kind->inputs == 0 || std::any_of(layer.readers.begin(), layer.readers.end(), [&](LayerId reader) {
           return is_exchange(*model.layer(reader).kind);
         });
}

/// Of kept_bytes(), what surely is computed again instead: all of a stage, or what attention keeps beside its output.
std::int64_t bytes_again(const Model& model, LayerId id, std::int64_t batch, Recompute::Kind policy) {
  const Layer& layer = model.layer(id);
  const bool attends = layer.kind->name == "attention" || layer.kind->name == "grouped_attention";
  std::int64_t extra = 0;
  for (const TensorSpec& spec : layer.kept.extra) extra += aligned_size(spec.bytes(model.samples(id, batch)));
  if (policy == Recompute::Kind::selective) return attends ? extra : 0;
  if (policy != Recompute::Kind::full) return 0;
  return is_pinned(model, id) ? extra : kept_bytes(model, id, batch);
}

/// Its output where it is not kept, the gradient of it, and its scratch.
std::int64_t passing_bytes(const Model& model, LayerId id, std::int64_t batch) {
  std::int64_t bytes = 2 * aligned_size(model.bytes(id, batch));
  for (const Pass pass : {Pass::forward, Pass::input_gradient, Pass::weight_gradient})
    bytes += aligned_size(model.scratch(id, pass, batch));
  return bytes;
}

/// What a rank holds at most: weights and gradients whole, or on their way through the memory; its share of all that is
/// divided among the replicas.
std::int64_t permanent_bytes(const Model& model, LayerId id, const Plan& plan) {
  const std::int64_t ranks = plan.shard_ranks > 0 ? plan.shard_ranks : plan.replicas;
  std::int64_t bytes = 0;
  for (const ParameterId parameter : model.layer(id).parameters) {
    const ElementType type = model.parameter(parameter).spec.type;
    const std::int64_t whole = aligned_size(model.parameter(parameter).spec.bytes()), size = bytes_of(type).count;
    const std::int64_t share = plan.zero == 0 ? whole : (whole / size + ranks - 1) / ranks * size;
    const std::int64_t shared = plan.zero == 0 ? 0 : plan.zero - 1;
    const std::int64_t wider = plan.float_gradients ? bytes_of(ElementType::float32).count / size : 1;
    bytes += (1 + wider) * whole + shared * wider * share + plan.optimizer.state_bytes(type, {share}).count;
  }
  return bytes;
}

}  // namespace

std::vector<std::int64_t> micro_batches_under_way(const Plan& plan) {
  const Grid grid = schedule_grid(plan);
  std::vector<std::int64_t> most(stage_count(grid), 0);
  for (const auto& row : grid) {
    std::vector<std::int64_t> now(most.size(), 0);
    for (const Action& action : row) {
      std::int64_t& held = now[action.stage];
      if (action.kind == StepKind::forward) most[action.stage] = std::max(most[action.stage], ++held);
      if (action.kind == StepKind::backward || action.kind == StepKind::weight_gradient) --held;
    }
  }
  return most;
}

StageMemory::StageMemory(const Plan& plan, const LocalModel& local, std::vector<std::size_t> bounds)
    : bounds_(std::move(bounds)), permanent_{0}, kept_{0}, passing_{0}, under_way_(micro_batches_under_way(plan)),
      window_(plan.window) {
  const std::int64_t batch = plan.micro_batch_size;
  const Recompute::Kind policy = parse_recompute(plan.recompute).kind;
  for (std::uint32_t i = 0; i < local.model.layer_count(); ++i) {
    const auto id = static_cast<LayerId>(i);
    permanent_.push_back(permanent_.back() + permanent_bytes(local.model, id, plan));
    const bool source = policy == Recompute::Kind::full && local.model.layer(id).kind->inputs == 0;
    const std::int64_t all = source ? aligned_size(local.model.bytes(id, batch))
                                    : kept_bytes(local.model, id, batch);
    const std::int64_t again = bytes_again(local.model, id, batch, policy);
    kept_.push_back(kept_.back() + all - again);
    passing_.push_back(passing_.back() + passing_bytes(local.model, id, batch) + again);
  }
  for (const std::size_t cut : bounds_) {
    crossing_.push_back(0);
    if (cut == 0 || cut == local.model.layer_count()) continue;
    for (const LayerId tensor : local.model.crossing(cut))
      crossing_.back() += aligned_size(local.model.bytes(tensor, batch));
  }
}

Bytes StageMemory::of(std::size_t stage, std::size_t from, std::size_t to) const {
  const std::size_t first = bounds_[from], last = bounds_[to];
  const std::int64_t in = crossing_[from], out = crossing_[to], messages = window_ + 1;
  const std::int64_t kept = under_way_[stage] * (kept_[last] - kept_[first] + in);
  const std::int64_t passing = passing_[last] - passing_[first] + 2 * (in + out);
  return {permanent_[last] - permanent_[first] + kept + passing + 2 * messages * (in + out)};
}

}  // namespace tandem
