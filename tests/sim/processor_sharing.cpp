#include "sim/processor_sharing.hpp"

#include <map>

#include "base/error.hpp"
#include "tests/catch.hpp"

using namespace tandem;

namespace {

/// Ends of jobs by id, once nobody joins any more.
std::map<std::uint32_t, std::int64_t> ends_of(ProcessorSharing& sharing) {
  std::map<std::uint32_t, std::int64_t> ends;
  std::vector<std::uint32_t> finished;
  while (sharing.next_end() != ProcessorSharing::kNever) {
    const std::int64_t now = sharing.next_end();
    finished.clear();
    sharing.finish_due(now, finished);
    for (const std::uint32_t job : finished) ends[job] = now;
  }
  return ends;
}

using Ends = std::map<std::uint32_t, std::int64_t>;

}  // namespace

TEST_CASE("a job alone on its resource takes exactly its price") {
  const SharedResource link{"link", 1, {}};
  for (const std::int64_t price : {std::int64_t{1}, std::int64_t{999'999'999'999'999'937}, std::int64_t{1} << 61}) {
    ProcessorSharing sharing(link);
    sharing.add(17, 0, price);

    CHECK(ends_of(sharing) == Ends{{0, 17 + price}});
  }
}

TEST_CASE("k equal flows over one link end at exactly k times the time of one") {
  const SharedResource link{"link", 1, {}};
  for (const std::uint32_t flows : {2u, 3u, 5u, 7u, 64u, 1000u}) {
    ProcessorSharing sharing(link);
    const std::int64_t price = 1'000'000'007;
    for (std::uint32_t job = 0; job < flows; ++job) sharing.add(0, job, price);

    const Ends ends = ends_of(sharing);

    CHECK(ends.size() == flows);
    for (const auto& [job, end] : ends) CHECK(end == flows * price);
  }
}

TEST_CASE("staggered flows share the link while both are on it") {
  const SharedResource link{"link", 1, {}};
  ProcessorSharing sharing(link);
  sharing.add(0, 0, 100);   // alone until 50, so 50 left
  sharing.add(50, 1, 100);  // both at half rate: job 0 ends after 100 more; job 1 has 50 left, alone

  CHECK(ends_of(sharing) == Ends{{0, 150}, {1, 200}});
}

TEST_CASE("a short flow that comes last may leave first") {
  const SharedResource link{"link", 1, {}};
  ProcessorSharing sharing(link);
  sharing.add(0, 0, 900);   // 800 left at 100
  sharing.add(100, 1, 30);  // 30 at half rate: until 160; job 0 has 770 left then

  CHECK(ends_of(sharing) == Ends{{0, 930}, {1, 160}});
}

TEST_CASE("three flows of different size leave one by one") {
  const SharedResource link{"link", 1, {}};
  ProcessorSharing sharing(link);
  sharing.add(0, 0, 10);  // a third each: 30
  sharing.add(0, 1, 20);  // 10 left, a half each: 20 more
  sharing.add(0, 2, 30);  // 10 left, alone

  CHECK(ends_of(sharing) == Ends{{0, 30}, {1, 50}, {2, 60}});
}

TEST_CASE("jobs up to capacity do not slow each other") {
  const SharedResource cores{"cores", 2, {}};
  ProcessorSharing sharing(cores);
  sharing.add(0, 0, 100);
  sharing.add(0, 1, 70);
  CHECK(sharing.saturated());

  CHECK(ends_of(sharing) == Ends{{0, 100}, {1, 70}});
}

TEST_CASE("three jobs on two cores run at two thirds of full rate") {
  const SharedResource cores{"cores", 2, {}};
  ProcessorSharing sharing(cores);
  for (const std::uint32_t job : {0u, 1u, 2u}) sharing.add(0, job, 100);

  CHECK(ends_of(sharing) == Ends{{0, 150}, {1, 150}, {2, 150}});
}

TEST_CASE("slowdown applies by the number of jobs and keeps its last value beyond the table") {
  const SharedResource cores{"cores", 2, {1, 1, 1.25}};
  ProcessorSharing alone(cores), pair(cores), four(cores);
  alone.add(0, 0, 100);
  for (const std::uint32_t job : {0u, 1u}) pair.add(0, job, 100);
  for (const std::uint32_t job : {0u, 1u, 2u, 3u}) four.add(0, job, 100);

  CHECK(ends_of(alone)[0] == 100);
  CHECK(ends_of(pair)[0] == 125);
  CHECK(ends_of(four)[0] == 250);  // 100 x 1.25 x 4/2
}

TEST_CASE("looking at a resource in between changes no end") {
  const SharedResource link{"link", 1, {}};
  ProcessorSharing watched(link), unwatched(link);
  std::vector<std::uint32_t> finished;
  for (ProcessorSharing* sharing : {&watched, &unwatched}) {
    for (const std::uint32_t job : {0u, 1u, 2u}) sharing->add(0, job, 1000 + job);
  }
  for (std::int64_t now = 1; now < 2900; now += 7) watched.finish_due(now, finished);

  CHECK(finished.empty());
  CHECK(ends_of(watched) == ends_of(unwatched));
}

TEST_CASE("a job that would end half-way between two picoseconds ends at the same one, looked at before or not") {
  const SharedResource cores{"cores", 2, {}};
  ProcessorSharing watched(cores), unwatched(cores);
  std::vector<std::uint32_t> finished;
  for (ProcessorSharing* sharing : {&watched, &unwatched}) {
    for (const std::uint32_t job : {0u, 1u, 2u}) sharing->add(0, job, 1);  // 1.5 ps each
  }

  watched.finish_due(1, finished);

  CHECK(finished.empty());
  CHECK(ends_of(watched) == ends_of(unwatched));
}

TEST_CASE("a resource counts the time of its capacity that was taken") {
  const SharedResource cores{"cores", 2, {}};
  ProcessorSharing sharing(cores);
  sharing.add(10, 0, 100);  // two cores until 40, then one until 110
  sharing.add(10, 1, 30);

  ends_of(sharing);

  CHECK(sharing.occupancy() == 2 * 30 + 70);
}

TEST_CASE("a job that ends beyond the clock is refused") {
  const SharedResource link{"link", 1, {}};
  ProcessorSharing sharing(link);
  sharing.add(0, 0, std::int64_t{1} << 62);

  CHECK_THROWS_AS(sharing.add(0, 1, std::int64_t{1} << 62), InputError);  // both would end at 2 x 2^62 ps
}

TEST_CASE("a resource without capacity is our mistake") {
  const SharedResource nothing{"nothing", 0, {}};

  CHECK_THROWS_AS(ProcessorSharing(nothing), InvariantError);
}
