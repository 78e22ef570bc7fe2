// What the arenas will hold, found by walking the memory script without memory.

#include <algorithm>
#include <map>

#include "exec/arena.hpp"
#include "exec/run.hpp"
#include "plan/memory_script.hpp"
#include "plan/part_touches.hpp"

namespace tandem {
namespace {

/// Blocks by size: an arena holds as many of each as are ever live at once.
class BlockCount {
 public:
  void change(Bytes bytes, bool frees) {
    Row& row = rows_[block_size(bytes)];
    row.live += frees ? -1 : 1;
    row.most = std::max(row.most, row.live);
  }
  Bytes held() const {
    Bytes sum;
    for (const auto& [size, row] : rows_) sum += size * row.most;
    return sum;
  }

 private:
  struct Row {
    std::int64_t live = 0, most = 0;
  };
  std::map<Bytes, Row> rows_;
};

/// A bound of WideMemory for one pass: its tensors, its parameters and their gradients, in floats.
Bytes wide_bytes(const Segment& segment, const Model& local, const PassItem& item) {
  if (segment.weight_type == ElementType::float32) return {};
  const std::int64_t growth = bytes_of(ElementType::float32).count / segment.weight_size();
  Bytes sum;
  for (const Touch& touch : touches_of(segment, local, item)) sum += Bytes{aligned_size(touch.bytes * growth)};
  for (const ParameterId parameter : local.layer(segment.layers[item.layer].layer).parameters)
    sum += Bytes{aligned_size(local.parameter(parameter).spec.bytes() * growth)} * 2;
  return sum;
}

/// By worker: the widest of its passes.
std::vector<Bytes> wide_memory(const Program& program) {
  std::vector<Bytes> widest(program.workers().size());
  for (const StepWork& work : program.works()) {
    if (!is_pass(work.kind)) continue;
    const Segment& segment = program.segment(work.segment);
    Bytes& most = widest[index_of(work.worker)];
    for (const PassItem& item : parts_of(segment, work.kind).at(work.part).items)
      most = std::max(most, wide_bytes(segment, program.local(work.segment).model, item));
  }
  return widest;
}

}  // namespace

Bytes memory_needed(const Program& program) {
  const MemoryScript script(program);
  std::vector<BlockCount> workers(program.workers().size());
  const auto change = [&](BufferId id, bool frees) {
    const BufferSpec& spec = program.spec(id);
    workers[index_of(spec.worker)].change(spec.bytes, frees);
  };
  for (std::uint32_t i = 0; i < program.buffers().size(); ++i)
    if (program.buffers()[i].allocated_by == kNone<StepId>) change(static_cast<BufferId>(i), false);
  for (std::uint32_t i = 0; i < program.step_count(); ++i)
    for (const Moment moment : {Moment::start, Moment::end})
      for (const MemoryAction action : script.at(static_cast<StepId>(i), moment)) change(action.id(), action.frees);
  Bytes sum;
  for (const BlockCount& worker : workers) sum += worker.held();
  for (const Bytes& wide : wide_memory(program)) sum += wide;
  return sum;
}

}  // namespace tandem
