// What the host's cores update has come whole from the device and goes back to it: gradients that stay on the device leave
// after the last step that changes them, the host's step waits for them, and what it writes comes to weights that stay there
// after the last step that reads them.

#include <fmt/format.h>

#include "plan/precedence.hpp"
#include "plan/touched_ranges.hpp"
#include "plan/verify_parts.hpp"

namespace tandem {
namespace {

class HostUpdateCheck {
 public:
  explicit HostUpdateCheck(const Program& program)
      : program_(program), precedence_(program), copies_(program.buffers().size()), users_(program.buffers().size()) {
    for (std::uint32_t i = 0; i < program.step_count(); ++i) {
      const auto step = static_cast<StepId>(i);
      auto& table = is_copy(program.step(step).kind) ? copies_ : users_;
      for (const BufferUse use : program.uses(step)) table[use.buffer].push_back(step);
    }
  }

  void run() const {
    for (std::uint32_t i = 0; i < program_.buffers().size(); ++i) {
      const auto id = static_cast<BufferId>(i);
      if (!stays(id) || !on_device(program_.spec(id).kind)) continue;
      for (const StepId copy : copies_[i]) check_neighbours(id, copy);
    }
    for (const Stream& stream : program_.streams())
      for (std::uint32_t i = 0; stream.kind == StreamKind::host && i < stream.count; ++i)
        check_step(static_cast<StepId>(index_of(stream.first) + i));
  }

 private:
  bool stays(BufferId id) const { return program_.buffers()[index_of(id)].allocated_by == kNone<StepId>; }
  Access access_to(BufferId id, StepId step) const {
    for (const BufferUse use : program_.uses(step))
      if (use.id() == id) return use.mode();
    return Access::read;
  }
  /// All that changes what a copy takes away comes before it; so does all but collectives that reads what a copy changes.
  void check_neighbours(BufferId id, StepId copy) const {
    const bool leaves = program_.step(copy).kind == StepKind::copy_out;
    for (const StepId user : users_[index_of(id)]) {
      if (leaves ? access_to(id, user) == Access::read : program_.step(user).kind == StepKind::collective) continue;
      if (precedence_.before(user, copy)) continue;
      if (!overlap(touched_ranges(program_, user, id), touched_ranges(program_, copy, id))) continue;
      refuse_program(fmt::format("{} {}: {}", leaves ? "is changed after it has left by" : "is read after it is changed by",
                                 program_.describe(copy), program_.describe(user)));
    }
  }
  void check_step(StepId step) const {
    for (const BufferUse use : program_.uses(step)) {
      if (on_device(program_.spec(use.id()).kind))
        refuse_program(fmt::format("the host computes with what is on the device: {}", program_.describe(step)));
      bool comes = use.mode() != Access::read, goes = true;
      for (const StepId copy : copies_[use.buffer]) {
        const bool leaves = program_.step(copy).kind == StepKind::copy_out;
        if (leaves) comes = comes || precedence_.before(copy, step);
        else if (stays(program_.copy_end(copy, Access::write))) goes = precedence_.before(step, copy);
      }
      if (!comes) refuse_program(fmt::format("what the host reads has not come: {}", program_.describe(step)));
      if (!goes) refuse_program(fmt::format("what the host writes does not go back: {}", program_.describe(step)));
    }
  }

  const Program& program_;
  const Precedence precedence_;
  std::vector<std::vector<StepId>> copies_, users_;  ///< by BufferId
};

}  // namespace

void check_host_updates(const Program& program) {
  for (const Stream& stream : program.streams())
    if (stream.kind == StreamKind::host) return HostUpdateCheck(program).run();
}

}  // namespace tandem
