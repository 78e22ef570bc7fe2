#include <nlohmann/json.hpp>

#include "tests/catch.hpp"
#include "tests/timeline/pipeline.hpp"
#include "timeline/metrics_json.hpp"

using namespace tandem;
using Json = nlohmann::ordered_json;

TEST_CASE("metrics as JSON carry the worked numbers in seconds and bytes") {
  const Program program = gpipe_program(2, 2);
  const Timeline timeline = ride(program, kWorkedTimes);

  const Json json = metrics_json(program, measure(program, timeline, {42, 0, {}, {}}));

  CHECK(json["iteration_s"].dump() == "2.1e-05");
  CHECK(json["samples_per_s"] == Approx(2e6));  // 42 in 21 us
  CHECK(json["tokens_per_s"].is_null());
  CHECK(json["workers"][0]["name"] == "stage 0");
  CHECK(json["workers"][0]["idle"]["backward_input_s"].dump() == "8e-06");
  CHECK(json["workers"][1]["peak_bytes"].dump() ==
        R"({"total":120,"weight":100,"gradient":0,"optimizer_state":0,"activation":0,)"
        R"("stash":20,"workspace":0,"message":0,"host":0})");
  CHECK(json["pairs"][0] == Json::parse(R"({"from":"stage 0","to":"stage 1","sent_bytes":16,"received_bytes":16})"));
  CHECK(json["critical_path"]["steps"] == 9);
}

TEST_CASE("a comparison as JSON holds the fields that scripts read") {
  const Program program = gpipe_program(2, 2);
  const Timeline predicted = ride(program, kWorkedTimes);
  const std::vector<Timeline> runs{stretched(predicted, 2), stretched(predicted, 2)};

  const Json json = comparison_json(program, compare(program, predicted, runs));

  CHECK(json["order"] == Json::parse(R"({"identical":true})"));
  CHECK(json["memory"]["identical"] == true);
  CHECK(json["memory"]["workers"][1]["predicted_bytes"]["stash"] == 20);
  CHECK(json["memory"]["workers"][1]["measured_bytes"]["total"] == 120);
  CHECK(json["iteration"]["predicted_s"] == Approx(21e-6));
  CHECK(json["iteration"]["measured_s"] == Approx(42e-6));
  CHECK(json["iteration"]["measured_p10_s"] == Approx(42e-6));
  CHECK(json["iteration"]["measured_p90_s"] == Approx(42e-6));
  CHECK(json["iteration"]["error"] == Approx(-0.5));
  CHECK(json["iteration"]["iterations"] == 2);
  CHECK(json["bubble"]["predicted"][0] == Approx(8.0 / 21));
  CHECK(json["bubble"]["measured"][1] == Approx(8.0 / 21));
  CHECK(json["steps"]["count"] == 10);
  CHECK(json["steps"]["median_error"] == Approx(0.5));
  CHECK(json["steps"]["p95_error"] == Approx(0.5));
  CHECK(json["cpu"].is_null());
}

TEST_CASE("what differs is said in words beside the verdict's fields") {
  const Program program = gpipe_program(2, 2);
  const Timeline predicted = ride(program, kWorkedTimes);
  Timeline run = predicted;
  std::swap(run.order[0], run.order[1]);
  run.spans[9].start = {};

  const Json json = comparison_json(program, compare(program, predicted, std::vector{run}));

  CHECK(json["order"]["identical"] == false);
  CHECK_FALSE(json["order"]["difference"].get<std::string>().empty());
  CHECK(json["edges"]["violated"] == 1);
  CHECK_FALSE(json["edges"]["first"].get<std::string>().empty());
}

TEST_CASE("the same timelines give the same text") {
  const Program program = gpipe_program(3, 4);
  const Timeline timeline = ride(program, kWorkedTimes);
  const auto text = [&] {
    return metrics_json(program, measure(program, timeline)).dump() +
           comparison_json(program, compare(program, timeline, std::vector{timeline})).dump();
  };

  CHECK(text() == text());
}
