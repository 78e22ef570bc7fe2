#pragma once
// The ends of flows: events that move when rates change.

#include <cstdint>
#include <limits>
#include <vector>

#include "sim/event_queue.hpp"

namespace tandem {

/// A radix heap holds one entry per flow, at its end or before it: an end that moves later leaves its entry where it
/// is, and the entry follows once it comes up; an end that moves earlier gets a second entry, and the first one is
/// dropped when it comes up. Ends before the heap's own now, which has run ahead to the earliest, wait in a small
/// binary heap.
class FlowEnds {
 public:
  static constexpr std::int64_t kNever = std::numeric_limits<std::int64_t>::max();

  /// The end of `flow` is `end`, whatever it was before.
  void set(std::uint32_t flow, std::int64_t end);
  /// The earliest end; kNever without any.
  std::int64_t earliest();
  /// Appends the flows that end at `at`, which is earliest(), by id, and forgets them.
  void take(std::int64_t at, std::vector<std::uint32_t>& finished);

 private:
  struct Flow {
    std::int64_t end = kNever;
    std::int64_t queued = kNever;  ///< of its one entry that counts
  };

  bool holds(const Event& entry) const;
  void push(std::uint32_t flow, std::int64_t time);
  void follow(const Event& entry);
  void finish(const Event& entry, std::vector<std::uint32_t>& finished);
  Event pop_early();

  std::vector<Flow> flows_;
  EventQueue queue_;
  std::vector<Event> batch_;  ///< the queue's earliest instant
  std::vector<Event> early_;  ///< a heap of those up to the queue's now
};

}  // namespace tandem
