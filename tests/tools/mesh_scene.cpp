#include "tests/tools/mesh_scene.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <cstring>

#include "hardware_profiles/host.hpp"
#include "sim/simulate.hpp"
#include "tests/catch.hpp"
#include "timeline/compare.hpp"
#include "tools/check.hpp"

namespace tandem {

bool same_bits(const std::vector<float>& a, const std::vector<float>& b) {
  return a.size() == b.size() && (a.empty() || std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0);
}

std::vector<MeshSizes> meshes_of(std::int64_t workers, bool space) {
  std::vector<MeshSizes> meshes;
  for (std::int64_t pp = 1; pp <= workers; ++pp)
    for (std::int64_t dp = 1; dp <= workers / pp; ++dp)
      for (std::int64_t height = 1; height <= workers / pp / dp; ++height)
        for (std::int64_t width = 1; width <= workers / pp / dp / height; ++width) {
          const MeshSizes sizes{pp, dp, height, width, workers / pp / dp / height / width};
          if (sizes.workers() == workers && (space || height * width == 1)) meshes.push_back(sizes);
        }
  return meshes;
}

Plan mesh_plan(const std::string& model, const MeshSizes& sizes, std::int64_t micro_batch_size) {
  Plan plan;
  plan.model = model;
  plan.pipeline = sizes.pipeline;
  plan.replicas = sizes.replicas;
  plan.height = sizes.height;
  plan.width = sizes.width;
  plan.tensor = sizes.tensor;
  plan.micro_batches = 2;
  plan.micro_batch_size = micro_batch_size;
  plan.optimizer.kind = OptimizerKind::sgd;
  return plan;
}

std::string described(const Plan& plan) {
  std::string text = fmt::format("{} pp {} dp {} spatial {}x{} tp {}, {}, collective {}, bucket {}", plan.model,
                                 plan.pipeline, plan.replicas, plan.height, plan.width, plan.tensor, plan.schedule,
                                 plan.collective, plan.bucket.count);
  if (plan.recompute != "none") text += ", recompute " + plan.recompute;
  if (plan.repeat_collectives) text += ", repeat collectives";
  if (plan.dropout != DropoutUse::off) text += fmt::format(", dropout {}", name_of(plan.dropout));
  if (plan.offload != "none") text += ", offload " + plan.offload;
  if (plan.offload_optimizer) text += ", offload optimizer";
  if (plan.offload_weights) text += ", offload weights";
  if (plan.update_on == UpdateOn::host) text += ", update on host";
  if (plan.zero > 0) text += fmt::format(", zero {}", plan.zero);
  if (plan.precision == ElementType::bfloat16) text += ", bf16";
  if (plan.float_gradients) text += ", float gradients";
  if (!plan.overlap) text += ", no overlap";
  if (plan.tensor_split != TensorSplit::megatron) text += fmt::format(", {}", name_of(plan.tensor_split));
  if (plan.sequence_parallel) text += ", sequence parallel";
  if (plan.after_space != AfterSpace::replicated) text += fmt::format(", {} after space", name_of(plan.after_space));
  if (plan.synchronised_batch_norm) text += ", synchronised batch norm";
  if (plan.window != 2) text += fmt::format(", window {}", plan.window);
  return text + fmt::format(", {} micro-batches of {}", plan.micro_batches, plan.micro_batch_size);
}

Cluster made_up_host() {
  Device device;
  device.name = "host";
  device.cores = 2;
  device.shares_cores = true;
  device.peak_fp32 = {2e11};
  device.memory = Bytes{std::int64_t{64} << 30};
  device.memory_bandwidth = {2e10};
  Link link;
  link.name = "threads";
  link.latency = {2e-5};
  link.bandwidth = {1e10};
  return host_cluster(device, link);
}

namespace {

void find_other_bits(const Model& model, const RunResult& threads, const RunResult& one,
                     std::vector<std::string>& faults) {
  if (!same_bits(threads.losses, one.losses)) faults.emplace_back("losses differ from one thread's");
  for (std::size_t i = 0; i < one.weights.size(); ++i) {
    const std::string& name = model.parameters()[i].name;
    if (!same_bits(threads.gradients[i], one.gradients[i])) faults.push_back("the gradient of " + name + " differs");
    if (!same_bits(threads.weights[i], one.weights[i])) faults.push_back("the weights of " + name + " differ");
  }
}

/// Order, edges and bytes of the prediction and the threaded run.
void find_disagreements(const Job& job, const RunResult& threads, std::vector<std::string>& faults) {
  const Prices prices = price(job.program, *job.model, job.cluster, CostModel(false), job.plan.optimizer);
  const Timeline predicted = simulate(job.program, prices);
  const OrderComparison order = compare_order(job.program, predicted, threads.timelines);
  if (!order.identical) faults.push_back("order: " + order.difference);
  const EdgeComparison edges = compare_edges(job.program, threads.timelines);
  if (edges.violated > 0) faults.push_back("edges: " + edges.first);
  const MemoryComparison memory = compare_memory(predicted, threads.timelines);
  for (std::size_t i = 0; i < memory.workers.size(); ++i) {
    const WorkerMemory& worker = memory.workers[i];
    if (!worker.identical || worker.predicted.by_class != worker.measured.by_class || worker.measured.total.count <= 0)
      faults.push_back(fmt::format("memory of {}: predicted {}, measured {} bytes", job.program.workers()[i].name,
                                   worker.predicted.total.count, worker.measured.total.count));
  }
}

/// Micro-batches and their samples: replicas that share their statistics are one micro-batch to the whole model.
std::pair<std::int64_t, std::int64_t> whole_batches(const Plan& plan) {
  const std::int64_t together = plan.synchronised_batch_norm ? plan.replicas : 1;
  return {global_micro_batches(plan) / together, plan.micro_batch_size * together};
}

WholeModelResult trained_whole(const Job& job, const std::vector<double>& margins) {
  const auto [batches, samples] = whole_batches(job.plan);
  return train_whole_model(*job.model, make_dataset(job), job.plan.optimizer, 1, batches, samples, job.plan.seed,
                           stale_weights(job), margins);
}

}  // namespace

const WholeModelResult& MeshRider::whole(const Job& job) {
  const Plan& plan = job.plan;
  const auto [batches, samples] = whole_batches(plan);
  const StaleWeights stale = stale_weights(job);
  std::string pipeline;
  if (!stale.version.empty()) pipeline = fmt::format("{} {} {}", plan.schedule, plan.replicas, fmt::join(job.cuts, " "));
  const Key key{plan.model, batches, samples, static_cast<std::int64_t>(plan.seed), pipeline};
  if (const auto known = wholes_.find(key); known != wholes_.end()) return known->second;
  return wholes_.emplace(key, trained_whole(job, {})).first->second;
}

void check_same_bits(const Plan& plan, const Plan& other) {
  const auto trained = [](const Plan& job_plan) {
    const Job job = make_job(job_plan, made_up_host(), CostModel(false));
    RunOptions options;
    options.optimizer = job_plan.optimizer;
    options.seed = job_plan.seed;
    options.iterations = 3;
    return run_on_one_thread(job.program, *job.model, make_dataset(job), options);
  };
  const RunResult result = trained(plan), want = trained(other);
  CHECK(same_bits(result.losses, want.losses));
  for (std::size_t i = 0; i < want.weights.size(); ++i) {
    CHECK(same_bits(result.weights[i], want.weights[i]));
    CHECK(same_bits(result.gradients[i], want.gradients[i]));
  }
}

MeshRide MeshRider::ride(const Plan& plan) {
  MeshRide result{make_job(plan, made_up_host(), CostModel(false)), {}, {}, 0, 0};
  const Job& job = result.job;
  const Dataset dataset = make_dataset(job);
  RunOptions options;
  options.optimizer = plan.optimizer;
  options.seed = plan.seed;
  result.threads = run_on_threads(job.program, *job.model, dataset, options);
  find_disagreements(job, result.threads, result.faults);
  find_other_bits(*job.model, result.threads, run_on_one_thread(job.program, *job.model, dataset, options),
                  result.faults);
  const WholeModelResult& reference = whole(job);
  result.gradient_error = gradient_errors(*job.model, plan, result.threads.gradients, reference,
                                          [&](const std::vector<double>& margins) { return trained_whole(job, margins); })
                              .unexplained;
  result.loss_error = std::abs(static_cast<double>(result.threads.losses.at(0)) / reference.losses.at(0) - 1);
  return result;
}

}  // namespace tandem
