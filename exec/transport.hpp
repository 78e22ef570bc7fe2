#pragma once
// A transport moves messages and runs collectives: between threads of this process, or within one thread.

#include <cstddef>
#include <deque>
#include <vector>

#include "exec/collective_meeting.hpp"
#include "exec/pacer.hpp"
#include "plan/program.hpp"

namespace tandem {

/// Messages of one channel move in order, one at a time; those of different channels are independent.
class Transport {
 public:
  virtual ~Transport() = default;
  /// Blocks until the bytes may be overwritten. Throws Stopped.
  virtual Transfer send(MessageId message, const std::byte* payload) = 0;
  /// Blocks until the bytes are there. Throws Stopped.
  virtual Transfer receive(MessageId message, std::byte* payload) = 0;
  /// One member's part of a collective; its vector is the one of this step. Blocks until the member's last round is
  /// over, except where all members run on one thread. Throws Stopped.
  virtual Transfer collective(StepId step, std::byte* vector) = 0;
};

/// Rendezvous: the sender shows where its bytes lie, the receiver's thread copies or adds them. Holds no byte itself.
class ThreadTransport : public Transport {
 public:
  ThreadTransport(const Program& program, const Pacer& pacer, StopControl& control);
  Transfer send(MessageId message, const std::byte* payload) override;
  Transfer receive(MessageId message, std::byte* payload) override;
  Transfer collective(StepId step, std::byte* vector) override;

 private:
  struct Meeting {
    Signal offered, taken;
    std::uint32_t sent = 0;               ///< of the sender's thread
    const std::byte* payload = nullptr;   ///< of the sender until offered, then of the receiver until taken
    Instant offered_at;
    Transfer transfer;
    alignas(64) std::uint32_t received = 0;  ///< of the receiver's thread
  };
  Meeting& meeting_of(MessageId message);

  const Program& program_;
  const Pacer& pacer_;
  StopControl& control_;
  std::vector<Meeting> meetings_;                ///< by ChannelId
  std::deque<CollectiveMeeting> collectives_;    ///< by CollectiveSpecId
};

/// Both ends, or all members, on one thread, one directly after the other: the last one moves all the bytes, and its
/// transfer is that of all.
class LocalTransport : public Transport {
 public:
  LocalTransport(const Program& program, const Pacer& pacer) : program_(program), pacer_(pacer) {}
  Transfer send(MessageId message, const std::byte* payload) override;
  Transfer receive(MessageId message, std::byte* payload) override;
  Transfer collective(StepId step, std::byte* vector) override;

 private:
  Transfer meet(MessageId message);

  const Program& program_;
  const Pacer& pacer_;
  const std::byte* from_ = nullptr;
  std::byte* to_ = nullptr;
  std::vector<std::byte*> vectors_;  ///< of the members that have come, by rank
  std::size_t missing_ = 0;      ///< members that have not
};

}  // namespace tandem
