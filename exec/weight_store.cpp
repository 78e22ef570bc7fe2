#include "exec/weight_store.hpp"

#include <algorithm>
#include <optional>

#include "base/error.hpp"
#include "models/dataset.hpp"

namespace tandem {
namespace {

constexpr std::int64_t kFloat = sizeof(float);

/// Sets the elements [first, last) of the rank's part of a parameter; `values` is where the part begins.
void set_initial(const Model& model, const LocalParameter& own, std::uint64_t seed, std::int64_t first,
                 std::int64_t last, float* values, const std::function<bool()>& stopped) {
  constexpr std::int64_t kBlock = 1 << 16;
  const auto set_run = [&](std::int64_t local, std::int64_t whole, std::int64_t count) {
    const std::int64_t from = std::max(local, first), to = std::min(local + count, last);
    for (std::int64_t block = from; block < to && !stopped(); block += kBlock)
      for (std::int64_t i = block; i < std::min(to, block + kBlock); ++i)
        values[i] = initial_value(model, own.whole, seed, whole + i - local);
  };
  for_each_run(model.parameter(own.whole).spec.dims, own.slice, set_run);
}

/// Elements of the parameter that lie in the range, counted from the parameter's first.
std::optional<std::pair<std::int64_t, std::int64_t>> common(const ParameterRange& range, const SegmentParameter& row) {
  const std::int64_t first = std::max<std::int64_t>(0, (range.whole - row.weight_offset) / kFloat);
  const std::int64_t last = std::min(row.elements, (range.whole - row.weight_offset) / kFloat + range.elements);
  if (!row.updated || first >= last) return std::nullopt;
  return std::pair(first, last);
}

}  // namespace

WeightStore::WeightStore(const Program& program, const Model& model, const BufferMemory& memory)
    : program_(program), model_(model), memory_(memory) {}

/// Where this byte of the content lies, on the device or on the host; null where the worker does not have it for good.
std::byte* WeightStore::persistent(const StepWork& update, BufferContent content, std::int64_t byte) const {
  for (const BufferId id : memory_.persistent(update.worker)) {
    const BufferSpec& spec = program_.spec(id);
    if (spec.segment == update.segment && spec.content == content && spec.first <= byte &&
        byte < spec.first + spec.bytes.count)
      return memory_.at(id) + (byte - spec.first);
  }
  return nullptr;
}

/// Where the range's first value lies: in the shard, where the worker has one, else in the whole.
float* WeightStore::values_of(const StepWork& update, const ParameterRange& range, BufferContent whole,
                              BufferContent shard) const {
  std::byte* at = persistent(update, shard, range.own);
  if (at == nullptr) at = persistent(update, whole, range.whole);
  invariant(at != nullptr, "a worker has the weights that it updates");
  return reinterpret_cast<float*>(at);
}

void WeightStore::initialise(WorkerId worker, std::uint64_t seed, const std::function<bool()>& stopped) const {
  for (const BufferId id : memory_.persistent(worker)) {
    const BufferSpec& spec = program_.spec(id);
    if (spec.content == BufferContent::weight_shard) initialise_shard(spec, seed, stopped);
    if (spec.content != BufferContent::weights) continue;
    for (const SegmentParameter& row : program_.segment(spec.segment).parameters)
      if (row.updated && spec.first <= row.weight_offset && row.weight_offset < spec.first + spec.bytes.count)
        set_initial(model_, program_.local(spec.segment).parameters[index_of(row.parameter)], seed, 0, row.elements,
                    reinterpret_cast<float*>(memory_.at(id) + row.weight_offset - spec.first), stopped);
  }
}

void WeightStore::initialise_shard(const BufferSpec& spec, std::uint64_t seed,
                                   const std::function<bool()>& stopped) const {
  for (const StepWork& work : program_.works()) {
    if (work.kind != StepKind::update || work.worker != spec.worker || work.segment != spec.segment) continue;
    for (const ParameterRange& range : program_.ranges(work)) {
      if (range.own < spec.first || range.own >= spec.first + spec.bytes.count) continue;
      float* values = values_of(work, range, BufferContent::weights, BufferContent::weight_shard);
      for (const SegmentParameter& row : program_.segment(spec.segment).parameters)
        if (const auto part = common(range, row))
          set_initial(model_, program_.local(spec.segment).parameters[index_of(row.parameter)], seed, part->first,
                      part->second, values + (row.weight_offset - range.whole) / kFloat, stopped);
    }
  }
}

void WeightStore::gather(const StepWork& update, const ParameterRange& range, const float* from,
                         std::vector<std::vector<float>>& values) const {
  for (const SegmentParameter& row : program_.segment(update.segment).parameters) {
    const LocalParameter& own = program_.local(update.segment).parameters[index_of(row.parameter)];
    const Parameter& whole = model_.parameter(own.whole);
    const auto part = common(range, row);
    if (whole.tied_to || !part) continue;
    std::vector<float>& all = values[index_of(own.whole)];
    all.resize(static_cast<std::size_t>(whole.spec.elements()));
    const float* parameter = from + (row.weight_offset - range.whole) / kFloat;  // its first value, were it all there
    for_each_run(whole.spec.dims, own.slice, [&](std::int64_t local, std::int64_t begin, std::int64_t count) {
      const std::int64_t first = std::max(local, part->first), last = std::min(local + count, part->second);
      if (first < last) std::copy(parameter + first, parameter + last, all.data() + begin + first - local);
    });
  }
}

/// From the workers that own them.
std::vector<std::vector<float>> WeightStore::gather(BufferContent content, BufferContent shard) const {
  std::vector<std::vector<float>> values(model_.parameters().size());
  for (const StepWork& work : program_.works())
    if (work.kind == StepKind::update)
      for (const ParameterRange& range : program_.ranges(work))
        gather(work, range, values_of(work, range, content, shard), values);
  return values;
}

}  // namespace tandem
