// docs/profiles.md shows what is true: its examples are read, and its worked example comes out.
#include "hardware_profiles/cost.hpp"
#include "tests/catch.hpp"
#include "tests/hardware_profiles/documents.hpp"

using namespace tandem;

namespace {

/// The yaml blocks of the page, in order.
std::vector<std::string> examples() {
  const std::string page = read_text(TANDEM_SOURCE_DIR "/docs/profiles.md", {1'000'000});
  const std::string_view opening = "```yaml\n", closing = "```\n";
  std::vector<std::string> blocks;
  for (std::size_t at = page.find(opening); at != std::string::npos; at = page.find(opening, at)) {
    at += opening.size();
    blocks.push_back(page.substr(at, page.find(closing, at) - at));
  }
  return blocks;
}

}  // namespace

TEST_CASE("the worked example of the page on profiles comes out") {
  const Device device = device_from(examples().at(0));
  Work work;
  work.products = {{1000, 500, 1000, 1}};
  work.read = {6'000'000};
  work.written = {2'000'000};

  const double pass_us = roofline(work, device).value * 1e6;
  const double message_us = (device.link->latency + Bytes{2'000'000} / device.link->bandwidth).value * 1e6;

  CHECK(pass_us == Approx(232).epsilon(0.002));
  CHECK(message_us == Approx(205.7));
}

TEST_CASE("the other examples of the page on profiles are read") {
  const Device host = device_from(examples().at(0) + examples().at(1));
  const Cluster cluster = cluster_from(examples().at(2));

  CHECK(host.kernels.size() == 1);
  CHECK(host.threads_link);
  CHECK(cluster.device_count() == 4);
}
