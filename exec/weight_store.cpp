#include "exec/weight_store.hpp"

#include <algorithm>
#include <optional>

#include "base/error.hpp"
#include "exec/stored_values.hpp"
#include "models/dataset.hpp"

namespace tandem {
namespace {

/// Sets the elements [first, last) of the rank's part of a parameter; `values` is where the part begins, were it all
/// there.
void set_initial(const Model& model, const LocalParameter& own, std::uint64_t seed, std::int64_t first,
                 std::int64_t last, ElementType type, std::byte* values, const std::function<bool()>& stopped) {
  constexpr std::int64_t kBlock = 1 << 12;
  std::vector<float> initial(kBlock);
  const auto set_run = [&](std::int64_t local, std::int64_t whole, std::int64_t count) {
    const std::int64_t from = std::max(local, first), to = std::min(local + count, last);
    for (std::int64_t block = from; block < to && !stopped(); block += kBlock) {
      const std::int64_t length = std::min(to - block, kBlock);
      for (std::int64_t i = 0; i < length; ++i)
        initial[static_cast<std::size_t>(i)] = initial_value(model, own.whole, seed, whole + block + i - local);
      write_values(initial.data(), length, type, values + bytes_of(type).count * block);
    }
  };
  for_each_run(model.parameter(own.whole).spec.dims, own.slice, set_run);
}

/// Elements of the parameter that lie in the range, counted from the parameter's first.
std::optional<std::pair<std::int64_t, std::int64_t>> common(const ParameterRange& range, const SegmentParameter& row,
                                                            std::int64_t size) {
  const std::int64_t first = std::max<std::int64_t>(0, (range.whole - row.weight_offset) / size);
  const std::int64_t last = std::min(row.elements, (range.whole - row.weight_offset) / size + range.elements);
  if (!row.updated || first >= last) return std::nullopt;
  return std::pair(first, last);
}

}  // namespace

WeightStore::WeightStore(const Program& program, const Model& model, const Optimizer& optimizer,
                         const BufferMemory& memory)
    : program_(program), model_(model), optimizer_(optimizer), memory_(memory) {}

/// Where this byte of the content lies for good, on the device first, then on the host.
std::vector<std::byte*> WeightStore::places_of(const StepWork& update, BufferContent content, std::int64_t byte) const {
  std::vector<std::byte*> here, on_host;
  for (const BufferId id : memory_.persistent(update.worker)) {
    const BufferSpec& spec = program_.spec(id);
    if (spec.segment == update.segment && spec.content == content && spec.first <= byte &&
        byte < spec.first + spec.bytes.count)
      (on_device(spec.kind) ? here : on_host).push_back(memory_.at(id) + (byte - spec.first));
  }
  here.insert(here.end(), on_host.begin(), on_host.end());
  return here;
}

/// The first of its places; null where the worker does not have it for good.
std::byte* WeightStore::persistent(const StepWork& update, BufferContent content, std::int64_t byte) const {
  const std::vector<std::byte*> places = places_of(update, content, byte);
  return places.empty() ? nullptr : places.front();
}

/// Where the range's first value lies: in the shard, where the worker has one, else in the whole.
std::byte* WeightStore::values_of(const StepWork& update, const ParameterRange& range, BufferContent whole,
                                  BufferContent shard) const {
  const Segment& segment = program_.segment(update.segment);
  const auto place = [&](std::int64_t weight_bytes) {
    return whole == BufferContent::gradients ? segment.in_gradients(weight_bytes) : weight_bytes;
  };
  std::byte* at = persistent(update, shard, place(range.own));
  if (at == nullptr) at = persistent(update, whole, place(range.whole));
  invariant(at != nullptr, "a worker has the weights that it updates");
  return at;
}

void WeightStore::initialise(WorkerId worker, std::uint64_t seed, const std::function<bool()>& stopped) const {
  for (const BufferId id : memory_.persistent(worker)) {
    const BufferSpec& spec = program_.spec(id);
    const Segment& segment = program_.segment(spec.segment);
    if (spec.content != BufferContent::weights) continue;
    const std::int64_t size = segment.weight_size();
    for (const SegmentParameter& row : segment.parameters)
      if (const auto part = common({spec.first, 0, spec.bytes.count / size}, row, size))
        set_initial(model_, program_.local(spec.segment).parameters[index_of(row.parameter)], seed, part->first,
                    part->second, segment.weight_type, memory_.at(id) + (row.weight_offset - spec.first), stopped);
  }
  for (const StepWork& work : program_.works())
    if (work.kind == StepKind::update && work.worker == worker) initialise_owned(work, seed, stopped);
}

/// What lies range by range: weights where they are sharded, and master copies.
void WeightStore::initialise_owned(const StepWork& update, std::uint64_t seed,
                                   const std::function<bool()>& stopped) const {
  const ElementType type = program_.segment(update.segment).weight_type;
  for (const ParameterRange& range : program_.ranges(update)) {
    for (std::byte* const shard : places_of(update, BufferContent::weight_shard, range.own))
      set_range(update, range, seed, type, shard, stopped);
    if (type == ElementType::float32) continue;
    std::byte* const states =
        persistent(update, BufferContent::optimizer_state, optimizer_.state_bytes(type, {range.own}).count);
    invariant(states != nullptr, "a worker has the master copies of the weights that it updates");
    const Bytes moments = bytes_of(ElementType::float32) * (optimizer_.moments() * range.elements);
    set_range(update, range, seed, ElementType::float32, states + moments.count, stopped);
  }
}

/// `values`: of the range, stored as `type`.
void WeightStore::set_range(const StepWork& update, const ParameterRange& range, std::uint64_t seed, ElementType type,
                            std::byte* values, const std::function<bool()>& stopped) const {
  const Segment& segment = program_.segment(update.segment);
  for (const SegmentParameter& row : segment.parameters)
    if (const auto part = common(range, row, segment.weight_size())) {
      const std::int64_t before = (row.weight_offset - range.whole) / segment.weight_size();
      set_initial(model_, program_.local(update.segment).parameters[index_of(row.parameter)], seed, part->first,
                  part->second, type, values + before * bytes_of(type).count, stopped);
    }
}

void WeightStore::gather(const StepWork& update, const ParameterRange& range, ElementType type, const std::byte* from,
                         std::vector<std::vector<float>>& values) const {
  const Segment& segment = program_.segment(update.segment);
  const std::int64_t weight_size = segment.weight_size(), size = bytes_of(type).count;
  for (const SegmentParameter& row : segment.parameters) {
    const LocalParameter& own = program_.local(update.segment).parameters[index_of(row.parameter)];
    const Parameter& whole = model_.parameter(own.whole);
    const auto part = common(range, row, weight_size);
    if (whole.tied_to || !part) continue;
    std::vector<float>& all = values[index_of(own.whole)];
    all.resize(static_cast<std::size_t>(whole.spec.elements()));
    // Its first value, were it all there.
    const std::byte* parameter = from + (row.weight_offset - range.whole) / weight_size * size;
    for_each_run(whole.spec.dims, own.slice, [&](std::int64_t local, std::int64_t begin, std::int64_t count) {
      const std::int64_t first = std::max(local, part->first), last = std::min(local + count, part->second);
      if (first < last)
        read_values(type, parameter + size * first, last - first, all.data() + begin + first - local);
    });
  }
}

/// From the workers that own them.
std::vector<std::vector<float>> WeightStore::gather(BufferContent content, BufferContent shard) const {
  std::vector<std::vector<float>> values(model_.parameters().size());
  for (const StepWork& work : program_.works())
    if (work.kind == StepKind::update)
      for (const ParameterRange& range : program_.ranges(work)) {
        const Segment& segment = program_.segment(work.segment);
        const bool gradients = content == BufferContent::gradients;
        gather(work, range, gradients ? segment.gradient_type : segment.weight_type,
               values_of(work, range, content, shard), values);
      }
  return values;
}

}  // namespace tandem
