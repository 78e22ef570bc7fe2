#include "base/random.hpp"
#include "models/dataset.hpp"

namespace tandem {

float initial_value(const Model& model, ParameterId id, std::uint64_t seed, std::int64_t index) {
  const auto& given = model.parameter(id);
  const auto& owner = given.tied_to ? model.parameter(*given.tied_to) : given;
  invariant(index >= 0 && index < owner.spec.elements(), "an index lies within its parameter");
  switch (owner.spec.initial) {
    case Initial::zeros: return 0;
    case Initial::ones: return 1;
    case Initial::normal: break;
  }
  const auto deviation = static_cast<float>(owner.spec.deviation);
  return deviation * normal_at(seed, stream_of(owner.name), static_cast<std::uint64_t>(index));
}

}  // namespace tandem
