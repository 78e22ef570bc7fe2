// verify() must name what is wrong: each case builds one small Program with one fault.

#include "plan/program_builder.hpp"
#include "plan/verify.hpp"
#include "tests/catch.hpp"
#include "tests/plan/models.hpp"

using namespace tandem;

namespace {

enum class Fault {
  none,
  receive_has_no_room_yet,
  forward_does_not_wait,
  reuse_does_not_wait,
  freed_before_reader,
  freed_before_born,
  never_freed,
  never_allocated,
  freed_by_message,
  never_written,
  wrong_bytes,
  no_buffer,
  foreign_buffer,
  foreign_weights,
  no_backward,
  backward_twice,
  backward_first,
  too_many_batches,
  update_between,
  cycle,
  written_while_sent,
};

/// Rank 0 runs F and sends 64 bytes to rank 1, which runs F and B; then rank 0 runs B.
class Pair {
 public:
  explicit Pair(Fault fault) : fault_(fault) {
    for (const char* name : {"upper", "lower"}) {
      const std::size_t rank = workers_.size();
      workers_.push_back(builder_.add_worker(name, static_cast<std::uint32_t>(rank), static_cast<DeviceId>(0)));
      segments_.push_back(builder_.add_segment({}));
      begin_.push_back(compute(rank, StepKind::zero_gradients, 0));
      weights_.push_back(builder_.add_buffer(
          {workers_[rank], segments_[rank], BufferClass::weight, BufferContent::weights, {256}}, 0));
    }
    add_upper();
    add_lower();
    add_message();
    if (is(Fault::cycle)) builder_.add_after(message_receive_, backward_[1]);
  }

  Program build() && { return std::move(builder_).finish(1); }

 private:
  bool is(Fault fault) const { return fault_ == fault; }
  StepId compute(std::size_t rank, StepKind kind, std::uint32_t batch) {
    const StepId step = builder_.add_compute(builder_.add_work({kind, workers_[rank], segments_[rank]}), batch);
    const Access access = kind == StepKind::update ? Access::read_write : Access::read;
    if (rank < weights_.size()) builder_.use(step, weights_[rank], access);
    return step;
  }

  void add_upper() {
    forward_[0] = compute(0, StepKind::forward, 0);
    backward_[0] = compute(0, StepKind::backward, 0);
  }

  void add_lower() {
    if (is(Fault::backward_first)) backward_[1] = compute(1, StepKind::backward, 0);
    forward_[1] = compute(1, StepKind::forward, is(Fault::too_many_batches) ? 1 : 0);
    if (is(Fault::update_between)) compute(1, StepKind::update, 0);
    if (is(Fault::backward_twice)) compute(1, StepKind::backward, 0);
    if (is(Fault::no_backward)) {
      backward_[1] = forward_[1];
    } else if (!is(Fault::backward_first)) {
      backward_[1] = compute(1, StepKind::backward, 0);
    }
    if (is(Fault::foreign_weights)) builder_.use(forward_[1], weights_[0], Access::read);
  }

  BufferId message_buffer(std::size_t rank, std::int64_t bytes, BufferContent content) {
    return builder_.add_buffer({workers_[rank], segments_[rank], BufferClass::message, content, {bytes}}, 0);
  }

  void add_message() {
    const ChannelId channel =
        builder_.add_channel({workers_[0], workers_[1], {64}, BufferContent::outbox, StreamKind::send_forward});
    const MessageId message = builder_.add_message(channel, 0);
    const StepId send = builder_.send_of(message), receive = message_receive_ = builder_.receive_of(message);
    add_outbox(send);
    add_inbox(receive);
  }

  void add_outbox(StepId send) {
    const BufferId outbox = message_buffer(0, 64, BufferContent::outbox);
    builder_.allocate(outbox, forward_[0], Moment::start);
    builder_.release(outbox, is(Fault::freed_by_message) ? send : backward_[0], Moment::start);
    if (!is(Fault::never_written)) builder_.use(forward_[0], outbox, Access::write);
    if (!is(Fault::no_buffer)) builder_.use(send, outbox, Access::read);
    if (is(Fault::foreign_buffer)) builder_.use(forward_[1], outbox, Access::read);
    builder_.add_after(send, forward_[0]);
    if (!is(Fault::reuse_does_not_wait)) builder_.add_after(backward_[0], send);
    if (!is(Fault::written_while_sent)) return;
    const BufferId shared = message_buffer(0, 64, BufferContent::gradients);
    builder_.use(send, shared, Access::read);
    builder_.use(backward_[0], shared, Access::write);  // waits for the send: allowed
    builder_.use(begin_[0], shared, Access::read_write);
    const MessageId second = builder_.add_message(
        builder_.add_channel({workers_[0], workers_[1], {64}, BufferContent::gradients, StreamKind::send_gradient}), 0);
    builder_.use(builder_.send_of(second), shared, Access::read);  // waits for nothing
    const BufferId in = message_buffer(1, 64, BufferContent::tied_inbox);
    builder_.use(builder_.receive_of(second), in, Access::write);
  }

  void add_inbox(StepId receive) {
    const BufferId inbox = message_buffer(1, is(Fault::wrong_bytes) ? 128 : 64, BufferContent::inbox);
    const StepId last = is(Fault::freed_before_reader) ? forward_[1] : backward_[1];
    builder_.allocate(inbox, is(Fault::freed_before_born) ? backward_[1] : begin_[1], Moment::end);
    if (is(Fault::freed_before_born)) builder_.release(inbox, forward_[1], Moment::end);
    else if (!is(Fault::never_freed)) builder_.release(inbox, last, Moment::end);
    if (is(Fault::never_allocated)) builder_.allocate(inbox, kNone<StepId>, Moment::end);
    builder_.use(receive, inbox, Access::write);
    builder_.use(forward_[1], inbox, Access::read);
    builder_.use(backward_[1], inbox, Access::read);
    if (!is(Fault::receive_has_no_room_yet)) builder_.add_after(receive, begin_[1]);
    if (!is(Fault::forward_does_not_wait)) builder_.add_after(forward_[1], receive);
  }

  Fault fault_;
  ProgramBuilder builder_;
  std::vector<WorkerId> workers_;
  std::vector<SegmentId> segments_;
  std::vector<StepId> begin_;
  std::vector<BufferId> weights_;
  StepId forward_[2]{}, backward_[2]{}, message_receive_{};
};

std::string complaint_about(Fault fault) {
  const Program program = Pair(fault).build();
  const std::string text = complaint([&] { verify(program); });
  constexpr std::string_view kStart = "error: the program is wrong: ";
  return text.substr(0, kStart.size()) == kStart ? text.substr(kStart.size()) : text;
}

const std::string kInbox = "buffer 3 (message, 64 bytes, micro-batch 0) ";
const std::string kOutbox = "buffer 2 (message, 64 bytes, micro-batch 0) ";
const std::string kReceive = R"(worker "lower", step receive from "upper" the activations of micro-batch 0)";
const std::string kSend = R"(worker "upper", step send to "lower" the activations of micro-batch 0)";

}  // namespace

TEST_CASE("a Program without fault verifies") { CHECK(complaint_about(Fault::none) == ""); }

TEST_CASE("a receive into a buffer that may not be there yet is named") {
  CHECK(complaint_about(Fault::receive_has_no_room_yet) == kInbox + "may not be allocated yet: " + kReceive);
}

TEST_CASE("a reader that does not wait for the message is named") {
  CHECK(complaint_about(Fault::forward_does_not_wait) ==
        kInbox + "may be written while it is used: " + R"(worker "lower", step F of micro-batch 0: )" + kReceive);
}

TEST_CASE("a buffer that is freed while its message may still be on its way is named") {
  CHECK(complaint_about(Fault::reuse_does_not_wait) == kOutbox + "may be freed already: " + kSend);
}

TEST_CASE("a buffer that is freed before its last reader is named") {
  CHECK(complaint_about(Fault::freed_before_reader) ==
        kInbox + R"(may be freed already: worker "lower", step B of micro-batch 0)");
}

TEST_CASE("a buffer that is freed before it is allocated is named") {
  CHECK(complaint_about(Fault::freed_before_born) ==
        kInbox + R"(is freed before it is allocated: worker "lower", step F of micro-batch 0)");
}

TEST_CASE("a buffer that is only allocated or only freed is named") {
  CHECK(complaint_about(Fault::never_freed) ==
        kInbox + R"(is never freed, but allocated: worker "lower", step zero gradients)");
  CHECK(complaint_about(Fault::never_allocated) ==
        kInbox + R"(is never allocated, but freed: worker "lower", step B of micro-batch 0)");
}

TEST_CASE("a buffer that a message frees is named, as then the peak would depend on timing") {
  CHECK(complaint_about(Fault::freed_by_message) ==
        kOutbox + "is not allocated and freed by its worker's compute stream: " + kSend);
}

TEST_CASE("a buffer that nothing writes is named") {
  CHECK(complaint_about(Fault::never_written) == kOutbox + "is never written");
}

TEST_CASE("a message whose ends differ in size is named with all three sizes and both ends") {
  CHECK(complaint_about(Fault::wrong_bytes) ==
        "a message of 64 bytes is sent from 64 and received into 128: " + kSend + "; " + kReceive);
}

TEST_CASE("a message without a buffer is named") {
  CHECK(complaint_about(Fault::no_buffer) == "a message has no buffer: " + kSend);
}

TEST_CASE("a step that uses another worker's memory is named, persistent or not") {
  CHECK(complaint_about(Fault::foreign_buffer) ==
        kOutbox + R"(belongs to another worker: worker "lower", step F of micro-batch 0)");
  CHECK(complaint_about(Fault::foreign_weights) ==
        "buffer 0 (weight, 256 bytes, micro-batch 0) "
        R"(belongs to another worker: worker "lower", step F of micro-batch 0)");
}

TEST_CASE("a forward without its backward is named") {
  CHECK(complaint_about(Fault::no_backward) == R"(worker "lower" misses B of micro-batch 0)");
}

TEST_CASE("a backward that runs twice is named") {
  CHECK(complaint_about(Fault::backward_twice) == R"(runs twice: worker "lower", step B of micro-batch 0)");
}

TEST_CASE("a step of a micro-batch that the Program has not is named") {
  CHECK(complaint_about(Fault::too_many_batches) ==
        R"(there are only 1 micro-batches: worker "lower", step F of micro-batch 1)");
}

TEST_CASE("weights that change between a forward and its backward are named") {
  CHECK(complaint_about(Fault::update_between) ==
        R"(changes weights between an F and its B: worker "lower", step update)");
}

TEST_CASE("a circle of three steps over a message is printed") {
  // The receive waits for B of the receiver, which follows F, which waits for the receive.
  CHECK(complaint_about(Fault::cycle) ==
        R"(error: the order dead-locks: worker "lower", step B of micro-batch 0 waits for )"
        R"(worker "lower", step F of micro-batch 0 waits for )" +
            kReceive + R"( waits for worker "lower", step B of micro-batch 0)");
}

TEST_CASE("a buffer that is sent while another stream may write it is named") {
  const std::string text = complaint_about(Fault::written_while_sent);

  CHECK(text.find("may be written while it is used: worker \"upper\", step zero gradients") != std::string::npos);
  CHECK(text.find("step send to \"lower\" the tied gradients") != std::string::npos);
}

TEST_CASE("a backward that runs before its forward is named") {
  ProgramBuilder builder;
  const WorkerId worker = builder.add_worker("only", 0, static_cast<DeviceId>(0));
  const SegmentId segment = builder.add_segment({});
  builder.add_compute(builder.add_work({StepKind::backward, worker, segment}), 0);
  builder.add_compute(builder.add_work({StepKind::forward, worker, segment}), 0);
  const Program program = std::move(builder).finish(1);

  CHECK(complaint([&] { verify(program); }) ==
        R"(error: the program is wrong: runs before its F: worker "only", step B of micro-batch 0)");
}

TEST_CASE("backward split into I and W counts as both, and a missing W is named") {
  const auto build = [](bool weight_gradient) {
    ProgramBuilder builder;
    const WorkerId worker = builder.add_worker("only", 0, static_cast<DeviceId>(0));
    const SegmentId segment = builder.add_segment({});
    for (const StepKind kind : {StepKind::forward, StepKind::input_gradient, StepKind::weight_gradient})
      if (weight_gradient || kind != StepKind::weight_gradient)
        builder.add_compute(builder.add_work({kind, worker, segment}), 0);
    return std::move(builder).finish(1);
  };

  CHECK(complaint([&] { verify(build(true)); }) == "");
  CHECK(complaint([&] { verify(build(false)); }) ==
        R"(error: the program is wrong: worker "only" misses W of micro-batch 0)");
}

TEST_CASE("messages that two workers want in different orders dead-lock") {
  // One sends over the forward stream, then waits for the answer; the other answers before it receives.
  ProgramBuilder builder;
  std::vector<WorkerId> workers;
  std::vector<StepId> steps;
  for (const char* name : {"left", "right"}) {
    workers.push_back(builder.add_worker(name, static_cast<std::uint32_t>(workers.size()), static_cast<DeviceId>(0)));
    const SegmentId segment = builder.add_segment({});
    steps.push_back(builder.add_compute(builder.add_work({StepKind::forward, workers.back(), segment}), 0));
  }
  const auto message = [&](std::size_t from, std::size_t to, StreamKind kind) {
    return builder.add_message(builder.add_channel({workers[from], workers[to], {64}, BufferContent::outbox, kind}), 0);
  };
  const MessageId there = message(0, 1, StreamKind::send_forward), back = message(1, 0, StreamKind::send_backward);
  builder.add_after(builder.send_of(there), builder.receive_of(back));
  builder.add_after(builder.send_of(back), builder.receive_of(there));
  const Program program = std::move(builder).finish(1);

  CHECK(
      complaint([&] { topological_order(program); }) ==
      R"(error: the order dead-locks: )"
      R"(worker "left", step receive from "right" the activations of micro-batch 0 waits for )"
      R"(worker "right", step receive from "left" the activations of micro-batch 0 waits for )"
      R"(worker "left", step receive from "right" the activations of micro-batch 0)");
}

TEST_CASE("an edge against a stream's own order is our own mistake") {
  ProgramBuilder builder;
  const WorkerId worker = builder.add_worker("only", 0, static_cast<DeviceId>(0));
  const WorkId work = builder.add_work({StepKind::forward, worker, builder.add_segment({})});
  const StepId first = builder.add_compute(work, 0), second = builder.add_compute(work, 1);

  builder.add_after(second, first);  // says what the stream says already
  CHECK_THROWS_AS(builder.add_after(first, second), InvariantError);
}

namespace {

/// Two workers that run F, sum 16 values in their gradients, and run B.
struct SummingPair {
  ProgramBuilder builder;
  std::vector<WorkerId> workers;
  std::vector<BufferId> gradients;
  std::vector<StepId> forward, backward;

  explicit SummingPair(std::size_t parts = 0) {
    for (const char* name : {"left", "right"}) {
      workers.push_back(builder.add_worker(name, static_cast<std::uint32_t>(workers.size()), static_cast<DeviceId>(0)));
      Segment layout;
      layout.forward_parts.resize(parts);
      const SegmentId segment = builder.add_segment(std::move(layout));
      for (std::uint32_t part = 0; part < std::max<std::size_t>(parts, 1); ++part)
        forward.push_back(
            builder.add_compute(builder.add_work({StepKind::forward, workers.back(), segment, part}), 0));
      backward.push_back(builder.add_compute(builder.add_work({StepKind::backward, workers.back(), segment}), 0));
      gradients.push_back(
          builder.add_buffer({workers.back(), segment, BufferClass::gradient, BufferContent::gradients, {64}}, 0));
    }
  }

  /// A sum of `elements` values from the byte `offset` on.
  CollectiveId sum(std::vector<WorkerId> members, std::int64_t elements = 16, std::int64_t offset = 0,
                   StreamKind stream = StreamKind::reduce_gradients, std::string_view algorithm = "ring") {
    const CollectiveShape shape{CollectiveKind::all_reduce, 2, 1, equal_bounds(elements, 2), {}};
    const CollectiveSpecId spec = builder.add_collective_spec(
        {std::string(name_of(stream)), shape, &find_collective_algorithm(algorithm), stream, std::move(members),
         std::vector<CollectivePayload>(2, {BufferContent::gradients, offset})});
    return builder.add_collective(spec, 0);
  }
  void use_buffers(CollectiveId collective) {
    for (std::uint32_t rank = 0; rank < 2; ++rank)
      builder.use(builder.step_of(collective, rank), gradients[rank], Access::read_write);
  }
  std::string complaint() && {
    const Program program = std::move(builder).finish(1);
    return tandem::complaint([&] { verify(program); });
  }
};

const std::string kWrong = "error: the program is wrong: ";

}  // namespace

TEST_CASE("a Program with a collective verifies") {
  SummingPair pair;
  pair.use_buffers(pair.sum(pair.workers));

  CHECK(std::move(pair).complaint() == "");
}

TEST_CASE("a collective without a buffer, or with more values than its buffer holds, is named") {
  SummingPair without, longer;
  without.sum(without.workers);
  longer.use_buffers(longer.sum(longer.workers, 16, 4));

  CHECK(std::move(without).complaint() ==
        kWrong + R"(a collective has no buffer: worker "left", collective reduce gradients)");
  CHECK(std::move(longer).complaint() ==
        kWrong + "a collective's vector ends at byte 68 of a buffer of 64: "
                 R"(worker "left", collective reduce gradients)");
}

TEST_CASE("a group with a worker in it twice, and one that its algorithm cannot serve, are named") {
  SummingPair twice, unsuited;
  twice.use_buffers(twice.sum({twice.workers[0], twice.workers[0]}));
  unsuited.use_buffers(unsuited.sum(unsuited.workers, 16, 0, StreamKind::reduce_gradients, "neighbours"));

  CHECK(std::move(twice).complaint() == kWrong + "a worker is in the group twice: collective reduce gradients");
  CHECK(std::move(unsuited).complaint() ==
        kWrong + "neighbours cannot do all_reduce of 2 ranks: collective reduce gradients");
}

TEST_CASE("members that enter two collectives in different orders dead-lock") {
  SummingPair pair;
  const CollectiveId first = pair.sum(pair.workers, 16, 0, StreamKind::data);
  const CollectiveId second = pair.sum(pair.workers, 16, 0, StreamKind::tensor);
  for (const CollectiveId collective : {first, second}) pair.use_buffers(collective);
  // left wants tensor before data, right data before tensor
  pair.builder.add_after(pair.builder.step_of(first, 0), pair.builder.step_of(second, 0));
  pair.builder.add_after(pair.builder.step_of(second, 1), pair.builder.step_of(first, 1));

  CHECK(std::move(pair).complaint() ==
        R"(error: the order dead-locks: worker "left", collective tensor of micro-batch 0 waits for )"
        R"(worker "right", collective data of micro-batch 0 waits for )"
        R"(worker "left", collective tensor of micro-batch 0)");
}

TEST_CASE("every part of a segment's F runs, once and in order") {
  SummingPair complete(3);
  CHECK(std::move(complete).complaint() == "");

  const auto run = [](const std::vector<std::uint32_t>& parts) {
    ProgramBuilder builder;
    const WorkerId worker = builder.add_worker("only", 0, static_cast<DeviceId>(0));
    Segment layout;
    layout.forward_parts.resize(2);
    const SegmentId segment = builder.add_segment(std::move(layout));
    for (const std::uint32_t part : parts)
      builder.add_compute(builder.add_work({StepKind::forward, worker, segment, part}), 0);
    builder.add_compute(builder.add_work({StepKind::backward, worker, segment}), 0);
    const Program program = std::move(builder).finish(1);
    return complaint([&] { verify(program); });
  };

  CHECK(run({0, 1}) == "");
  CHECK(run({0}) == kWrong + R"(runs before its F: worker "only", step B of micro-batch 0)");
  CHECK(run({1, 0}) == kWrong + R"(part 2 runs before part 1: worker "only", step F of micro-batch 0)");
  CHECK(run({0, 0}) == kWrong + R"(runs twice: worker "only", step F of micro-batch 0)");
}

TEST_CASE("a part of B that is missing is named") {
  ProgramBuilder builder;
  const WorkerId worker = builder.add_worker("only", 0, static_cast<DeviceId>(0));
  Segment layout;
  layout.backward_parts.resize(2);
  const SegmentId segment = builder.add_segment(std::move(layout));
  for (const StepKind kind : {StepKind::forward, StepKind::backward})
    builder.add_compute(builder.add_work({kind, worker, segment}), 0);
  const Program program = std::move(builder).finish(1);

  CHECK(complaint([&] { verify(program); }) == kWrong + R"(worker "only" misses part 2 of B of micro-batch 0)");
}
