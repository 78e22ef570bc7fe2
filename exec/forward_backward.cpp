// Forward and backward of a segment, part by part: data sources, kernels layer by layer, and the copies at its
// boundaries.

#include <algorithm>
#include <cmath>
#include <cstring>
#include <stdexcept>
#include <variant>

#include <fmt/format.h>

#include "base/error.hpp"
#include "exec/finite.hpp"
#include "exec/stored_values.hpp"
#include "exec/layer_pass.hpp"
#include "exec/step_work.hpp"
#include "plan/part_touches.hpp"

namespace tandem {
namespace {

void observed(const StepCall& call, const Model& model, LayerId layer, Pass pass, Region region, auto&& run) {
  if (call.observer == nullptr) return run();
  const Instant start = now();
  run();
  (*call.observer)(model, layer, pass, region, between(start, now()));
}

void run_pass(LayerPass& pass, const Model& model, const StepCall& call) {
  observed(call, model, pass.layer(), pass.pass(), pass.region(), [&] { pass.run(call); });
}

void copy(const std::vector<BoundaryCopy>& copies, const Bases& bases) {
  for (const BoundaryCopy& entry : copies)
    std::memcpy(slot_of(entry.to).in(bases), slot_of(entry.from).in(bases), static_cast<std::size_t>(entry.bytes.count));
}

/// Every micro-batch of every replica weighs the same among those of one update.
float loss_gradient(const Program& program) {
  return 1.0f / static_cast<float>(program.micro_batches() / program.updates() * program.mesh().size(MeshAxis::data));
}

/// Fills the tensor of a source with the rank's samples, or its part of each.
class SourceFill {
 public:
  /// `batch`: samples of a micro-batch.
  SourceFill(const WorkContext& context, const LocalModel& local, const LayerPlan& plan, std::int64_t batch)
      : context_(context), batch_(local.model.samples(plan.layer, batch)),
        first_(local.model.layer(plan.layer).origins.sample_part * batch_), output_(slot_of(plan.output)) {
    const LocalLayer& layer = local.layers[index_of(plan.layer)];
    invariant(layer.whole.has_value(), "a source stands in the whole model, too");
    source_ = *layer.whole;
    const std::vector<std::int64_t>& dims = context.model.layer(source_).output.dims;
    is_short_ = local.model.layer(plan.layer).output.type == ElementType::bfloat16;
    if (layer.output.empty() && !is_short_) return;
    whole_.resize(static_cast<std::size_t>(context.model.layer(source_).output.elements_per_sample()));
    for_each_run(dims, layer.output, [this](std::int64_t, std::int64_t whole, std::int64_t count) {
      runs_.push_back({whole, count});
    });
  }

  /// A dataset gives values of four bytes.
  void run(const StepCall& call) {
    std::byte* out = output_.in(call.bases);
    const std::int64_t first = call.first_sample + first_;
    if (runs_.empty()) return context_.dataset.fill(source_, call.iteration, first, batch_, out);
    for (std::int64_t sample = 0; sample < batch_; ++sample) {
      context_.dataset.fill(source_, call.iteration, first + sample, 1, whole_.data());
      for (const IndexRun& run : runs_) {
        const ElementType type = is_short_ ? ElementType::bfloat16 : ElementType::float32;
        write_values(whole_.data() + run.first, run.count, type, out);
        out += bytes_of(type).count * run.count;
      }
    }
  }

 private:
  WorkContext context_;
  std::int64_t batch_, first_;  ///< samples, and those of the micro-batch before them
  Slot output_;
  LayerId source_{};
  bool is_short_ = false;
  std::vector<IndexRun> runs_;
  std::vector<float> whole_;  ///< one sample; tokens by their bits
};

class Forward {
 public:
  Forward(const WorkContext& context, const StepWork& work)
      : segment_(context.program.segment(work.segment)), local_(context.local(work.segment)),
        is_last_(work.part + 1 == segment_.forward_parts.size()) {
    for (const PassItem& item : segment_.forward_parts.at(work.part).items) {
      const LayerPlan& plan = segment_.layers[item.layer];
      const LayerKind& kind = *local_.model.layer(plan.layer).kind;
      if (kind.is_loss) {
        loss_ = slot_of(plan.output);
        loss_parts_ = local_.model.layer(plan.layer).origins.loss_parts;
        loss_part_ = local_.model.layer(plan.layer).origins.loss_part;
      }
      if (kind.inputs == 0)
        items_.push_back({plan.layer, SourceFill(context, local_, plan, segment_.batch)});
      else
        items_.push_back({plan.layer, LayerPass(local_.model, segment_, item, loss_gradient(context.program),
                                                context.seed)});
      if (const auto* pass = std::get_if<LayerPass>(&items_.back().work))
        context.wide->reserve(work.worker, pass->wide_floats());
    }
  }

  void run(const StepCall& call) {
    for (Item& item : items_) {
      if (auto* pass = std::get_if<LayerPass>(&item.work)) run_pass(*pass, local_.model, call);
      else observed(call, local_.model, item.layer, Pass::forward, Region::all,
                    [&] { std::get<SourceFill>(item.work).run(call); });
    }
    if (is_last_) copy(segment_.forward_copies, call.bases);
    if (loss_.present) take_loss(call);
  }

 private:
  struct Item {
    LayerId layer;
    std::variant<SourceFill, LayerPass> work;
  };

  void take_loss(const StepCall& call) const {
    const float loss = *reinterpret_cast<const float*>(loss_.in(call.bases));
    if (local_.says_loss) call.losses[call.micro_batch * loss_parts_ + loss_part_] = loss;
    if (!std::isfinite(loss))
      throw std::runtime_error(
          fmt::format("the loss is {}{}", loss, first_not_finite(local_.model, segment_, call.bases)));
  }

  const Segment& segment_;
  const LocalModel& local_;
  bool is_last_;
  Slot loss_;
  std::int64_t loss_parts_ = 1, loss_part_ = 0;
  std::vector<Item> items_;
};

class Backward {
 public:
  Backward(const WorkContext& context, const StepWork& work)
      : segment_(context.program.segment(work.segment)), model_(context.local(work.segment).model) {
    copies_ = work.kind != StepKind::weight_gradient && work.part == segment_.first_gradient_part();
    const SegmentPart& part = parts_of(segment_, work.kind).at(work.part);
    invariant(part.recomputes == (work.kind == StepKind::recompute), "a part that recomputes is R, and no other");
    for (const PassItem& item : part.items)
      passes_.emplace_back(model_, segment_, item, loss_gradient(context.program), context.seed);
    for (const LayerPass& pass : passes_) context.wide->reserve(work.worker, pass.wide_floats());
  }

  void run(const StepCall& call) {
    if (copies_) copy(segment_.backward_copies, call.bases);
    for (LayerPass& pass : passes_) run_pass(pass, model_, call);
  }

 private:
  const Segment& segment_;
  const Model& model_;
  bool copies_ = true;
  std::vector<LayerPass> passes_;
};

}  // namespace

StepFunction make_forward(const WorkContext& context, const StepWork& work) {
  return [prepared = std::make_shared<Forward>(context, work)](const StepCall& call) { prepared->run(call); };
}

StepFunction make_backward(const WorkContext& context, const StepWork& work) {
  invariant(work.kind == StepKind::backward || work.kind == StepKind::input_gradient ||
                work.kind == StepKind::weight_gradient || work.kind == StepKind::recompute,
            "backward is R, B, I or W");
  return [prepared = std::make_shared<Backward>(context, work)](const StepCall& call) { prepared->run(call); };
}

}  // namespace tandem
