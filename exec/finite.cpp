#include "exec/finite.hpp"

#include <fmt/format.h>

#include "exec/stored_values.hpp"

namespace tandem {
namespace {

bool holds_only_finite(const Model& model, LayerId tensor, std::int64_t batch, const std::byte* place) {
  const TensorSpec& spec = model.layer(tensor).output;
  const std::int64_t count = spec.elements(model.samples(tensor, batch));
  return !is_real(spec.type) || first_not_finite(spec.type, place, count) == count;
}

/// The workspace may have been written again since, so what lies there tells nothing.
bool still_there(const Placement& placement) {
  return placement.place == Place::saved || placement.place == Place::saved_for_input ||
         placement.place == Place::outbox;
}

}  // namespace

std::string first_not_finite(const Model& model, const Segment& segment, const Bases& bases) {
  if (const std::byte* inbox = bases.of(BufferContent::inbox))
    for (const BoundaryTensor& entry : segment.inbox)
      if (!holds_only_finite(model, entry.tensor, segment.batch, inbox + entry.offset))
        return fmt::format(" (it came in with the output of \"{}\")", model.layer(entry.tensor).name);
  for (const LayerPlan& plan : segment.layers)
    if (still_there(plan.output) &&
        !holds_only_finite(model, plan.layer, segment.batch, slot_of(plan.output).in(bases)))
      return fmt::format(" (first in the output of \"{}\")", model.layer(plan.layer).name);
  return "";
}

}  // namespace tandem
