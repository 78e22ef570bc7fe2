#pragma once
// Jobs on meshes of more axes than the pipeline, and how their tensors are divided.

#include <string>
#include <utility>
#include <vector>

#include "plan/layouts.hpp"
#include "plan/lower.hpp"
#include "plan/shard.hpp"
#include "plan/verify.hpp"
#include "tests/plan/models.hpp"

namespace tandem {

/// One micro-batch of four samples on one stage.
inline Plan plan_on(std::int64_t data, std::int64_t height, std::int64_t width, std::int64_t tensor) {
  Plan plan;
  plan.replicas = data;
  plan.height = height;
  plan.width = width;
  plan.tensor = tensor;
  plan.micro_batches = 1;
  plan.micro_batch_size = 4;
  return plan;
}

inline const LayoutRule& rule_of(const LayoutChoice& choice, const std::string& layer, MeshAxis axis) {
  for (std::size_t i = 0; i < choice.rules.size(); ++i)
    if (choice.model.layers()[i].name == layer) return choice.rules[i][static_cast<std::size_t>(axis)];
  throw std::out_of_range(layer);
}

/// The part of rank `rank`, which counts the workers of one stage.
inline Sharding part_of(const Plan& plan, const Model& model, std::uint32_t rank = 0) {
  const Mesh mesh = mesh_of(plan);
  return shard(choose_layouts(plan, model), model, mesh, mesh.coordinate_of(rank), plan.micro_batch_size);
}

inline LayerId layer_named(const Model& model, const std::string& name) {
  for (std::uint32_t i = 0; i < model.layer_count(); ++i)
    if (model.layers()[i].name == name) return static_cast<LayerId>(i);
  throw std::out_of_range(name);
}

inline const LocalParameter& parameter_named(const LocalModel& local, const std::string& name) {
  for (std::size_t i = 0; i < local.parameters.size(); ++i)
    if (local.model.parameters()[i].name == name) return local.parameters[i];
  throw std::out_of_range(name);
}

/// Images of one channel, a convolution or pool over them, and an end that trains.
inline Model image_model(std::int64_t height, std::int64_t width, LayerDefinition window) {
  window.name = "window";
  window.inputs = {"images"};
  const auto rows = static_cast<double>(height), columns = static_cast<double>(width);
  return Model("image", {{"images", "images", {{"channels", 1}, {"height", rows}, {"width", columns}}},
                         std::move(window),
                         layer("mean", "global_average_pool", {"window"}),
                         linear("fc", 4, "mean"),
                         {"targets", "target_class", {{"classes", 4}}},
                         layer("loss", "softmax_cross_entropy", {"fc", "targets"})});
}

/// The model, stored as the plan says, on as many devices as there are workers; verified.
inline Program lower_on(const Plan& plan, const Model& model, const std::vector<std::size_t>& cuts = {}) {
  const Program program =
      lower(plan, model.stored_as(plan.precision), cuts, one_device_each(mesh_of(plan).workers()));
  verify(program);
  return program;
}

/// Bytes of the worker's persistent buffers of this class.
inline std::int64_t held(const Program& program, std::uint32_t worker, BufferClass kind) {
  std::int64_t bytes = 0;
  for (std::uint32_t i = 0; i < program.buffers().size(); ++i) {
    const BufferSpec& spec = program.spec(static_cast<BufferId>(i));
    if (index_of(spec.worker) == worker && spec.kind == kind && program.buffers()[i].allocated_by == kNone<StepId>)
      bytes += spec.bytes.count;
  }
  return bytes;
}

}  // namespace tandem
