#pragma once
// Random pipelines with random times, for properties that hold for any timeline, even one that no ride returns.

#include <rapidcheck.h>

#include "tests/timeline/pipeline.hpp"

namespace tandem {

struct RandomRide {
  Program program;
  Timeline timeline;
};

/// A small pipeline whose spans are anything with start <= end: out of order, overlapping, empty.
inline RandomRide random_ride() {
  const auto stages = *rc::gen::inRange<std::uint32_t>(1, 5);
  const auto micro_batches = *rc::gen::inRange<std::uint32_t>(1, 13);
  RandomRide ride{gpipe_program(stages, micro_batches), {}};
  ride.timeline = tandem::ride(ride.program, kWorkedTimes);
  const auto longest = *rc::gen::element<std::int64_t>(3, 1'000, 1'000'000'000, 1'000'000'000'000'000);
  for (Span& span : ride.timeline.spans) {
    span.start.count = *rc::gen::inRange<std::int64_t>(0, longest);
    span.end.count = span.start.count + *rc::gen::inRange<std::int64_t>(0, longest);
  }
  return ride;
}

}  // namespace tandem
