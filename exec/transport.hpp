#pragma once
// A transport runs collectives: between threads of this process, or within one thread.

#include <cstddef>
#include <deque>
#include <vector>

#include "exec/collective_meeting.hpp"
#include "exec/pacer.hpp"
#include "plan/program.hpp"

namespace tandem {

class Transport {
 public:
  virtual ~Transport() = default;
  /// One member's part of a collective; its vector is the one of this step. Blocks until the member's last round is
  /// over, except where all members run on one thread. Throws Stopped.
  virtual Transfer collective(StepId step, std::byte* vector) = 0;
};

/// Each member on a thread of its own. Holds no byte itself.
class ThreadTransport : public Transport {
 public:
  ThreadTransport(const Program& program, const Pacer& pacer, StopControl& control);
  Transfer collective(StepId step, std::byte* vector) override;

 private:
  const Program& program_;
  const Pacer& pacer_;
  std::deque<CollectiveMeeting> collectives_;    ///< by CollectiveSpecId
};

/// All members on one thread, one directly after the other: the last one moves all the bytes, and its transfer is that
/// of all.
class LocalTransport : public Transport {
 public:
  LocalTransport(const Program& program, const Pacer& pacer) : program_(program), pacer_(pacer) {}
  Transfer collective(StepId step, std::byte* vector) override;

 private:
  const Program& program_;
  const Pacer& pacer_;
  std::vector<std::byte*> vectors_;  ///< of the members that have come, by rank
  std::size_t missing_ = 0;      ///< members that have not
};

}  // namespace tandem
