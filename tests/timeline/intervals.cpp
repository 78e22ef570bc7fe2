#include "timeline/intervals.hpp"

#include <rapidcheck.h>

#include <set>

#include "tests/catch.hpp"
#include "tests/timeline/pipeline.hpp"
#include "timeline/worker_view.hpp"

using namespace tandem;

namespace {

Span span(std::int64_t start, std::int64_t end) { return {{start}, {end}}; }

/// The instants that the spans cover, one by one.
std::set<std::int64_t> instants(const std::vector<Span>& spans) {
  std::set<std::int64_t> covered;
  for (const Span& each : spans)
    for (std::int64_t time = each.start.count; time < each.end.count; ++time) covered.insert(time);
  return covered;
}

std::vector<Span> random_spans() {
  const auto pairs = *rc::gen::container<std::vector<std::pair<int, int>>>(
      rc::gen::pair(rc::gen::inRange(0, 40), rc::gen::inRange(0, 10)));
  std::vector<Span> spans;
  for (const auto& [start, length] : pairs) spans.push_back(span(start, start + length));
  return spans;
}

}  // namespace

TEST_CASE("spans that touch or overlap become one, and empty ones vanish") {
  const Intervals result = united({span(5, 7), span(0, 2), span(2, 3), span(6, 9), span(4, 4)});

  REQUIRE(result.size() == 2);  // 0-3, 5-9
  CHECK(result[0].end == Picoseconds{3});
  CHECK(result[1].start == Picoseconds{5});
  CHECK(total(result) == Picoseconds{7});
}

TEST_CASE("gaps are what is left of the frame, at its ends too") {
  const Intervals result = gaps(united({span(2, 4), span(6, 20)}), span(0, 10));

  REQUIRE(result.size() == 2);  // 0-2, 4-6
  CHECK(total(result) == Picoseconds{4});
}

TEST_CASE("intervals count the same instants as sets of instants do") {
  const bool holds = rc::check([] {
    const std::vector<Span> one = random_spans(), two = random_spans();
    const Intervals a = united(one), b = united(two);
    std::set<std::int64_t> both;
    const std::set<std::int64_t> first = instants(one), second = instants(two);
    std::ranges::set_intersection(first, second, std::inserter(both, both.end()));

    RC_ASSERT(instants(a) == first);
    RC_ASSERT(overlap(a, b).count == static_cast<std::int64_t>(both.size()));
    RC_ASSERT(total(gaps(a, span(0, 60))).count == 60 - static_cast<std::int64_t>(first.size()));
  });

  CHECK(holds);
}

TEST_CASE("a worker's transfers are its messages' in both directions, and no computing") {
  const Program program = gpipe_program(2, 2);

  const Intervals result = transfer_intervals(program, ride(program, kWorkedTimes), WorkerId{1});

  REQUIRE(result.size() == 4);  // 2-3, 4-5, 11-12, 15-16
  CHECK(result.back().start == microseconds(15));
  CHECK(total(result) == microseconds(4));
}
