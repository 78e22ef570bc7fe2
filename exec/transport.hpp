#pragma once
// A transport moves messages: between threads of this process, or within one thread.

#include <cstddef>
#include <memory>
#include <vector>

#include "exec/pacer.hpp"
#include "plan/program.hpp"

namespace tandem {

/// When both ends of a message were ready, and when its bytes had arrived.
struct Transfer {
  Instant ready, done;
};

/// Messages of one channel move in order, one at a time; those of different channels are independent.
class Transport {
 public:
  virtual ~Transport() = default;
  /// Blocks until the bytes may be overwritten. Throws Stopped.
  virtual Transfer send(MessageId message, const std::byte* payload) = 0;
  /// Blocks until the bytes are there. Throws Stopped.
  virtual Transfer receive(MessageId message, std::byte* payload) = 0;
};

/// Rendezvous: the sender shows where its bytes lie, the receiver's thread copies them. Holds no byte itself.
class ThreadTransport : public Transport {
 public:
  ThreadTransport(const Program& program, const Pacer& pacer, StopControl& control);
  Transfer send(MessageId message, const std::byte* payload) override;
  Transfer receive(MessageId message, std::byte* payload) override;

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
  std::vector<Meeting> meetings_;  ///< by ChannelId
};

/// Both ends on one thread, one directly after the other: the second one copies, and its transfer is that of both.
class LocalTransport : public Transport {
 public:
  LocalTransport(const Program& program, const Pacer& pacer) : program_(program), pacer_(pacer) {}
  Transfer send(MessageId message, const std::byte* payload) override;
  Transfer receive(MessageId message, std::byte* payload) override;

 private:
  Transfer meet(MessageId message);

  const Program& program_;
  const Pacer& pacer_;
  const std::byte* from_ = nullptr;
  std::byte* to_ = nullptr;
};

}  // namespace tandem
