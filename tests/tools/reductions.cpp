// `tandem reduce`: its tables, its JSON, and what it refuses.

#include <nlohmann/json.hpp>
#include <set>

#include "base/error.hpp"
#include "exec/bound_threads.hpp"
#include "tests/catch.hpp"
#include "tests/tools/session.hpp"
#include "tools/calibrate_sharing.hpp"
#include "tools/reduce.hpp"

using namespace tandem;
using Catch::Matchers::Contains;
using Catch::Matchers::StartsWith;

TEST_CASE("reduce shows every way to add up beside the serial one") {
  const Outcome outcome = typed("reduce --terms 20k --features 4 --rounds 2");

  INFO(outcome.out << outcome.err);
  CHECK(outcome.code == 0);
  CHECK(outcome.err.empty());
  CHECK_THAT(outcome.out, Contains("20000 terms of 4 features on 4 threads") && Contains("2 rounds"));
  for (const Accumulation& way : accumulations()) CHECK_THAT(outcome.out, Contains("\n" + std::string(way.name) + " "));
}

TEST_CASE("reduce as JSON tells predicted and measured times, lost updates and the sum's error") {
  const Outcome outcome = typed("reduce --terms 0.03M --features 4 --rounds 1 --threads 3 --json");
  const auto json = nlohmann::json::parse(outcome.out);

  CHECK(outcome.code == 0);
  CHECK(json.at("terms") == 30'000);
  CHECK(json.at("ways").size() == 5);
  for (const auto& way : json.at("ways")) {
    INFO(way.dump());
    CHECK(way.at("predicted_s") > 0.0);
    CHECK(way.at("measured_s").at("median") > 0.0);
    const double ratio = way.at("predicted_s").get<double>() / way.at("measured_s").at("median").get<double>();
    CHECK(way.at("error").get<double>() == Approx(ratio - 1));
    if (way.at("accumulate") == "unsynchronised") continue;
    CHECK(way.at("lost_updates").at("most") == 0.0);
    CHECK(way.at("relative_error_of_sum") < 30'000 * 2.3e-16);
  }
  CHECK(json.at("ways")[0].at("accumulate") == "serial");
  CHECK(json.at("ways")[0].at("speed_up").at("measured") == 1.0);
}

TEST_CASE("one way to add up is compared with the serial sum") {
  const auto json =
      nlohmann::json::parse(typed("reduce --accumulate per_thread --terms 1000 --rounds 3 --json").out);

  REQUIRE(json.at("ways").size() == 2);
  CHECK(json.at("ways")[1].at("accumulate") == "per_thread");
  CHECK(json.at("ways")[1].at("same_bits") == true);
}

TEST_CASE("reduce answers which random numbers depend on the number of workers") {
  const Outcome outcome = typed("reduce --monte-carlo --terms 50k --rounds 1 --json");
  const auto json = nlohmann::json::parse(outcome.out);

  CHECK(json.at("darts") == 50'000);
  REQUIRE(json.at("generators").size() == 3);
  for (const auto& row : json.at("generators")) {
    CHECK(row.at("same_result_for_all_workers") == (row.at("generator") != "per_worker"));
    REQUIRE(row.at("runs").size() == 4);
    CHECK(row.at("runs")[3].at("workers") == 8);
    CHECK(row.at("runs")[3].at("predicted_s") > 0.0);
  }
}

TEST_CASE("the random-number question as text draws the conclusion") {
  const Outcome outcome = typed("reduce --monte-carlo --terms 10k --rounds 1");

  CHECK(outcome.code == 0);
  CHECK_THAT(outcome.out, Contains("pi from 10000 darts") && Contains("the result depends on the number of workers"));
}

TEST_CASE("what is wrong with a reduce line is said with exit code 2") {
  struct Row {
    std::string line, problem;
  };
  const Row row = GENERATE(values<Row>({
      {"--accumulate muetx", "--accumulate: no such way; did you mean \"mutex\"?"},
      {"--accumulate", "--accumulate"},
      {"--acumulate mutex", "did you mean \"--accumulate\"?"},
      {"--threads 0", "--threads: "},
      {"--threads 257", "want a whole number from 1 to 256"},
      {"--rounds 0", "--rounds: "},
      {"--features 0", "--features: "},
      {"--seed -1", "--seed: "},
      {"--terms 0", "--terms: out of range; got \"0\", want a whole number from 1 to 1000000000"},
      {"--terms -5", "--terms: not a count"},
      {"--terms 1.5", "--terms: out of range"},
      {"--terms 2G", "--terms: out of range"},
      {"--terms 10X", "--terms: not a count"},
      {"--terms 10MM", "--terms: not a count"},
      {"--terms 1e6", "--terms: not a count"},
      {"--terms nan", "--terms: not a count"},
      {"--terms M", "--terms: not a count"},
      {"--terms 1.2.3k", "--terms: "},
      {"--monte-carlo --threads 2", "--threads does not go with --monte-carlo"},
      {"--monte-carlo --accumulate mutex", "--accumulate does not go with --monte-carlo"},
      {"plan.yaml", "unexpected word"},
  }));

  const Outcome outcome = typed("reduce " + row.line);

  INFO(row.line << "\n" << outcome.err);
  CHECK(outcome.code == 2);
  CHECK(outcome.out.empty());
  CHECK_THAT(outcome.err, StartsWith("error: ") && Contains(row.problem));
}

TEST_CASE("the ways to add up have names of their own, and the first is serial") {
  std::set<std::string_view> names;
  for (const Accumulation& way : accumulations()) {
    CHECK(names.insert(way.name).second);
    CHECK(&find_accumulation(way.name) == &way);
    CHECK((way.program != nullptr && way.predict != nullptr));
  }
  CHECK(accumulations().front().program == &kSerialSum);
}

TEST_CASE("each cost is the median of the rounds by itself") {
  SharingCosts a{}, b{}, c{};
  a.term = {1}, b.term = {3}, c.term = {2};
  a.wake_latency = {9}, b.wake_latency = {7}, c.wake_latency = {8};

  const SharingCosts medians = median_costs({a, b, c});

  CHECK(medians.term == Seconds{2});
  CHECK(medians.wake_latency == Seconds{8});
}

TEST_CASE("the pieces of sharing are measured apart from any sum") {
  const LinearRegression small(2, 1), large(512, 1);
  const SharingCosts few = measure_sharing_costs(small, usable_cores());
  const SharingCosts many = measure_sharing_costs(large, usable_cores());

  CHECK(many.term > few.term);  // 256 times the work
  for (const Seconds cost : {few.plain_update, few.atomic_update, few.locked_update, few.futex_refused, few.futex_wake,
                             few.wake_latency, few.thread_start})
    CHECK(cost.value > 0);
  CHECK((usable_cores() == 1) == !(few.line_transfer.value > 0));
}

TEST_CASE("an interrupt ends a reduction between its parts") {
  std::stop_source source;
  ReduceOptions options;
  options.ways = {&find_accumulation("per_thread")};
  options.terms = 1000;
  options.stop = source.get_token();
  int parts = 0;
  options.progress = [&](std::int64_t, std::string_view) {
    if (++parts == 2) source.request_stop();
  };

  CHECK_THROWS_AS(run_reduce(options), RunError);
  CHECK(parts == 2);
}
