#include "plan/part_touches.hpp"

namespace tandem {
namespace {

class Touches {
 public:
  Touches(const Segment& segment, const Model& local, const PassItem& item)
      : batch_(segment.batch), model_(local), item_(item), plan_(segment.layers[item.layer]),
        layer_(local.layer(plan_.layer)) {}

  std::vector<Touch> all() && {
    item_.pass == Pass::forward ? add_forward() : add_gradients();
    return std::move(all_);
  }

 private:
  void add(const Placement& at, Bytes bytes, Access access) {
    if (at.place != Place::none) all_.push_back({at, bytes, access});
  }
  Bytes bytes_of(LayerId tensor) const { return model_.bytes(tensor, batch_); }
  Bytes scratch() const { return model_.scratch(plan_.layer, item_.pass, batch_); }
  void add_extra(const std::vector<Placement>& extra, Access access) {
    for (std::size_t i = 0; i < extra.size(); ++i) add(extra[i], layer_.kept.extra[i].bytes(model_.samples(plan_.layer, batch_)), access);
  }

  void add_forward() {
    const std::vector<Placement>& inputs = item_.again ? plan_.kept_inputs : plan_.inputs;
    for (std::size_t i = 0; i < inputs.size(); ++i)
      if (item_.reads(i)) add(inputs[i], bytes_of(layer_.inputs[i]), Access::read);
    add_extra(item_.again ? plan_.kept_extra : plan_.extra, Access::write);
    add(item_.again ? plan_.again_output : plan_.output, bytes_of(plan_.layer), Access::write);
    add(item_.again ? plan_.again_scratch : plan_.scratch, scratch(), Access::write);
  }

  void add_gradients() {
    const bool input = item_.pass == Pass::input_gradient;
    for (std::size_t i = 0; i < plan_.kept_inputs.size(); ++i)
      if (layer_.kept.reads_input(i, item_.pass)) add(plan_.kept_inputs[i], bytes_of(layer_.inputs[i]), Access::read);
    add_extra(plan_.kept_extra, Access::read);
    if (layer_.kept.output) add(plan_.kept_output, bytes_of(plan_.layer), Access::read);
    add(plan_.output_gradient, bytes_of(plan_.layer), Access::read);
    add(input ? plan_.input_gradient_scratch : plan_.weight_gradient_scratch, scratch(), Access::write);
    if (!input) return;
    for (std::size_t i = 0; i < plan_.input_gradients.size(); ++i)
      add(plan_.input_gradients[i], bytes_of(layer_.inputs[i]), Access::write);
  }

  std::int64_t batch_;
  const Model& model_;
  const PassItem& item_;
  const LayerPlan& plan_;
  const Layer& layer_;
  std::vector<Touch> all_;
};

}  // namespace

std::vector<Touch> touches_of(const Segment& segment, const Model& local, const PassItem& item) {
  return Touches(segment, local, item).all();
}

bool is_pass(StepKind kind) {
  return kind == StepKind::forward || kind == StepKind::backward || kind == StepKind::input_gradient ||
         kind == StepKind::weight_gradient || kind == StepKind::recompute;
}

const std::vector<SegmentPart>& parts_of(const Segment& segment, StepKind kind) {
  if (kind == StepKind::forward) return segment.forward_parts;
  return kind == StepKind::weight_gradient ? segment.weight_parts : segment.backward_parts;
}

std::vector<Touch> touches_of(const std::vector<BoundaryCopy>& copies) {
  std::vector<Touch> all;
  for (const BoundaryCopy& copy : copies) {
    all.push_back({copy.from, copy.bytes, Access::read});
    all.push_back({copy.to, copy.bytes, Access::write});
  }
  return all;
}

}  // namespace tandem
