#include "sim/simulate.hpp"
#include "tests/catch.hpp"
#include "tests/sim/pipeline.hpp"

using namespace tandem;
using namespace tandem::test;

namespace {

constexpr std::int64_t kForward = 1'000'003, kBackward = 2'000'017;  // primes, so that no wrong sum fits

struct Measured {
  std::int64_t makespan, busy;  ///< busy: of each stage, if equal
};

Measured measure(const Ride& ride) {
  const Timeline timeline = simulate(ride.program, ride.prices);
  Measured measured{timeline.makespan().count, -1};
  for (std::uint32_t i = 0; i < ride.program.workers().size(); ++i) {
    std::int64_t busy = 0;
    for (const auto& [start, end] : compute_times(ride, timeline, static_cast<WorkerId>(i))) busy += end - start;
    measured.busy = busy;
  }
  return measured;
}

Measured measure_equal_stages(const std::string& schedule, std::int64_t p, std::int64_t m) {
  const std::vector<StageTimes> stages(static_cast<std::size_t>(p), {kForward, kBackward});
  return measure(build_pipeline({schedule, static_cast<std::uint32_t>(m), stages}));
}

}  // namespace

TEST_CASE("sequential takes m p (f+b), and idles (p-1)/p of it") {
  for (const std::int64_t p : {1, 2, 3, 4, 8, 16}) {
    for (const std::int64_t m : {1, 2, 5, 8, 32}) {
      const Measured measured = measure_equal_stages("sequential", p, m);

      CHECK(measured.makespan == m * p * (kForward + kBackward));
      CHECK((measured.makespan - measured.busy) * p == (p - 1) * measured.makespan);
    }
  }
}

TEST_CASE("GPipe and 1F1B take (m+p-1)(f+b), and idle (p-1)/(m+p-1) of it") {
  for (const std::string schedule : {"gpipe", "1f1b"}) {
    for (const std::int64_t p : {1, 2, 3, 4, 8, 16}) {
      for (const std::int64_t m : {1, 2, 3, 5, 8, 16, 33}) {
        const Measured measured = measure_equal_stages(schedule, p, m);

        CHECK(measured.makespan == (m + p - 1) * (kForward + kBackward));
        CHECK((measured.makespan - measured.busy) * (m + p - 1) == (p - 1) * measured.makespan);
      }
    }
  }
}

TEST_CASE("with unequal stages GPipe takes the longest path through its grid") {
  const std::vector<StageTimes> stages{{30, 70}, {55, 20}, {10, 95}, {40, 41}};
  const std::size_t p = stages.size(), m = 7;
  std::vector<std::vector<std::int64_t>> end(p, std::vector<std::int64_t>(2 * m, 0));  // ends by stage and column
  for (std::size_t j = 0; j < m; ++j) {
    for (std::size_t s = 0; s < p; ++s) {
      const std::int64_t left = j > 0 ? end[s][j - 1] : 0, above = s > 0 ? end[s - 1][j] : 0;
      end[s][j] = std::max(left, above) + stages[s].forward;
    }
  }
  for (std::size_t j = m; j < 2 * m; ++j) {
    for (std::size_t s = p; s-- > 0;) {
      const std::int64_t below = s + 1 < p ? end[s + 1][j] : 0;
      end[s][j] = std::max(end[s][j - 1], below) + stages[s].backward;
    }
  }

  const Ride ride = build_pipeline({"gpipe", 7, stages});

  CHECK(measure(ride).makespan == end[0][2 * m - 1]);
}

TEST_CASE("with unequal stages 1F1B settles at the pace of the slowest") {
  const std::vector<StageTimes> stages{{30, 70}, {55, 60}, {10, 95}, {40, 41}};  // slowest: 115

  const std::int64_t shorter = measure(build_pipeline({"1f1b", 40, stages})).makespan;
  const std::int64_t longer = measure(build_pipeline({"1f1b", 140, stages})).makespan;

  CHECK(longer - shorter == 100 * 115);
}

TEST_CASE("a message's time on each cut is paid once per fill and once per drain when the last stage is the slowest") {
  const std::vector<StageTimes> stages{{5, 5}, {5, 5}, {100, 100}};
  const Pipeline pipeline{"gpipe", 6, stages, {3, 7}};

  // 2 cuts each way of 3 + 7; stages 0 and 1 once forward and once backward; the last without pause
  CHECK(measure(build_pipeline(pipeline)).makespan == 4 * 10 + 2 * 10 + 6 * 200);
}
