#pragma once
// A Program and its prices written down together, a line per step, with the times in picoseconds.

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "plan/prices.hpp"
#include "plan/program_builder.hpp"
#include "plan/timeline.hpp"

namespace tandem::test {

/// What is ridden.
struct Ride {
  Program program;
  Prices prices;
};

struct MessageTimes {
  std::int64_t latency = 0, transfer = 0;
  std::uint32_t link = kExclusive;   ///< of Scenario::link()
  std::uint32_t cores = kExclusive;  ///< of Scenario::cores(): a thread moves it
};

class Scenario {
 public:
  WorkerId worker(std::uint32_t cores = kExclusive, bool forbids_overlap = false) {
    const auto rank = static_cast<std::uint32_t>(prices_.worker_resource.size());
    prices_.worker_resource.push_back(cores);
    prices_.worker_forbids_overlap.push_back(forbids_overlap);
    return builder_.add_worker("worker " + std::to_string(rank), rank, static_cast<DeviceId>(rank));
  }
  std::uint32_t cores(std::int64_t count, std::vector<double> slowdown = {}) {
    prices_.resources.push_back({"cores", count, std::move(slowdown)});
    return static_cast<std::uint32_t>(prices_.resources.size() - 1);
  }
  /// Of a byte a picosecond.
  std::uint32_t link() {
    prices_.link_bytes_per_second.push_back(1e12);
    return static_cast<std::uint32_t>(prices_.link_bytes_per_second.size() - 1);
  }
  StepId compute(WorkerId worker, std::int64_t time, StepKind kind = StepKind::forward) {
    prices_.works.push_back({{time}, CostSource::roofline});
    return builder_.add_compute(builder_.add_work({kind, worker, SegmentId{}}), 0);
  }
  /// A message on a channel of its own, or on one that channel() has made.
  MessageId message(WorkerId from, WorkerId to, MessageTimes times, StreamKind stream = StreamKind::send_forward) {
    return message(channel(from, to, times, stream));
  }
  MessageId message(ChannelId channel) { return builder_.add_message(channel, 0); }
  ChannelId channel(WorkerId from, WorkerId to, MessageTimes times, StreamKind stream = StreamKind::send_forward) {
    const auto route = static_cast<std::uint32_t>(prices_.routes.size());
    const auto first_link = static_cast<std::uint32_t>(prices_.route_links.size());
    const bool has_link = times.link != kExclusive;
    if (has_link) prices_.route_links.push_back(times.link);
    prices_.routes.push_back({{times.latency}, has_link ? 1e12 : 1e9, times.cores, first_link, has_link ? 1u : 0u});
    prices_.channels.push_back({route, {times.transfer}});
    return builder_.add_channel({from, to, {has_link ? times.transfer : 64}, BufferContent::outbox, stream});
  }
  void after(StepId step, StepId earlier) { builder_.add_after(step, earlier); }
  void send_after(MessageId message, StepId earlier) { after(builder_.send_of(message), earlier); }
  void receive_after(MessageId message, StepId earlier) { after(builder_.receive_of(message), earlier); }
  void after_receive(StepId step, MessageId message) { after(step, builder_.receive_of(message)); }
  ProgramBuilder& builder() { return builder_; }
  Prices& prices() { return prices_; }

  Ride finish(std::uint32_t micro_batches = 1) {
    return {std::move(builder_).finish(micro_batches), std::move(prices_)};
  }

 private:
  ProgramBuilder builder_;
  Prices prices_;
};

using Times = std::pair<std::int64_t, std::int64_t>;  ///< start and end

inline Times times_of(const Timeline& timeline, StepId step) {
  const Span& span = timeline.spans[index_of(step)];
  return {span.start.count, span.end.count};
}

/// The spans of the worker's compute steps, in order.
inline std::vector<Times> compute_times(const Ride& ride, const Timeline& timeline, WorkerId worker) {
  const Stream& stream = ride.program.stream(ride.program.workers()[index_of(worker)].compute);
  std::vector<Times> times;
  for (std::uint32_t i = 0; i < stream.count; ++i)
    times.push_back(times_of(timeline, static_cast<StepId>(index_of(stream.first) + i)));
  return times;
}

inline Times message_times(const Ride& ride, const Timeline& timeline, MessageId message) {
  return times_of(timeline, ride.program.messages()[index_of(message)].send);
}

}  // namespace tandem::test
