// The zero-bubble paper's profiled times give its printed bubble rates (tests/validation/zero_bubble.yaml).

#include <cmath>

#include "base/yaml.hpp"
#include "tests/catch.hpp"
#include "tests/plan/schedule_scene.hpp"
#include "tests/source_dir.hpp"

using namespace tandem;

namespace {

std::int64_t microseconds(const YamlNode& row, std::string_view key) {
  return std::llround(1000 * row.at(key).number(0, 1000));
}

StepTimes profiled(const YamlNode& row) {
  return step_times(microseconds(row, "forward"), microseconds(row, "input_gradient"),
                    microseconds(row, "weight_gradient"), microseconds(row, "message"));
}

/// In units of the fourth decimal.
long long bubble_rate(const std::string& schedule, const YamlNode& row) {
  const ScheduleShape shape{static_cast<std::uint32_t>(row.at("ranks").integer(1, 64)),
                            static_cast<std::uint32_t>(row.at("micro_batches").integer(1, 1024))};
  const StepTimes times = profiled(row);
  const std::int64_t cost = longest_span(timed_grid(grid_named(schedule, shape), times));
  const std::int64_t busy = shape.micro_batches * (times.forward + times.backward);
  return std::llround(10000 * static_cast<double>(cost - busy) / static_cast<double>(cost));
}

}  // namespace

TEST_CASE("1f1b and zb-h1 have the bubble rates that the zero-bubble paper prints, to four decimals") {
  const YamlNode table = read_yaml(source_dir() + "/tests/validation/zero_bubble.yaml");
  REQUIRE(table.at("rows").items().size() == 12);

  for (const YamlNode& row : table.at("rows").items())
    for (const std::string schedule : {"1f1b", "zb-h1"}) {
      CAPTURE(row.at("model").text(), row.at("micro_batches").text(), schedule);
      CHECK(bubble_rate(schedule, row) == std::llround(10000 * row.at(schedule).number(0, 1)));
    }
}
