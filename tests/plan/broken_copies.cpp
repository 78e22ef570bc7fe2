// Programs whose copies between device and host are wrong: verify() names the copy.

#include "plan/program_builder.hpp"
#include "plan/verify.hpp"
#include "tests/catch.hpp"

using namespace tandem;

namespace {

enum class Fault { none, stays_on_device, other_size, other_content, other_micro_batch, goes_back_twice, no_way_back,
                   does_not_wait };

/// One buffer that leaves and comes back, with this fault in it. It has no F and B, which verify() looks at later.
class Leaving {
 public:
  explicit Leaving(Fault fault) : fault_(fault) {
    worker_ = builder_.add_worker("stage 0", 0, DeviceId{0});
    segment_ = builder_.add_segment({});
    const BufferId here = buffer(BufferClass::activation, 64, BufferContent::saved, 0);
    const BufferId host = buffer(is(Fault::stays_on_device) ? BufferClass::activation : BufferClass::host,
                                 is(Fault::other_size) ? 128 : 64, BufferContent::saved, 0);
    const BufferId back = buffer(BufferClass::activation, 64,
                                 is(Fault::other_content) ? BufferContent::inbox : BufferContent::saved,
                                 is(Fault::other_micro_batch) ? 1 : 0);
    const StepId out = copy(StepKind::copy_out, here, host);
    if (is(Fault::no_way_back)) return;
    const StepId in = copy(StepKind::copy_in, host, back);
    if (!is(Fault::does_not_wait)) builder_.add_after(in, out);
    if (is(Fault::goes_back_twice)) copy(StepKind::copy_in, host, here);
  }

  std::string complaint() && {
    const Program program = std::move(builder_).finish(2);
    try {
      verify(program);
    } catch (const InputError& error) {
      return error.what();
    }
    return "";
  }

 private:
  bool is(Fault fault) const { return fault_ == fault; }
  BufferId buffer(BufferClass kind, std::int64_t bytes, BufferContent content, std::uint32_t micro_batch) {
    return builder_.add_buffer({worker_, segment_, kind, content, {bytes}, 1}, micro_batch);
  }
  StepId copy(StepKind kind, BufferId from, BufferId to) {
    const StepId step = builder_.add_copy(builder_.add_copy_spec({worker_, kind, segment_, 1, {64}}), 0);
    builder_.use(step, from, Access::read);
    builder_.use(step, to, Access::write);
    return step;
  }

  Fault fault_;
  ProgramBuilder builder_;
  WorkerId worker_{};
  SegmentId segment_{};
};

std::string complaint_about(Fault fault) { return Leaving(fault).complaint(); }

}  // namespace

TEST_CASE("copies without fault are not what verify complains about") {
  CHECK_THAT(complaint_about(Fault::none), Catch::Contains("misses F of micro-batch 0"));
}

TEST_CASE("a copy that does not go between device and host is named") {
  CHECK_THAT(complaint_about(Fault::stays_on_device),
             Catch::Contains("a copy does not go between device and host: worker \"stage 0\", copy out of unit 1"));
}

TEST_CASE("a copy between buffers of other sizes is named with all three sizes") {
  CHECK_THAT(complaint_about(Fault::other_size), Catch::Contains("a copy of 64 bytes goes from 64 into 128"));
}

TEST_CASE("a copy into a buffer for something else is named") {
  CHECK_THAT(complaint_about(Fault::other_content), Catch::Contains("something else: worker \"stage 0\", copy in"));
  CHECK_THAT(complaint_about(Fault::other_micro_batch), Catch::Contains("something else"));
}

TEST_CASE("what is fetched twice, or never, is named") {
  CHECK_THAT(complaint_about(Fault::goes_back_twice), Catch::Contains("copied twice"));
  CHECK_THAT(complaint_about(Fault::no_way_back), Catch::Contains("on the host is never fetched"));
}

TEST_CASE("a copy in that may begin before the copy out is over is named") {
  CHECK_THAT(complaint_about(Fault::does_not_wait), Catch::Contains("may be written while it is used"));
}

TEST_CASE("a step that changes what has its home on the host, without a copy that brings it back, is named") {
  for (const bool comes_back : {true, false}) {
    ProgramBuilder builder;
    const WorkerId worker = builder.add_worker("stage 0", 0, DeviceId{0});
    const SegmentId segment = builder.add_segment({});
    const auto buffer = [&](BufferClass kind) {
      return builder.add_buffer({worker, segment, kind, BufferContent::weights, {64}}, 0);
    };
    const BufferId home = buffer(BufferClass::host), here = buffer(BufferClass::weight);
    const auto copy = [&](StepKind kind, BufferId from, BufferId to) {
      const CopySpec spec{worker, kind, segment, 0, {64}, BufferContent::weights};
      const StepId step = builder.add_copy(builder.add_copy_spec(spec), 0);
      builder.use(step, from, Access::read);
      builder.use(step, to, Access::write);
      return step;
    };
    const StepId in = copy(StepKind::copy_in, home, here);
    const StepId update = builder.add_compute(builder.add_work({StepKind::update, worker, segment}), 0);
    builder.use(update, here, Access::read_write);
    builder.add_after(update, in);
    if (comes_back) builder.add_after(copy(StepKind::copy_out, here, home), update);

    const std::string complaint = [&] {
      try {
        verify(std::move(builder).finish(1));
      } catch (const InputError& error) {
        return std::string(error.what());
      }
      return std::string();
    }();

    const bool named =
        complaint.find("what is changed is not brought back to the host: worker \"stage 0\", step update") !=
        std::string::npos;
    CHECK(named == !comes_back);
  }
}
