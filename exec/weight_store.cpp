#include "exec/weight_store.hpp"

#include <algorithm>

#include "models/dataset.hpp"

namespace tandem {
namespace {

void set_initial(const Model& model, ParameterId id, std::uint64_t seed, std::int64_t elements, float* values,
                 const std::function<bool()>& stopped) {
  constexpr std::int64_t kBlock = 1 << 16;
  for (std::int64_t first = 0; first < elements && !stopped(); first += kBlock)
    for (std::int64_t i = first; i < std::min(elements, first + kBlock); ++i)
      values[i] = initial_value(model, id, seed, i);
}

}  // namespace

WeightStore::WeightStore(const Program& program, const Model& model, const BufferMemory& memory)
    : program_(program), model_(model), memory_(memory) {}

void WeightStore::initialise(WorkerId worker, std::uint64_t seed, const std::function<bool()>& stopped) const {
  for (const BufferId id : memory_.persistent(worker)) {
    const BufferSpec& spec = program_.spec(id);
    if (spec.content != BufferContent::weights) continue;
    for (const SegmentParameter& row : program_.segment(spec.segment).parameters)
      if (row.updated)
        set_initial(model_, row.parameter, seed, row.elements,
                    reinterpret_cast<float*>(memory_.at(id) + row.weight_offset), stopped);
  }
}

std::vector<std::vector<float>> WeightStore::gather(BufferContent content) const {
  std::vector<std::vector<float>> values(model_.parameters().size());
  for (std::uint32_t i = 0; i < program_.buffers().size(); ++i) {
    const auto id = static_cast<BufferId>(i);
    const BufferSpec& spec = program_.spec(id);
    if (spec.content != content) continue;
    for (const SegmentParameter& row : program_.segment(spec.segment).parameters) {
      if (model_.parameter(row.parameter).tied_to) continue;
      const std::int64_t offset = content == BufferContent::weights ? row.weight_offset : row.gradient_offset;
      const auto* first = reinterpret_cast<const float*>(memory_.at(id) + offset);
      values[index_of(row.parameter)].assign(first, first + row.elements);
    }
  }
  return values;
}

}  // namespace tandem
