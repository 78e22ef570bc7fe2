#include "timeline/metrics.hpp"

#include "plan/program_builder.hpp"
#include "tests/catch.hpp"
#include "tests/timeline/pipeline.hpp"

using namespace tandem;

namespace {

Picoseconds idle_for(const WorkerMetrics& worker, IdleCause cause) {
  return worker.idle_by_cause[static_cast<std::size_t>(cause)];
}

}  // namespace

TEST_CASE("the worked pipeline's metrics are those worked out by hand") {
  const Program program = gpipe_program(2, 2);
  const Timeline timeline = ride(program, kWorkedTimes);

  const Metrics metrics = measure(program, timeline);

  CHECK(metrics.iteration == microseconds(21));
  const WorkerMetrics& first = metrics.workers[0];
  CHECK(first.busy == microseconds(13));                   // 2 + 2 + 4 + 4 + 1
  CHECK(first.idle == microseconds(8));                    // 4 to 12
  CHECK(first.bubble == Approx(8.0 / 21));
  CHECK(first.own_bubble == Approx(8.0 / 21));             // it starts first and ends last
  CHECK(first.exposed_communication == microseconds(2));   // activations 4-5, gradients 11-12
  CHECK(first.other_idle == microseconds(6));
  CHECK(idle_for(first, IdleCause::backward_input) == microseconds(8));
  const WorkerMetrics& second = metrics.workers[1];
  CHECK(second.busy == microseconds(13));
  CHECK(second.own_bubble == Approx(0).margin(1e-12));     // without a break from 3 to 16
  CHECK(second.exposed_communication == microseconds(1));  // activations 2-3; gradients 15-16 hide behind the update
  CHECK(idle_for(second, IdleCause::start) == microseconds(3));
  CHECK(idle_for(second, IdleCause::drain) == microseconds(5));
}

TEST_CASE("GPipe's bubble fraction is (p-1)/(m+p-1)") {
  using Shape = std::pair<std::uint32_t, std::uint32_t>;
  const auto [stages, micro_batches] = GENERATE(Shape{1, 1}, Shape{1, 5}, Shape{2, 2}, Shape{4, 8}, Shape{8, 3});
  const Program program = gpipe_program(stages, micro_batches);
  const Timeline timeline = ride(program, {microseconds(1), microseconds(2), {}, {}});

  const Metrics metrics = measure(program, timeline);

  CHECK(metrics.iteration == microseconds(3 * (micro_batches + stages - 1)));  // (m+p-1)(f+b)
  for (const WorkerMetrics& worker : metrics.workers)
    CHECK(worker.bubble == Approx((stages - 1.0) / (micro_batches + stages - 1.0)).margin(1e-12));
  CHECK(metrics.bubble == Approx((stages - 1.0) / (micro_batches + stages - 1.0)).margin(1e-12));
}

TEST_CASE("time that nothing explains before a step is charged to neither input nor sends") {
  const Program program = gpipe_program(2, 2);
  Timeline timeline = ride(program, kWorkedTimes);

  timeline.spans[2].start = microseconds(14);  // B0 of stage 0: its input was there at 12, it took 2 more to wake up
  const WorkerMetrics worker = measure(program, timeline).workers[0];

  CHECK(idle_for(worker, IdleCause::backward_input) == microseconds(8));
  CHECK(idle_for(worker, IdleCause::other) == microseconds(2));
}

TEST_CASE("a step that waits for activations is idle for its forward input") {
  const Program program = gpipe_program(2, 2);

  // messages of 3 us on one stream: 2-5, 5-8; stage 1 runs F0 5-7 and F1 8-10
  const Timeline timeline = ride(program, {microseconds(2), microseconds(4), microseconds(3), microseconds(1)});

  CHECK(idle_for(measure(program, timeline).workers[1], IdleCause::forward_input) == microseconds(1));
}

TEST_CASE("waits for own sends and for tied gradients are told apart") {
  ProgramBuilder builder;
  const WorkerId here = builder.add_worker("here", 0, DeviceId{0}), there = builder.add_worker("there", 1, DeviceId{1});
  const SegmentId segment = builder.add_segment({});
  const StepId first = builder.add_compute(builder.add_work({StepKind::forward, here, segment}), 0);
  const StepId second = builder.add_compute(builder.add_work({StepKind::backward, here, segment}), 0);
  const StepId sum = builder.add_compute(builder.add_work({StepKind::add_gradient, here, segment}), 0);
  const MessageId out = builder.add_message(
      builder.add_channel({here, there, kMessageBytes, BufferContent::outbox, StreamKind::send_forward}), 0);
  const MessageId in = builder.add_message(
      builder.add_channel({there, here, kMessageBytes, BufferContent::gradients, StreamKind::send_gradient}), 0);
  builder.add_after(builder.send_of(out), first);
  builder.add_after(second, builder.send_of(out));
  builder.add_after(sum, builder.receive_of(in));
  const Program program = std::move(builder).finish(1);

  // F 0-1, its message 1-4, B 4-5; tied gradients 0-10, their sum 10-11
  Timeline timeline = ride(program, {microseconds(1), microseconds(1), microseconds(3), {}});
  timeline.spans[index_of(program.messages()[1].send)] = {microseconds(0), microseconds(10)};
  timeline.spans[index_of(program.messages()[1].receive)] = {microseconds(0), microseconds(10)};
  timeline.spans[2] = {microseconds(10), microseconds(11)};
  const WorkerMetrics worker = measure(program, timeline).workers[0];

  CHECK(idle_for(worker, IdleCause::own_sends) == microseconds(3));
  CHECK(idle_for(worker, IdleCause::tied_gradient) == microseconds(5));
  CHECK(worker.exposed_communication == microseconds(8));  // both waits lie within transfers
}

TEST_CASE("the critical path of the worked pipeline runs down through stage 1 and back") {
  const Program program = gpipe_program(2, 2);

  const CriticalPath path = critical_path(program, ride(program, kWorkedTimes));

  const std::vector<std::uint32_t> want{0, 14, 9, 10, 11, 7, 2, 3, 4};  // F0, arrives, F0 F1 B0, arrives, B0 B1 update
  std::vector<std::uint32_t> got;
  for (const StepId step : path.steps) got.push_back(index_of(step));
  CHECK(got == want);
  CHECK(path.compute == microseconds(19));  // 2 + 2 + 2 + 4 + 4 + 4 + 1
  CHECK(path.transfer == microseconds(2));
  CHECK(path.waiting == microseconds(0));
}

TEST_CASE("a step that starts late though nothing held it puts waiting on the critical path") {
  const Program program = gpipe_program(1, 1);  // F 0-2, B 2-6, update 6-7
  Timeline timeline = ride(program, kWorkedTimes);

  timeline.spans[2] = {microseconds(9), microseconds(10)};
  const CriticalPath path = critical_path(program, timeline);

  CHECK(path.compute == microseconds(7));
  CHECK(path.waiting == microseconds(3));
}

TEST_CASE("rates are per iteration and stay absent where nothing is known") {
  const Program program = gpipe_program(2, 2);
  const Timeline timeline = ride(program, kWorkedTimes);

  const Metrics known = measure(program, timeline, {42, 84, Flops{21'000'000}, FlopsPerSecond{4e12}});
  const Metrics unknown = measure(program, timeline);

  CHECK(*known.samples_per_second == Approx(2e6));  // 42 in 21 us
  CHECK(*known.tokens_per_second == Approx(4e6));
  CHECK(*known.model_flop_utilisation == Approx(0.25));  // 21e6 / 21 us = 1 TFLOP/s of 4
  CHECK_FALSE(unknown.samples_per_second);
  CHECK_FALSE(unknown.tokens_per_second);
  CHECK_FALSE(unknown.model_flop_utilisation);
  CHECK_FALSE(unknown.energy);
}

TEST_CASE("energy is that of all devices together") {
  const Program program = gpipe_program(2, 2);
  Timeline timeline = ride(program, kWorkedTimes);

  timeline.energy = {Joules{1.5}, Joules{2.25}};

  CHECK(measure(program, timeline).energy->value == 3.75);
}

TEST_CASE("imbalance is the largest over the mean") {
  const Program program = gpipe_program(2, 2);
  Timeline timeline = ride(program, kWorkedTimes);

  timeline.spans[13].end = timeline.spans[13].start + microseconds(5);  // stage 1's update: busy 17 against 13
  timeline.peaks[1].total = Bytes{360};                                 // against 120
  const Metrics metrics = measure(program, timeline);

  CHECK(metrics.compute_imbalance == Approx(17.0 / 15));
  CHECK(metrics.memory_imbalance == Approx(1.5));  // 360 / 240
}

TEST_CASE("peaks are the timeline's own") {
  const Program program = gpipe_program(2, 3);

  const Metrics metrics = measure(program, ride(program, kWorkedTimes));

  CHECK(metrics.workers[1].peak.total == Bytes{130});  // weights 100 + 3 stashes of 10
  CHECK(metrics.workers[1].peak.by_class[static_cast<std::size_t>(BufferClass::stash)] == Bytes{30});
}

TEST_CASE("traffic counts what each channel and each pair of workers moved") {
  const Program program = gpipe_program(3, 4);

  const Traffic traffic = traffic_of(program);

  REQUIRE(traffic.channels.size() == 4);  // two forward, two backward
  for (const ChannelTraffic& channel : traffic.channels) CHECK(channel.bytes == Bytes{32});  // 4 messages of 8
  REQUIRE(traffic.pairs.size() == 4);
  CHECK(traffic.pairs[1].from == WorkerId{1});
  CHECK(traffic.pairs[1].to == WorkerId{0});
  for (const PairTraffic& pair : traffic.pairs) CHECK(pair.sent == pair.received);
}

TEST_CASE("an iteration in which nothing takes time has no bubble") {
  const Program program = gpipe_program(2, 2);

  const Metrics metrics = measure(program, ride(program, {}));

  CHECK(metrics.iteration == Picoseconds{});
  CHECK(metrics.bubble == 0);
  CHECK(metrics.compute_imbalance == 1);
}
