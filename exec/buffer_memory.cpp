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

BufferMemory::BufferMemory(const Program& program, std::optional<Bytes> device_memory)
    : program_(program), script_(program), pointers_(program.buffers().size(), nullptr),
      persistent_(program.workers().size()), arenas_(program.workers().size()),
      host_arenas_(program.workers().size()) {
  if (device_memory)
    for (Arena& arena : arenas_) arena.limit(*device_memory);
  for (std::uint32_t i = 0; i < program.buffers().size(); ++i) {
    const auto id = static_cast<BufferId>(i);
    const Buffer& buffer = program.buffers()[i];
    invariant((buffer.allocated_by == kNone<StepId>) == (buffer.freed_by == kNone<StepId>),
              "a buffer that is allocated is freed");
    if (buffer.allocated_by == kNone<StepId>) persistent_[index_of(program.spec(id).worker)].push_back(id);
  }
}

void BufferMemory::prepare(WorkerId worker) {
  for (const BufferId id : persistent_[index_of(worker)]) {
    const BufferSpec& spec = program_.spec(id);
    pointers_[index_of(id)] = arena_of(spec).allocate(spec.bytes, spec.kind);
  }
  const Stream& stream = compute_stream(program_, worker);
  for (std::uint32_t i = 0; i < stream.count; ++i)
    for (const Moment moment : {Moment::start, Moment::end})
      for (const MemoryAction action : script_.at(step_at(stream, i), moment)) act(action);
  end_iteration(worker);
}

void BufferMemory::act(MemoryAction action) {
  const BufferSpec& spec = program_.spec(action.id());
  Arena& arena = arena_of(spec);
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

void BufferMemory::start_iteration(WorkerId worker) {
  for (std::deque<Arena>* arenas : {&arenas_, &host_arenas_}) (*arenas)[index_of(worker)].restart_peak();
}

MemoryPeak BufferMemory::peak(WorkerId worker) const {
  constexpr auto kHost = static_cast<std::size_t>(BufferClass::host);
  MemoryPeak peak = arenas_[index_of(worker)].peak();
  peak.by_class[kHost] = host_arenas_[index_of(worker)].peak().by_class[kHost];
  return peak;
}

void BufferMemory::end_iteration(WorkerId worker) const {
  Bytes expected;
  for (const BufferId id : persistent_[index_of(worker)]) expected += program_.spec(id).bytes;
  const Bytes live = arenas_[index_of(worker)].live() + host_arenas_[index_of(worker)].live();
  invariant(live == expected, "an iteration frees all that it allocates");
}

}  // namespace tandem
