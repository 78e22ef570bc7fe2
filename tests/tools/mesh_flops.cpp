// Counts the FLOPs of a mesh's workers, and those that its layouts say they should do.
#include "plan/conversions.hpp"
#include "plan/layouts.hpp"
#include "tests/tools/mesh_scene.hpp"

namespace tandem {
namespace {

constexpr Pass kPasses[] = {Pass::forward, Pass::input_gradient, Pass::weight_gradient};

Flops products_of(const Work& work) {
  Flops sum;
  for (const Product& product : work.products) sum += product.flops();
  return sum;
}

/// Kinds of which every rank that shares the layer repeats a part: it merges what the others found of each token or
/// channel, or reckons the angles of each position, which all heads share.
bool repeats_a_part(const LayerKind& kind) {
  return kind.name == "cross_entropy_from_statistics" || kind.name == "batch_norm_merge" || kind.name == "rotary";
}

/// Ranks that repeat the layer's work, and those that each hold a summand of its output, so that they repeat its bias.
struct Repeats {
  std::int64_t work = 1, bias = 1;
};

Repeats repeats_of(const AxisRules& rules, const Mesh& mesh) {
  Repeats repeats;
  for (const MeshAxis axis : {MeshAxis::height, MeshAxis::width, MeshAxis::tensor}) {
    const LayoutRule& rule = rules[static_cast<std::size_t>(axis)];
    if (mesh.size(axis) > 1 && repeats_work(rule)) repeats.work *= mesh.size(axis);
    if (mesh.size(axis) > 1 && rule.output.form == AxisLayout::Form::partial && !rule.parameters.empty())
      repeats.bias *= mesh.size(axis);
  }
  return repeats;
}

void add_executed(const Program& program, const StepWork& work, MeshFlops& flops) {
  const Segment& segment = program.segment(work.segment);
  const Model& local = program.local(work.segment).model;
  const auto& parts = work.kind == StepKind::forward ? segment.forward_parts : segment.backward_parts;
  for (const PassItem& item : parts.at(work.part).items) {
    if (item.region == Region::interior || item.region == Region::middle) continue;  // the border counts for all
    const LayerId layer = segment.layers[item.layer].layer;
    const LayerKind& kind = *local.layer(layer).kind;
    const Work done = local.work(layer, item.pass, segment.batch);
    (is_conversion(kind) ? flops.conversions : repeats_a_part(kind) ? flops.merging : flops.executed) += done.flops();
    flops.executed_products += products_of(done);
  }
}

}  // namespace

MeshFlops mesh_flops(const Job& job) {
  MeshFlops flops;
  for (const StepWork& work : job.program.works())
    if (work.kind == StepKind::forward || work.kind == StepKind::backward) add_executed(job.program, work, flops);
  const Mesh& mesh = job.program.mesh();
  const LayoutChoice choice = choose_layouts(job.plan, *job.model);
  for (std::uint32_t i = 0; i < choice.model.layer_count(); ++i)
    for (const Pass pass : kPasses) {
      const Work work = choice.model.work(static_cast<LayerId>(i), pass, job.plan.micro_batch_size);
      const Repeats repeats = repeats_of(choice.rules[i], mesh);
      const Flops::Count all = work.flops().count, products = products_of(work).count, replicas = job.plan.replicas;
      if (repeats_a_part(*choice.model.layers()[i].kind)) {
        flops.merging_once.count += replicas * all;
        continue;
      }
      flops.whole.count += replicas * all;
      flops.declared_products.count += replicas * repeats.work * products;
      flops.repeated.count += replicas * (repeats.work * (products + repeats.bias * (all - products)) - all);
    }
  return flops;
}

}  // namespace tandem
