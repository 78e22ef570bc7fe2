#include "exec/buffer_memory.hpp"

#include <cstring>

#include "base/error.hpp"

namespace tandem {
namespace {

const Stream& compute_stream(const Program& program, WorkerId worker) {
  return program.stream(program.workers()[index_of(worker)].compute);
}

StepId step_at(const Stream& stream, std::uint32_t place) {
  return static_cast<StepId>(index_of(stream.first) + place);
}

}  // namespace

BufferMemory::BufferMemory(const Program& program)
    : program_(program), script_(program), pointers_(program.buffers().size(), nullptr),
      persistent_(program.workers().size()), arenas_(program.workers().size()) {
  for (std::uint32_t i = 0; i < program.buffers().size(); ++i) {
    const auto id = static_cast<BufferId>(i);
    const Buffer& buffer = program.buffers()[i];
    invariant((buffer.allocated_by == kNone<StepId>) == (buffer.freed_by == kNone<StepId>),
              "a buffer that is allocated is freed");
    if (buffer.allocated_by == kNone<StepId>) persistent_[index_of(program.spec(id).worker)].push_back(id);
  }
}

void BufferMemory::prepare(WorkerId worker) {
  Arena& arena = arenas_[index_of(worker)];
  for (const BufferId id : persistent_[index_of(worker)]) {
    const BufferSpec& spec = program_.spec(id);
    pointers_[index_of(id)] = arena.allocate(spec.bytes, spec.kind);
  }
  const Stream& stream = compute_stream(program_, worker);
  for (std::uint32_t i = 0; i < stream.count; ++i)
    for (const Moment moment : {Moment::start, Moment::end})
      for (const MemoryAction action : script_.at(step_at(stream, i), moment)) act(action);
  end_iteration(worker);
}

void BufferMemory::act(MemoryAction action) {
  const BufferSpec& spec = program_.spec(action.id());
  Arena& arena = arenas_[index_of(spec.worker)];
  std::byte*& pointer = pointers_[index_of(action.id())];
  if (action.frees) {
    arena.release(std::exchange(pointer, nullptr));
  } else {
    invariant(pointer == nullptr, "a buffer is allocated once");
    pointer = arena.allocate(spec.bytes, spec.kind);
  }
}

std::size_t BufferMemory::action_count(WorkerId worker) const {
  const Stream& stream = compute_stream(program_, worker);
  std::size_t count = 0;
  for (std::uint32_t i = 0; i < stream.count; ++i)
    for (const Moment moment : {Moment::start, Moment::end}) count += script_.at(step_at(stream, i), moment).size();
  return count;
}

void BufferMemory::end_iteration(WorkerId worker) const {
  Bytes expected;
  for (const BufferId id : persistent_[index_of(worker)]) expected += program_.spec(id).bytes;
  invariant(arenas_[index_of(worker)].live() == expected, "an iteration frees all that it allocates");
}

}  // namespace tandem
