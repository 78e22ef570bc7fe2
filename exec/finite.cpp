#include "exec/finite.hpp"

#include <bit>

#include <fmt/format.h>

namespace tandem {
namespace {

bool holds_only_finite(const Model& model, LayerId tensor, std::int64_t batch, const std::byte* place) {
  const TensorSpec& spec = model.layer(tensor).output;
  if (spec.type != ElementType::float32) return true;
  return all_finite(reinterpret_cast<const float*>(place), spec.elements(model.samples(tensor, batch)));
}

/// The workspace may have been written again since, so what lies there tells nothing.
bool still_there(const Placement& placement) {
  return placement.place == Place::saved || placement.place == Place::saved_for_input ||
         placement.place == Place::outbox;
}

}  // namespace

bool all_finite(const float* values, std::int64_t count) {
  constexpr std::uint32_t kExponent = 0x7f800000u;
  std::uint32_t found = 0;
  for (std::int64_t i = 0; i < count; ++i) {
    const auto bits = std::bit_cast<std::uint32_t>(values[i]);
    found |= static_cast<std::uint32_t>((bits & kExponent) == kExponent);
  }
  return found == 0;
}

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
