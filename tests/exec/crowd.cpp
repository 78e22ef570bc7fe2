// How a thread waits: it spins while there is a core for it, else it sleeps, and it is counted in either way.

#include <thread>

#include "exec/stop_control.hpp"
#include "tests/catch.hpp"

using namespace tandem;

TEST_CASE("of a crowd only the surplus leaves") {
  Crowd crowd(2);
  crowd.enter(3);

  CHECK(crowd.leave_if_crowded());        // 3 awake on 2 cores
  CHECK_FALSE(crowd.leave_if_crowded());  // 2
  CHECK(crowd.awake() == 2);
}

TEST_CASE("after another process has taken a core nobody spins until the time is over") {
  Crowd crowd(1);
  const Instant start = now();

  crowd.forbid_spinning(start + std::chrono::hours(1));

  CHECK_FALSE(crowd.may_spin(start));
  CHECK(crowd.may_spin(start + std::chrono::hours(1)));
}

TEST_CASE("threads hand over and over, on any number of cores, and are all counted at the end") {
  for (const std::int64_t cores : {0, 1, 2, 64}) {
    constexpr std::uint32_t kThreads = 6, kTurns = 400;
    StopControl control(cores);
    std::vector<Signal> turns(kThreads);  // each thread waits for the one before it
    std::vector<std::jthread> threads;
    for (std::uint32_t t = 0; t < kThreads; ++t)
      threads.emplace_back([&, t] {
        const InCrowd awake(control.crowd());
        for (std::uint32_t turn = 1; turn <= kTurns; ++turn) {
          if (t > 0) turns[t - 1].wait_for(turn, control);
          else if (turn > 1) turns[kThreads - 1].wait_for(turn - 1, control);
          turns[t].advance(control.crowd());
        }
      });
    threads.clear();

    for (const Signal& turn : turns) CHECK(turn.value() == kTurns);
    CHECK(control.crowd().awake() == 0);
  }
}

TEST_CASE("two threads may wait for one signal and both wake") {
  StopControl control(0);
  Signal signal;
  {
    std::vector<std::jthread> waiting;
    for (int i = 0; i < 2; ++i)
      waiting.emplace_back([&] {
        const InCrowd awake(control.crowd());
        for (std::uint32_t count = 1; count <= 300; ++count) signal.wait_for(count, control);
      });
    for (int i = 0; i < 300; ++i) signal.advance(control.crowd());
  }

  CHECK(control.crowd().awake() == 0);
}
