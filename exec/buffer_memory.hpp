#pragma once
// The buffers of all workers: each walks the memory script along its compute stream, in its own two arenas, one for the
// device and one for the host.

#include <deque>
#include <optional>
#include <vector>

#include "exec/arena.hpp"
#include "plan/memory_script.hpp"
#include "plan/program.hpp"

namespace tandem {

class BufferMemory {
 public:
  /// `device_memory`: the most that any worker's arena of the device may hold.
  explicit BufferMemory(const Program& program, std::optional<Bytes> device_memory = {});

  /// Allocates the worker's persistent buffers, all zero, and goes once through an iteration's allocations, so that
  /// every block is there and touched. Throws std::bad_alloc.
  void prepare(WorkerId worker);

  /// Does what the script says at that moment of a compute step, and calls `log(bytes, class)` for each action, below
  /// zero for a buffer freed. On the worker's compute thread.
  template <class Log>
  void apply(StepId step, Moment moment, Log&& log);

  /// Null while the buffer is not allocated. Whoever asks is ordered after the allocation by the Program's edges.
  std::byte* at(BufferId buffer) const { return pointers_[index_of(buffer)]; }
  /// The total is the device's.
  MemoryPeak peak(WorkerId worker) const;
  const std::vector<BufferId>& persistent(WorkerId worker) const { return persistent_[index_of(worker)]; }
  /// Actions of the worker in one iteration.
  std::size_t action_count(WorkerId worker) const;

  void start_iteration(WorkerId worker);
  /// Throws InvariantError when the worker holds more or less than its persistent buffers.
  void end_iteration(WorkerId worker) const;

 private:
  void act(MemoryAction action);
  Arena& arena_of(const BufferSpec& spec) {
    return (on_device(spec.kind) ? arenas_ : host_arenas_)[index_of(spec.worker)];
  }

  const Program& program_;
  MemoryScript script_;
  std::vector<std::byte*> pointers_;             ///< by BufferId
  std::vector<std::vector<BufferId>> persistent_;  ///< by WorkerId
  std::deque<Arena> arenas_, host_arenas_;       ///< by WorkerId
};

template <class Log>
void BufferMemory::apply(StepId step, Moment moment, Log&& log) {
  for (const MemoryAction action : script_.at(step, moment)) {
    act(action);
    const BufferSpec& spec = program_.spec(action.id());
    log(Bytes{action.frees ? -spec.bytes.count : spec.bytes.count}, spec.kind);
  }
}

}  // namespace tandem
