#include "hardware_profiles/host.hpp"

#include <cstdlib>
#include <optional>

#include "tests/catch.hpp"
#include "tests/hardware_profiles/documents.hpp"

using namespace tandem;
using Catch::Matchers::Contains;

namespace {

/// Sets or unsets a variable of the environment until the end of the test.
class Variable {
 public:
  Variable(const char* name, const std::optional<std::string>& value) : name_(name) {
    if (const char* old = std::getenv(name)) before_ = old;
    set(value);
  }
  ~Variable() { set(before_); }
  Variable(const Variable&) = delete;
  Variable& operator=(const Variable&) = delete;

 private:
  void set(const std::optional<std::string>& value) const {
    value ? setenv(name_, value->c_str(), 1) : unsetenv(name_);
  }
  const char* name_;
  std::optional<std::string> before_;
};

std::string host_text() {
  return replaced(kSmallDevice, "kind: gpu", "kind: cpu\nshares_cores: true") +
         "threads_link: {latency: 1 us, bandwidth: 5 GB/s, wake_latency: 7 us, source: s}\n";
}

}  // namespace

TEST_CASE("the host's profile lies in the user's cache") {
  const Variable home("HOME", "/home/someone");
  {
    const Variable cache("XDG_CACHE_HOME", "/somewhere");
    CHECK(host_profile_path() == "/somewhere/tandem/host.yaml");
  }
  {
    const Variable cache("XDG_CACHE_HOME", std::nullopt);
    CHECK(host_profile_path() == "/home/someone/.cache/tandem/host.yaml");
  }
  const Variable relative("XDG_CACHE_HOME", "relative");
  CHECK(host_profile_path() == "/home/someone/.cache/tandem/host.yaml");
}

TEST_CASE("without a home there is no place for the host's profile") {
  const Variable home("HOME", std::nullopt);
  const Variable cache("XDG_CACHE_HOME", std::nullopt);

  CHECK_THROWS_AS(host_profile_path(), InputError);
}

TEST_CASE("a machine that was not measured is told how") {
  const Folder folder("no-host");
  const Variable cache("XDG_CACHE_HOME", folder.path(""));

  CHECK_THAT(complaint([] { load_cluster("host"); }), Contains("run `tandem calibrate`"));
  CHECK_THAT(complaint([] { load_device("host"); }), Contains("run `tandem calibrate`"));
}

TEST_CASE("the measured host is a cluster of one device whose workers talk over its threads") {
  const Folder folder("host");
  folder.write("tandem/host.yaml", host_text());
  const Variable cache("XDG_CACHE_HOME", folder.path(""));

  const Cluster cluster = load_cluster("host");

  CHECK(cluster.name == "host");
  CHECK(cluster.device_count() == 1);
  CHECK(place_workers(cluster, 8).size() == 8);
  const Link& link = cluster.links[cluster.link_between(DeviceId{0}, DeviceId{0})];
  CHECK(link.latency == Seconds{1e-6});
  CHECK(link.wake_latency == Seconds{7e-6});
  CHECK(link.bandwidth == BytesPerSecond{5e9});
  CHECK(load_device("host").name == "small");
}

TEST_CASE("a host profile must share its cores and know its threads") {
  const Folder folder("bad-host");
  const std::string exclusive = folder.write("a.yaml", replaced(host_text(), "shares_cores: true\n", ""));
  const std::string no_threads = replaced(kSmallDevice, "kind: gpu", "kind: cpu\nshares_cores: true");
  const std::string silent = folder.write("b.yaml", no_threads);

  CHECK_THAT(complaint([&] { read_host(exclusive); }), Contains("a.yaml:1:1: error: "));
  CHECK_THAT(complaint([&] { read_host(silent); }), Contains("threads_link"));
}
