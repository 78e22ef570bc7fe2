// The table of changes that save memory.

#include <fmt/format.h>

#include <algorithm>

#include "base/error.hpp"
#include "plan/schedule.hpp"
#include "plan/stage_memory.hpp"
#include "tools/memory_advice.hpp"

namespace tandem {
namespace {

std::int64_t smallest_divisor(std::int64_t number) {
  for (std::int64_t divisor = 2; divisor * divisor <= number; ++divisor)
    if (number % divisor == 0) return divisor;
  return number;
}

/// Micro-batches of fewer samples, down to one, and as many more of them.
std::vector<Plan> smaller_micro_batches(const Plan& plan, const Cluster&) {
  std::vector<Plan> variants;
  for (Plan next = plan; next.micro_batch_size > 1;) {
    const std::int64_t divisor = smallest_divisor(next.micro_batch_size);
    next.micro_batch_size /= divisor;
    next.micro_batches *= divisor;
    variants.push_back(next);
  }
  return variants;
}

/// Activations computed again, less and less of them kept.
std::vector<Plan> recompute(const Plan& plan, const Cluster&) {
  std::vector<Plan> variants;
  for (const char* policy : {"selective", "block", "sqrt", "full"}) {
    if (plan.recompute == policy) continue;
    variants.push_back(plan);
    variants.back().recompute = policy;
  }
  return variants;
}

/// Twice as many ranks, while the cluster has devices for all.
std::vector<Plan> more_ranks(const Plan& plan, const Cluster& cluster, std::int64_t Plan::*ranks) {
  std::vector<Plan> variants;
  Plan next = plan;
  next.cuts.clear();
  const auto devices = static_cast<std::int64_t>(cluster.device_count());
  for (next.*ranks *= 2; static_cast<std::int64_t>(mesh_of(next).workers()) <= devices; next.*ranks *= 2)
    variants.push_back(next);
  return variants;
}

std::vector<Plan> more_stages(const Plan& plan, const Cluster& cluster) {
  return more_ranks(plan, cluster, &Plan::pipeline);
}

std::vector<Plan> more_tensor_ranks(const Plan& plan, const Cluster& cluster) {
  return more_ranks(plan, cluster, &Plan::tensor);
}

std::vector<Plan> fewer_messages(const Plan& plan, const Cluster&) {
  if (plan.pipeline == 1 || plan.window == 1) return {};
  Plan next = plan;
  next.window = 1;
  return {next};
}

/// Most micro-batches that any rank has between F and B; none: the schedule does not suit the shape.
std::optional<std::int64_t> most_under_way(const Plan& plan) {
  try {
    return std::ranges::max(micro_batches_under_way(plan));
  } catch (const InputError&) {
    return {};
  }
}

/// Synchronous schedules under which fewer micro-batches are under way, the fewest last.
std::vector<Plan> fewer_in_flight(const Plan& plan, const Cluster&) {
  const std::optional<std::int64_t> now = most_under_way(plan);
  std::vector<std::pair<std::int64_t, Plan>> found;
  for (const Schedule& row : schedules()) {
    if (row.updates != Updates::at_flush || row.stages != nullptr || row.name == plan.schedule) continue;
    Plan next = plan;
    next.schedule = row.name;
    if (const auto then = most_under_way(next); then && now && *then < *now) found.emplace_back(*then, next);
  }
  std::ranges::stable_sort(found, std::greater{}, [](const auto& entry) { return entry.first; });
  std::vector<Plan> variants;
  for (auto& [count, next] : found) variants.push_back(std::move(next));
  return variants;
}

/// What waits for backward on the host, layer by layer or, first, what a stage keeps of a micro-batch at once.
std::vector<Plan> offload(const Plan& plan, const Cluster& cluster) {
  std::vector<Plan> variants;
  if (plan.offload != "none" || !reaches_host(cluster)) return variants;
  for (const char* policy : {"stage", "all"}) {
    variants.push_back(plan);
    variants.back().offload = policy;
  }
  return variants;
}

Plan updated_on_host(Plan plan) {
  plan.update_on = UpdateOn::host;
  plan.offload_optimizer = false;
  return plan;
}

/// But for the update, or for good where the hosts' cores are known.
std::vector<Plan> offload_optimizer(const Plan& plan, const Cluster& cluster) {
  if (keeps_states_on_host(plan) || !reaches_host(cluster)) return {};
  Plan next = plan;
  next.offload_optimizer = true;
  std::vector<Plan> variants{next};
  if (computes_on_host(cluster)) variants.push_back(updated_on_host(plan));
  return variants;
}

/// Weights and gradients on the host, then the optimizer's states, too; then in buckets that hold a layer each.
std::vector<Plan> stream_weights(const Plan& plan, const Cluster& cluster) {
  if (plan.offload_weights || !reaches_host(cluster)) return {};
  Plan next = plan;
  next.offload_weights = true;
  std::vector<Plan> variants{next};
  if (plan.update_on == UpdateOn::device) {
    next.offload_optimizer = true;
    variants.push_back(next);
    if (computes_on_host(cluster)) variants.push_back(next = updated_on_host(next));
  }
  next.bucket = Bytes{1'000'000};
  if (next.bucket < plan.bucket) variants.push_back(next);
  return variants;
}

/// States, then gradients, then weights divided among the replicas that the plan has.
std::vector<Plan> shard(const Plan& plan, const Cluster&) {
  std::vector<Plan> variants;
  Plan next = plan;
  for (next.zero = plan.zero + 1; plan.replicas > 1 && next.zero <= 3; ++next.zero) variants.push_back(next);
  return variants;
}

constexpr MemoryChange kChanges[] = {
    {"smaller micro-batches, more of them", smaller_micro_batches},
    {"recompute", recompute},
    {"activations on the host", offload},
    {"optimizer states on the host", offload_optimizer},
    {"weights streamed from the host", stream_weights},
    {"sharding over replicas", shard},
    {"fewer micro-batches in flight", fewer_in_flight},
    {"fewer messages under way", fewer_messages},
    {"more pipeline stages", more_stages},
    {"more tensor ranks", more_tensor_ranks},
};

/// What a change may have changed, as a flag.
struct PlanField {
  std::string_view flag;
  std::string (*text)(const Plan& plan);
};

template <std::int64_t Plan::*Field>
std::string number_of(const Plan& plan) {
  return fmt::format("{}", plan.*Field);
}

constexpr PlanField kFields[] = {
    {"pp", number_of<&Plan::pipeline>},
    {"dp", number_of<&Plan::replicas>},
    {"tp", number_of<&Plan::tensor>},
    {"schedule", [](const Plan& plan) { return plan.schedule; }},
    {"micro-batches", number_of<&Plan::micro_batches>},
    {"micro-batch-size", number_of<&Plan::micro_batch_size>},
    {"recompute", [](const Plan& plan) { return plan.recompute; }},
    {"offload", [](const Plan& plan) { return plan.offload; }},
    {"offload-optimizer", [](const Plan& plan) { return std::string(plan.offload_optimizer ? "on" : "off"); }},
    {"offload-weights", [](const Plan& plan) { return std::string(plan.offload_weights ? "on" : "off"); }},
    {"update-on", [](const Plan& plan) { return std::string(name_of(plan.update_on)); }},
    {"bucket", [](const Plan& plan) { return fmt::format("{}B", plan.bucket.count); }},
    {"zero", number_of<&Plan::zero>},
    {"window", number_of<&Plan::window>},
};

}  // namespace

std::span<const MemoryChange> memory_changes() { return kChanges; }

bool reaches_host(const Cluster& cluster) {
  return std::ranges::all_of(cluster.devices, [&](std::uint32_t profile) {
    return cluster.profiles[profile].host_link.has_value();
  });
}

bool computes_on_host(const Cluster& cluster) {
  for (std::uint32_t device = 0; device < cluster.device_count(); ++device)
    if (cluster.host_of(static_cast<DeviceId>(device)) == nullptr) return false;
  return true;
}

std::string flags_between(const Plan& before, const Plan& after) {
  std::string text;
  for (const PlanField& field : kFields)
    if (field.text(before) != field.text(after))
      text += fmt::format("{}--{} {}", text.empty() ? "" : " ", field.flag, field.text(after));
  return text;
}

}  // namespace tandem
