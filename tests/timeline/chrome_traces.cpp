#include "timeline/chrome_trace.hpp"

#include <nlohmann/json.hpp>

#include <map>

#include "plan/program_builder.hpp"
#include "tests/catch.hpp"
#include "tests/timeline/random_ride.hpp"

using namespace tandem;
using Catch::Contains;
using Catch::StartsWith;
using nlohmann::json;

namespace {

std::string trace_of(const Program& program, const std::vector<Ride>& rides) {
  std::string text;
  write_chrome_trace(program, rides, [&text](std::string_view piece) { text += piece; });
  return text;
}

/// Whole nanoseconds: the text has three decimals of microseconds.
std::int64_t nanoseconds(const json& microseconds) { return std::llround(microseconds.get<double>() * 1000); }

struct Slice {
  std::int64_t start, end;
};
using Track = std::pair<int, int>;

struct Trace {
  std::map<Track, std::vector<Slice>> slices;
  std::map<int, std::string> processes;
  std::vector<json> arrows, counters;

  explicit Trace(const std::string& text) {
    const json document = json::parse(text);
    for (const json& event : document.at("traceEvents")) take(event);
  }
  void take(const json& event) {
    const std::string phase = event.at("ph");
    const Track track{event.at("pid"), event.at("tid")};
    if (phase == "X") {
      const std::int64_t start = nanoseconds(event["ts"]);
      slices[track].push_back({start, start + nanoseconds(event["dur"])});
    }
    if (phase == "s" || phase == "f") arrows.push_back(event);
    if (phase == "C") counters.push_back(event);
    if (phase == "M" && event.at("name") == "process_name") processes[track.first] = event["args"]["name"];
  }
  bool lies_in_a_slice(const json& arrow) const {
    const std::int64_t time = nanoseconds(arrow["ts"]);
    const auto holds = [time](const Slice& slice) {
      return time == slice.start || (slice.start < time && time < slice.end);
    };
    return std::ranges::any_of(slices.at({arrow["pid"], arrow["tid"]}), holds);
  }
};

}  // namespace

TEST_CASE("a trace opens with its events, names no display unit and writes microseconds with three decimals") {
  const Program program = gpipe_program(1, 1);
  const Timeline timeline = ride(program, {{1'234'567}, {2'000'400}, {}, {}});  // 1234.567 ns; ends at 3234.967 ns

  const std::string text = trace_of(program, {{"predicted", timeline}});

  CHECK_THAT(text, StartsWith("{\"traceEvents\":["));
  CHECK_THAT(text, !Contains("displayTimeUnit"));
  CHECK_THAT(text, Contains("\"ts\":0.000,\"dur\":1.235,"));
  CHECK_THAT(text, Contains("\"ts\":1.235,\"dur\":2.000,"));  // to 3.235, not 1.235 + 2.000 rounded apart
}

TEST_CASE("each ride and worker is a process of its own name") {
  const Program program = gpipe_program(2, 1);
  const Timeline timeline = ride(program, kWorkedTimes);

  const Trace trace(trace_of(program, {{"predicted", timeline}, {"measured", timeline}}));

  const std::map<int, std::string> want{
      {0, "predicted / stage 0"}, {1, "predicted / stage 1"}, {2, "measured / stage 0"}, {3, "measured / stage 1"}};
  CHECK(trace.processes == want);
}

TEST_CASE("every step is a slice, and slices of a track never overlap, whatever the rounding") {
  const bool holds = rc::check([] {
    const auto stages = *rc::gen::inRange<std::uint32_t>(1, 4), micro_batches = *rc::gen::inRange<std::uint32_t>(1, 7);
    const Program program = gpipe_program(stages, micro_batches);
    const auto time = [] { return Picoseconds{*rc::gen::inRange<std::int64_t>(0, 5000)}; };
    const Timeline timeline = ride(program, {time(), time(), time(), time()});

    const Trace trace(trace_of(program, {{"predicted", timeline}, {"measured", timeline}}));

    std::size_t count = 0;
    for (const auto& [track, slices] : trace.slices) {
      count += slices.size();
      for (std::size_t i = 1; i < slices.size(); ++i) RC_ASSERT(slices[i - 1].end <= slices[i].start);
    }
    RC_ASSERT(count == 2 * program.step_count());
  });

  CHECK(holds);
}

TEST_CASE("every message is one arrow, whose ends lie in slices and whose head is not before its tail") {
  const bool holds = rc::check([] {
    const auto stages = *rc::gen::inRange<std::uint32_t>(2, 4), micro_batches = *rc::gen::inRange<std::uint32_t>(1, 7);
    const Program program = gpipe_program(stages, micro_batches);
    const auto time = [] { return Picoseconds{*rc::gen::inRange<std::int64_t>(0, 5000)}; };
    const Timeline timeline = ride(program, {time(), time(), time(), time()});

    const Trace trace(trace_of(program, {{"predicted", timeline}, {"measured", timeline}}));

    std::map<std::int64_t, std::map<std::string, std::int64_t>> ends;
    for (const json& arrow : trace.arrows) {
      RC_ASSERT(trace.lies_in_a_slice(arrow));
      RC_ASSERT(ends[arrow["id"]].emplace(arrow["ph"], nanoseconds(arrow["ts"])).second);
    }
    RC_ASSERT(ends.size() == 2 * program.messages().size());
    for (auto& [id, arrow] : ends) RC_ASSERT(arrow.at("s") <= arrow.at("f"));
  });

  CHECK(holds);
}

TEST_CASE("memory counters rise and fall by class and end at what persists") {
  const Program program = gpipe_program(2, 3);
  const Timeline timeline = ride(program, kWorkedTimes);

  const Trace trace(trace_of(program, {{"predicted", timeline}}));

  std::map<int, std::vector<std::int64_t>> stash;
  std::map<int, json> last;
  for (const json& counter : trace.counters) {
    stash[counter["pid"]].push_back(counter["args"]["stash"]);
    last[counter["pid"]] = counter["args"];
  }
  CHECK(stash.at(1) == std::vector<std::int64_t>{0, 10, 20, 30, 20, 10, 0});  // at 0 us; three F; three B
  for (const auto& [process, args] : last) {
    CHECK(args["weight"] == kWeightBytes.count);
    CHECK(args["stash"] == 0);
  }
}

TEST_CASE("hostile names stay inert text") {
  const std::string name = GENERATE(as<std::string>(), "</script><img src=x onerror=alert(1)>", "\"><svg/onload=",
                                    "javascript:", "${7*7}", "{{x}}", "\",\"ph\":\"X", "line\nbreak\x01\x7f", "\\");
  ProgramBuilder builder;
  const WorkerId worker = builder.add_worker(name, 0, DeviceId{0});
  builder.add_compute(builder.add_work({StepKind::forward, worker, builder.add_segment({})}), 0);
  const Program program = std::move(builder).finish(1);
  Timeline timeline;
  timeline.spans = {{microseconds(0), microseconds(1)}};

  const std::string text = trace_of(program, {{"predicted", timeline}});

  CHECK(Trace(text).processes.at(0) == "predicted / " + name);
  CHECK_THAT(text, !Contains("<"));
}

TEST_CASE("a trace comes in pieces of bounded size that together are one document") {
  const Program program = gpipe_program(4, 500);
  const Timeline timeline = ride(program, kWorkedTimes);
  std::vector<std::size_t> pieces;
  std::string text;

  const std::vector<Ride> rides{{"predicted", timeline}};
  write_chrome_trace(program, rides, [&](std::string_view piece) {
    pieces.push_back(piece.size());
    text += piece;
  });

  CHECK(pieces.size() > 10);
  CHECK(*std::ranges::max_element(pieces) < 66 * 1024);
  CHECK(json::accept(text));
}

TEST_CASE("a ride that began late starts its trace at zero") {
  const Program program = gpipe_program(1, 1);
  Timeline timeline = ride(program, kWorkedTimes);

  for (Span& span : timeline.spans) span = {span.start + microseconds(5), span.end + microseconds(5)};
  timeline.memory.clear();
  const Trace trace(trace_of(program, {{"measured", timeline}}));

  CHECK(trace.slices.at({0, 0}).front().start == 0);
}
