// Forward and backward of a segment: data sources, kernels layer by layer, and the copies at its boundaries.

#include <cmath>
#include <cstring>
#include <stdexcept>

#include <fmt/format.h>

#include "base/error.hpp"
#include "exec/finite.hpp"
#include "exec/layer_pass.hpp"
#include "exec/step_work.hpp"

namespace tandem {
namespace {

void observed(const StepCall& call, LayerId layer, Pass pass, auto&& run) {
  if (call.observer == nullptr) return run();
  const Instant start = now();
  run();
  (*call.observer)(layer, pass, between(start, now()));
}

void run_pass(LayerPass& pass, const StepCall& call) {
  observed(call, pass.layer(), pass.pass(), [&] { pass.run(call.bases); });
}

void copy(const std::vector<BoundaryCopy>& copies, const Bases& bases) {
  for (const BoundaryCopy& entry : copies)
    std::memcpy(slot_of(entry.to).in(bases), slot_of(entry.from).in(bases), static_cast<std::size_t>(entry.bytes.count));
}

float seed_of(const WorkContext& context) { return 1.0f / static_cast<float>(context.program.micro_batches()); }

class Forward {
 public:
  Forward(const WorkContext& context, const Segment& segment) : context_(context), segment_(segment) {
    for (const LayerPlan& plan : segment.layers) {
      const LayerKind& kind = *context.model.layer(plan.layer).kind;
      if (kind.is_loss) loss_ = slot_of(plan.output);
      if (kind.inputs == 0)
        sources_.push_back({plan.layer, slot_of(plan.output)});
      else
        passes_.emplace_back(context.model, segment, plan, Pass::forward, seed_of(context));
    }
  }

  void run(const StepCall& call) {
    auto source = sources_.begin();
    for (LayerPass& pass : passes_) {
      for (; source != sources_.end() && source->layer < pass.layer(); ++source) fill(*source, call);
      run_pass(pass, call);
    }
    for (; source != sources_.end(); ++source) fill(*source, call);
    copy(segment_.forward_copies, call.bases);
    if (loss_.present) take_loss(call);
  }

 private:
  struct Source {
    LayerId layer;
    Slot output;
  };

  void fill(const Source& source, const StepCall& call) const {
    const std::int64_t first = call.micro_batch * segment_.batch;
    observed(call, source.layer, Pass::forward, [&] {
      context_.dataset.fill(source.layer, call.iteration, first, segment_.batch, source.output.in(call.bases));
    });
  }

  void take_loss(const StepCall& call) const {
    const float loss = *reinterpret_cast<const float*>(loss_.in(call.bases));
    call.losses[call.micro_batch] = loss;
    if (!std::isfinite(loss))
      throw std::runtime_error(
          fmt::format("the loss is {}{}", loss, first_not_finite(context_.model, segment_, call.bases)));
  }

  WorkContext context_;
  const Segment& segment_;
  Slot loss_;
  std::vector<Source> sources_;
  std::vector<LayerPass> passes_;
};

class Backward {
 public:
  Backward(const WorkContext& context, const Segment& segment, StepKind kind) : segment_(segment) {
    copies_ = kind != StepKind::weight_gradient;
    const bool weights = kind != StepKind::input_gradient;
    for (auto plan = segment.layers.rbegin(); plan != segment.layers.rend(); ++plan) {
      if (copies_ && plan->runs_input_gradient) add(context, *plan, Pass::input_gradient);
      if (weights && plan->runs_weight_gradient) add(context, *plan, Pass::weight_gradient);
    }
  }

  void run(const StepCall& call) {
    if (copies_) copy(segment_.backward_copies, call.bases);
    for (LayerPass& pass : passes_) run_pass(pass, call);
  }

 private:
  void add(const WorkContext& context, const LayerPlan& plan, Pass pass) {
    passes_.emplace_back(context.model, segment_, plan, pass, seed_of(context));
  }

  const Segment& segment_;
  bool copies_ = true;
  std::vector<LayerPass> passes_;
};

}  // namespace

StepFunction make_forward(const WorkContext& context, const Segment& segment) {
  return [work = std::make_shared<Forward>(context, segment)](const StepCall& call) { work->run(call); };
}

StepFunction make_backward(const WorkContext& context, const Segment& segment, StepKind kind) {
  invariant(kind == StepKind::backward || kind == StepKind::input_gradient || kind == StepKind::weight_gradient,
            "backward is B, I or W");
  return [work = std::make_shared<Backward>(context, segment, kind)](const StepCall& call) { work->run(call); };
}

}  // namespace tandem
