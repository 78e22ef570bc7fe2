#include "timeline/compare.hpp"

#include <vector>

#include "base/error.hpp"
#include "tests/catch.hpp"
#include "tests/timeline/pipeline.hpp"

using namespace tandem;
using Catch::Contains;

TEST_CASE("a run that did what was predicted agrees in everything") {
  const Program program = gpipe_program(2, 2);
  const Timeline timeline = ride(program, kWorkedTimes);

  const Comparison result = compare(program, timeline, std::vector{timeline, timeline});

  CHECK(result.order.identical);
  CHECK(result.edges.violated == 0);
  CHECK(result.memory.identical);
  CHECK(result.iteration.error == 0);
  CHECK(result.iteration.iterations == 2);
  CHECK(result.steps.count == 10);    // 2 x (2 F, 2 B, update)
  CHECK(result.messages.count == 4);
  CHECK(result.steps.median == 0);
  CHECK(result.steps.bias == 0);
  CHECK(result.bubble[1].predicted == result.bubble[1].measured);
  CHECK_FALSE(result.cpu);
}

TEST_CASE("a swapped pair of steps is found, named and placed") {
  const Program program = gpipe_program(2, 2);
  const Timeline predicted = ride(program, kWorkedTimes);
  Timeline swapped = predicted;

  std::swap(swapped.order[11], swapped.order[12]);  // B0 and B1 of stage 1
  const OrderComparison result = compare_order(program, predicted, std::vector{predicted, swapped});

  CHECK_FALSE(result.identical);
  CHECK_THAT(result.difference, Contains("run 2") && Contains("compute stream, as step 3 of 5"));
  CHECK_THAT(result.difference, Contains("predicted " + program.describe(StepId{11})));
  CHECK_THAT(result.difference, Contains("measured " + program.describe(StepId{12})));
}

TEST_CASE("a run with a step missing does not have the same order") {
  const Program program = gpipe_program(2, 2);
  const Timeline predicted = ride(program, kWorkedTimes);
  Timeline shorter = predicted;

  shorter.order.pop_back();
  const OrderComparison result = compare_order(program, predicted, std::vector{shorter});

  CHECK_FALSE(result.identical);
  CHECK_THAT(result.difference, Contains("17 steps instead of 18"));
}

TEST_CASE("one byte more in one class of one worker in one run is seen") {
  const Program program = gpipe_program(2, 2);
  const Timeline predicted = ride(program, kWorkedTimes);
  Timeline fatter = predicted;

  fatter.peaks[1].by_class[static_cast<std::size_t>(BufferClass::stash)].count += 1;
  const MemoryComparison result = compare_memory(predicted, std::vector{predicted, fatter});

  CHECK_FALSE(result.identical);
  CHECK(result.workers[0].identical);
  CHECK_FALSE(result.workers[1].identical);
  CHECK(result.workers[1].predicted == predicted.peaks[1]);
  CHECK(result.workers[1].measured == fatter.peaks[1]);
}

TEST_CASE("equal classes with another sum are not the same memory") {
  const Program program = gpipe_program(2, 2);
  const Timeline predicted = ride(program, kWorkedTimes);
  Timeline other = predicted;

  other.peaks[0].total.count -= 1;

  CHECK_FALSE(compare_memory(predicted, std::vector{other}).identical);
}

TEST_CASE("a step that began before its input had arrived violates an edge") {
  const Program program = gpipe_program(2, 2);
  Timeline run = ride(program, kWorkedTimes);

  run.spans[9].start = run.spans[14].end - Picoseconds{1};  // F0 of stage 1, its activations
  const EdgeComparison result = compare_edges(program, std::vector{run});

  CHECK(result.violated == 1);
  const std::string later = program.describe(StepId{9}), earlier = program.describe(StepId{14});
  CHECK(result.first == "run 1: " + later + " began before " + earlier + " ended");
}

TEST_CASE("two steps of one stream that overlap violate its order") {
  const Program program = gpipe_program(1, 1);
  Timeline run = ride(program, kWorkedTimes);

  run.spans[1].start = run.spans[0].start;  // B with F

  CHECK(compare_edges(program, std::vector{run}).violated == 1);
}

TEST_CASE("a message that arrived before it left is a violation") {
  const Program program = gpipe_program(2, 1);  // stage 0: F 0, B 1, update 2, send 3, receive 4; stage 1: 5, 6, 7, ...
  Timeline run = ride(program, kWorkedTimes);
  const Message& message = program.messages()[0];

  run.spans[index_of(message.send)].start = run.spans[index_of(message.receive)].end + Picoseconds{1};
  run.spans[index_of(message.send)].end = run.spans[index_of(message.send)].start;

  CHECK(compare_edges(program, std::vector{run}).violated == 1);
}

TEST_CASE("the iteration's error is signed, against the median of the runs, beside their spread") {
  const Program program = gpipe_program(2, 2);
  const Timeline predicted = ride(program, kWorkedTimes);
  const std::vector<Timeline> runs{stretched(predicted, 2), stretched(predicted, 1), stretched(predicted, 4)};

  const IterationComparison result = compare(program, predicted, runs).iteration;

  CHECK(result.predicted.value == Approx(21e-6));
  CHECK(result.measured.median == Approx(42e-6));
  CHECK(result.measured.p10 == Approx(25.2e-6));  // h = 0.2 between 21 and 42
  CHECK(result.measured.p90 == Approx(75.6e-6));  // h = 1.8 between 42 and 84
  CHECK(result.error == Approx(-0.5));
}

TEST_CASE("a step's error is taken at its median over the runs") {
  const Program program = gpipe_program(1, 1);  // F 2, B 4, update 1 us
  const Timeline predicted = ride(program, kWorkedTimes);
  Timeline slow = predicted, disturbed = predicted;
  slow.spans[0].end = slow.spans[0].start + microseconds(1);            // F twice as fast: error 2/1 - 1 = 1
  disturbed.spans[0].end = disturbed.spans[0].start + microseconds(1);
  disturbed.spans[1].end = disturbed.spans[1].start + microseconds(400);  // one run's burst must not count

  const StepErrors result = compare(program, predicted, std::vector{slow, disturbed, slow}).steps;

  CHECK(result.count == 3);
  CHECK(result.median == 0);                 // of 1, 0, 0
  CHECK(result.p95 == Approx(0.9));          // h = 1.9 between 0 and 1
  CHECK(result.bias == Approx(7.0 / 6 - 1)); // 2 + 4 + 1 against 1 + 4 + 1
}

TEST_CASE("a step that no clock saw take time is left out of the errors, not out of the bias") {
  const Program program = gpipe_program(1, 1);  // F 2, B 4, update 1 us
  const Timeline predicted = ride(program, kWorkedTimes);
  Timeline run = predicted;

  run.spans[2].end = run.spans[2].start;
  const StepErrors result = compare(program, predicted, std::vector{run}).steps;

  CHECK(result.count == 2);
  CHECK(result.p95 == 0);
  CHECK(result.bias == Approx(7.0 / 6 - 1));
}

TEST_CASE("a message's error is taken where it was received") {
  const Program program = gpipe_program(2, 1);
  const Timeline predicted = ride(program, kWorkedTimes);  // messages of 1 us
  Timeline run = predicted;

  for (const Message& message : program.messages()) run.spans[index_of(message.receive)].end += microseconds(3);
  const StepErrors result = compare(program, predicted, std::vector{run}).messages;

  CHECK(result.count == 2);
  CHECK(result.median == Approx(0.75));  // 1 against 4
}

TEST_CASE("thread CPU time is compared apart, with its share of the wall time") {
  const Program program = gpipe_program(1, 1);
  const Timeline predicted = ride(program, kWorkedTimes);
  Timeline run = stretched(predicted, 2);  // F 4, B 8, update 2 us of wall time

  run.cpu_time = {microseconds(2), microseconds(4), microseconds(1)};
  const Comparison result = compare(program, predicted, std::vector{run});

  REQUIRE(result.cpu);
  CHECK(result.cpu->median == 0);
  CHECK(result.steps.median == Approx(0.5));
  CHECK(*result.cpu_share == Approx(0.5));
  CHECK(result.works[1].measured.value == Approx(8e-6));
  CHECK(result.works[1].cpu->value == Approx(4e-6));
}

TEST_CASE("a work's times are medians over its steps") {
  const Program program = gpipe_program(1, 3);
  const Timeline predicted = ride(program, kWorkedTimes);
  Timeline run = predicted;

  run.spans[0].end = run.spans[0].start + microseconds(9);  // the first F alone is slow
  const std::vector<WorkTimes> works = compare(program, predicted, std::vector{run}).works;

  CHECK(works[0].steps == 3);
  CHECK(works[0].measured.value == Approx(2e-6));
}

TEST_CASE("there is nothing to compare with no run") {
  const Program program = gpipe_program(1, 1);
  const Timeline predicted = ride(program, kWorkedTimes);

  CHECK_THROWS_AS(compare(program, predicted, {}), InvariantError);
}
