#include "exec/weight_store.hpp"

#include <algorithm>

#include "models/dataset.hpp"

namespace tandem {
namespace {

void set_initial(const Model& model, const LocalParameter& own, std::uint64_t seed, float* values,
                 const std::function<bool()>& stopped) {
  constexpr std::int64_t kBlock = 1 << 16;
  const auto set_run = [&](std::int64_t local, std::int64_t whole, std::int64_t count) {
    for (std::int64_t first = 0; first < count && !stopped(); first += kBlock)
      for (std::int64_t i = first; i < std::min(count, first + kBlock); ++i)
        values[local + i] = initial_value(model, own.whole, seed, whole + i);
  };
  for_each_run(model.parameter(own.whole).spec.dims, own.slice, set_run);
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
        set_initial(model_, program_.local(spec.segment).parameters[index_of(row.parameter)], seed,
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
      const LocalParameter& own = program_.local(spec.segment).parameters[index_of(row.parameter)];
      const Parameter& whole = model_.parameter(own.whole);
      if (whole.tied_to) continue;
      const std::int64_t offset = content == BufferContent::weights ? row.weight_offset : row.gradient_offset;
      const auto* first = reinterpret_cast<const float*>(memory_.at(id) + offset);
      std::vector<float>& all = values[index_of(own.whole)];
      all.resize(static_cast<std::size_t>(whole.spec.elements()));
      for_each_run(whole.spec.dims, own.slice, [&](std::int64_t local, std::int64_t begin, std::int64_t count) {
        std::copy_n(first + local, count, all.data() + begin);
      });
    }
  }
  return values;
}

}  // namespace tandem
