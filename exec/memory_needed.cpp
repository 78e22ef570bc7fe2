// What the arenas will hold, found by walking the memory script without memory.

#include <algorithm>
#include <map>

#include "exec/arena.hpp"
#include "exec/run.hpp"
#include "plan/memory_script.hpp"

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
  return sum;
}

}  // namespace tandem
