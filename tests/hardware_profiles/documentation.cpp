// docs/profiles.md and docs/networks.md show what is true: their examples are read, and the worked ones come out.
#include "hardware_profiles/cost.hpp"
#include "tests/catch.hpp"
#include "tests/hardware_profiles/documents.hpp"
#include "tests/source_dir.hpp"

using namespace tandem;

namespace {

std::string page_text(const std::string& page) {
  return read_text(source_dir() + "/docs/" + page, {1'000'000});
}

/// The yaml blocks of the page, in order.
std::vector<std::string> examples(const std::string& name = "profiles.md") {
  const std::string page = page_text(name);
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

TEST_CASE("the worked example of the page on networks comes out") {
  const Cluster pod = cluster_from(examples("networks.md").at(0));

  const Route route = pod.route(DeviceId{0}, DeviceId{31});

  CHECK(route.links.size() == 10);
  CHECK(route.latency.value == Approx(13.7e-6));
  CHECK(route.bandwidth == BytesPerSecond{10e9});
}

TEST_CASE("the page on networks has each topology with its parameters and kinds of cables") {
  const std::string page = page_text("networks.md");

  for (const Topology* topology : topologies()) {
    const std::size_t at = page.find("**" + std::string(topology->name) + "**");
    CAPTURE(topology->name);
    REQUIRE(at != std::string::npos);
    const std::string text = page.substr(at, 900);
    for (const TopologyParameter& parameter : topology->parameters)
      CHECK_THAT(text, Catch::Contains("`" + std::string(parameter.name)));
    if (topology->kinds.size() == 1) continue;
    for (const std::string_view kind : topology->kinds)
      CHECK_THAT(text, Catch::Contains("`" + std::string(kind) + "`"));
  }
}
