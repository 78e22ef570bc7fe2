#include "plan/prices.hpp"

#include <algorithm>

#include "tests/catch.hpp"
#include "tests/plan/models.hpp"

using namespace tandem;

namespace {

/// 1 GFLOP/s, so that a FLOP takes 1 ns, and so much bandwidth that memory never counts.
constexpr std::string_view kSlowArithmetic = R"(device: counter
kind: gpu
compute: {cores: 1, peak_fp32: 1 GFLOP/s, source: made up}
memory: {capacity: 1 GB, bandwidth: 100 TB/s, source: made up}
link: {latency: 2 us, bandwidth: 64 MB/s, source: made up}
)";

/// So fast that only memory counts: 1 GB/s, so that a byte takes 1 ns; each kernel is launched in 1 us.
constexpr std::string_view kSlowMemory = R"(device: mover
kind: gpu
compute: {cores: 1, peak_fp32: 1000 TFLOP/s, source: made up}
memory: {capacity: 1 GB, bandwidth: 1 GB/s, source: made up}
overhead: {launch: 1 us, source: made up}
link: {latency: 2 us, bandwidth: 64 MB/s, full_duplex: false, source: made up}
)";

constexpr std::string_view kHost = R"(device: host
kind: cpu
shares_cores: true
compute: {cores: 2, peak_fp32: 2 GFLOP/s, source: made up}
memory: {capacity: 1 GB, bandwidth: 100 TB/s, source: made up}
concurrency:
  points: [[1, 1.0], [2, 1.5]]
  source: made up
threads_link: {latency: 1 us, bandwidth: 640 MB/s, source: made up}
)";

Device device_from(std::string_view text) { return read_device(parse_yaml(text, "device.yaml")); }

Program two_stages(const std::vector<DeviceId>& devices = one_device_each(2)) {
  return lower(plan_of("1f1b", 2, 2), two_layer_mlp(), {3}, devices);
}

Optimizer sgd() {
  Optimizer optimizer;
  optimizer.kind = OptimizerKind::sgd;
  return optimizer;
}

/// By step key.
std::int64_t time_of(const Program& program, const Prices& prices, const std::string& key) {
  for (std::uint32_t i = 0; i < program.works().size(); ++i)
    if (step_key(program, static_cast<WorkId>(i)) == key) return prices.works[i].time.count;
  return -1;
}

const WorkPrice& price_of(const Program& program, const Prices& prices, const std::string& key) {
  std::uint32_t i = 0;
  while (step_key(program, static_cast<WorkId>(i)) != key) ++i;
  return prices.works[i];
}

const RoutePrice& route_of(const Prices& prices, std::size_t channel) {
  return prices.routes[prices.channels[channel].route];
}

std::vector<std::uint32_t> links_of(const Prices& prices, std::size_t channel) {
  const auto links = prices.links_of(route_of(prices, channel));
  return {links.begin(), links.end()};
}

}  // namespace

TEST_CASE("a step costs the sum of its kernels, counted by hand") {
  const Program program = two_stages();
  const Cluster cluster = cluster_of(device_from(kSlowArithmetic), 2);

  const Prices prices = price(program, two_layer_mlp(), cluster, CostModel(), sgd());

  // One sample. x and copies compute nothing; their few bytes take 10^-14 s each and count in picoseconds at most.
  // Stage 0 F: a 2 x 4 x 8 = 64 and 8 biases, relu 8: 80 FLOPs. B: relu 8; W of a 64 and 8 biases: 80.
  CHECK(time_of(program, prices, "stage 0 F") == Approx(80'000).margin(3));
  CHECK(time_of(program, prices, "stage 0 B") == Approx(80'000).margin(3));
  // Stage 1 F: b 2 x 8 x 2 = 32 and 2 biases, loss 3 x 2: 40. B: loss 2 x 2; I of b 32; W of b 32 and 2 biases: 70.
  CHECK(time_of(program, prices, "stage 1 F") == Approx(40'000).margin(3));
  CHECK(time_of(program, prices, "stage 1 B") == Approx(70'000).margin(3));
  // SGD: one multiply-add, 2 FLOPs, for each of 32 + 8 values, and 16 + 2.
  CHECK(time_of(program, prices, "stage 0 update") == 80'000);
  CHECK(time_of(program, prices, "stage 1 update") == 36'000);
  CHECK(price_of(program, prices, "stage 0 F").source == CostSource::roofline);
}

TEST_CASE("zeroing, copies and the update move bytes, and each kernel is launched") {
  const Program program = two_stages();
  const Cluster cluster = cluster_of(device_from(kSlowMemory), 2);

  const Prices prices = price(program, two_layer_mlp(), cluster, CostModel(), Optimizer{});

  // Zeroing writes 32 and 8 values of 4 bytes: 160 ns, and two launches of 1 us.
  CHECK(time_of(program, prices, "stage 0 zero gradients") == 160'000 + 2'000'000);
  // Adam reads weight, gradient and two averages, writes weight and averages: 7 x 160 bytes.
  CHECK(time_of(program, prices, "stage 0 update") == 1'120'000 + 2'000'000);
  // Stage 0 F: x writes 16 bytes; a reads 16 + 128 + 32 and writes 32; relu reads 32 and writes 32; the copy of relu's
  // output into the message reads 32 and writes 32: 352 bytes, four launches.
  CHECK(time_of(program, prices, "stage 0 F") == 352'000 + 4'000'000);
}

TEST_CASE("an update reads gradients as wide as they are held") {
  Plan plan = plan_of("1f1b", 2, 1);
  plan.precision = ElementType::bfloat16;
  plan.float_gradients = GENERATE(false, true);
  const Model model = two_layer_mlp().stored_as(plan.precision);
  const Program program = lower(plan, model, {3}, one_device_each(2));
  const Cluster cluster = cluster_of(device_from(kSlowMemory), 2);

  const Prices prices = price(program, model, cluster, CostModel(), Optimizer{});

  // 40 values: Adam reads the gradient, master copy and two averages, writes the weight, master copy and averages.
  const std::int64_t gradient = plan.float_gradients ? 4 : 2;
  CHECK(time_of(program, prices, "stage 0 update") == 40 * (gradient + 12 + 2 + 12) * 1'000 + 2'000'000);
  CHECK(time_of(program, prices, "stage 0 zero gradients") == 40 * gradient * 1'000 + 2'000'000);
}

TEST_CASE("a carried gradient's copy counts in backward") {
  const Model model("residual",
                    {source("x", "values", 16), linear("a", 16, "x"), linear("b", 16, "a"), linear("c", 16, "b"),
                     layer("add", "residual_add", {"a", "c"}), source("targets", "target_values", 16),
                     layer("loss", "mean_squared_error", {"add", "targets"})});
  const Program program = lower(plan_of("1f1b", 3, 1), model, {3, 4}, one_device_each(3));  // c alone in the middle
  const Cluster cluster = cluster_of(device_from(kSlowMemory), 3);

  const Prices prices = price(program, model, cluster, CostModel(), sgd());

  // I reads 64 + 1024 and writes 64; W reads 64 + 64 + 1088 and writes 1088; the copy moves 64 + 64: three launches.
  CHECK(time_of(program, prices, "stage 1 B") == (1'152 + 2'304 + 128) * 1'000 + 3'000'000);
}

TEST_CASE("a copy takes the copy bandwidth where it was measured") {
  const Program program = two_stages();
  Device device = device_from(kSlowArithmetic);
  device.copy.points = {{{32}, {32e3}}};  // 32 bytes in 1 ms

  const Prices prices = price(program, two_layer_mlp(), cluster_of(device, 2), CostModel(), sgd());

  CHECK(time_of(program, prices, "stage 0 F") == Approx(80'000 + 1'000'000'000).margin(3));  // relu's output leaves
}

TEST_CASE("both ends of a tie pay for adding the other's gradient") {
  LayerDefinition user = linear("b", 16, "a");
  user.tie = "a.weight";
  const Model model("tied",
                    {source("x", "values", 16), linear("a", 16, "x"), user, source("targets", "target_values", 16),
                     layer("loss", "mean_squared_error", {"b", "targets"})});
  const Cluster cluster = cluster_of(device_from(kSlowArithmetic), 2);

  const Program parted = lower(plan_of("1f1b", 2, 1), model, {2}, one_device_each(2));
  const Prices two = price(parted, model, cluster, CostModel(), sgd());
  const Program whole = lower(plan_of("1f1b", 1, 1), model, {}, one_device_each(1));
  const Prices one = price(whole, model, cluster, CostModel(), sgd());

  CHECK(time_of(parted, two, "stage 0 add gradient") == 256'000);  // 16 x 16 additions
  CHECK(time_of(parted, two, "stage 1 add gradient") == 256'000);
  CHECK(time_of(whole, one, "stage 0 add gradient") == 256'000);
  CHECK(time_of(whole, one, "stage 0 update") == 2 * (256 + 16 + 16) * 1'000);  // the shared weight once
}

TEST_CASE(
    "a recorded step answers before measured kernels, and those before the roofline, and the weakest source is named") {
  const Model model = two_layer_mlp();
  Device device = device_from(kSlowArithmetic);
  device.kernels = {{"linear F 1x4 -> 1x8", {5e-6}, {5e-6}, {5e-6}, 3}};
  const Program program = two_stages();
  CostModel costs;
  costs.record("stage 1 F", {0.25});

  const Prices prices = price(program, model, cluster_of(device, 2), costs, sgd());

  CHECK(price_of(program, prices, "stage 1 F").time == Picoseconds{250'000'000'000});
  CHECK(price_of(program, prices, "stage 1 F").source == CostSource::recorded);
  CHECK(time_of(program, prices, "stage 0 F") == Approx(5'000'000 + 8'000).margin(3));  // a measured, relu 8 FLOPs
  CHECK(price_of(program, prices, "stage 0 F").source == CostSource::roofline);         // relu is not measured
}

TEST_CASE("a step whose kernels are all measured says so, and one without work is not called recorded") {
  const Model model("plain",
                    {source("x", "values", 16), layer("r", "relu", {"x"}), linear("a", 16, "r"),
                     source("targets", "target_values", 16), layer("loss", "mean_squared_error", {"a", "targets"})});
  Device device = device_from(kSlowArithmetic);
  device.kernels = {{"relu F 1x16 -> 1x16", {1e-6}, {1e-6}, {1e-6}, 3},
                    {"values F -> 1x16", {2e-6}, {2e-6}, {2e-6}, 3}};
  const Program program = lower(plan_of("1f1b", 2, 1), model, {2}, one_device_each(2));

  const Prices prices = price(program, model, cluster_of(device, 2), CostModel(), sgd());

  CHECK(price_of(program, prices, "stage 0 F").time == Picoseconds{3'000'000});
  CHECK(price_of(program, prices, "stage 0 F").source == CostSource::measured);
  CHECK(price_of(program, prices, "stage 0 B").time == Picoseconds{0});  // nothing before it wants a gradient
  CHECK(price_of(program, prices, "stage 0 B").source == CostSource::roofline);
}

TEST_CASE("a message takes its route's latency and bytes over bandwidth") {
  const Program program = two_stages();

  const Prices prices =
      price(program, two_layer_mlp(), cluster_of(device_from(kSlowArithmetic), 2), CostModel(), sgd());

  REQUIRE(prices.channels.size() == 2);
  CHECK(program.channels()[0].bytes == Bytes{64});  // 8 values of 4 bytes, rounded up to the alignment
  const RoutePrice& route = route_of(prices, 0);
  CHECK(route.latency == Picoseconds{2'000'000});
  CHECK(route.bytes_per_second == 64e6);
  CHECK(route.resource == kExclusive);
  CHECK(prices.channels[0].transfer == Picoseconds{1'000'000});  // 64 B / 64 MB/s
}

TEST_CASE("a full-duplex link is one link in each direction, a half-duplex link one for both") {
  const Program program = two_stages();
  const auto priced = [&](std::string_view device) {
    return price(program, two_layer_mlp(), cluster_of(device_from(device), 2), CostModel(), sgd());
  };

  const Prices full = priced(kSlowArithmetic), half = priced(kSlowMemory);

  CHECK(links_of(full, 0) != links_of(full, 1));
  CHECK(full.link_bytes_per_second == std::vector{64e6, 64e6});
  CHECK(links_of(half, 0) == links_of(half, 1));
  CHECK(half.link_bytes_per_second == std::vector{64e6});
}

TEST_CASE("analytic prices share no link") {
  const Program program = two_stages();

  const Prices prices = price(program, two_layer_mlp(), cluster_of(device_from(kSlowMemory), 2), CostModel(), sgd(),
                              NetworkMode::analytic);

  CHECK(links_of(prices, 0).empty());
  CHECK(prices.link_bytes_per_second.empty());
  CHECK(prices.channels[0].transfer == Picoseconds{1'000'000});  // 64 B / 64 MB/s
}

TEST_CASE("links between different pairs of devices are not shared") {
  const Program program = lower(plan_of("1f1b", 4, 1), equal_blocks(4), block_cuts(4), one_device_each(4));

  const Prices prices = price(program, equal_blocks(4), cluster_of(device_from(kSlowMemory), 4), CostModel(), sgd());

  CHECK(prices.channels.size() == 6);  // 3 cuts, both ways
  CHECK(prices.link_bytes_per_second.size() == 3);  // one half-duplex wire per pair
  for (const std::uint32_t resource : prices.worker_resource) CHECK(resource == kExclusive);
}

TEST_CASE("workers on one host share its cores, and a message between them is a copy by a core") {
  const Device device = device_from(kHost);
  const Program program = two_stages({static_cast<DeviceId>(0), static_cast<DeviceId>(0)});

  const Prices prices = price(program, two_layer_mlp(), cluster_of(device, 1), CostModel(), sgd());

  REQUIRE(prices.resources.size() == 1);
  CHECK(prices.resources[0].cores == 2);
  CHECK(prices.resources[0].wake == Picoseconds{0});  // who waits spins
  CHECK(prices.worker_resource == std::vector<std::uint32_t>{0, 0});
  CHECK(prices.routes.size() == 1);  // both ways, from the device to itself
  CHECK(route_of(prices, 0).resource == 0);
  CHECK(route_of(prices, 0).latency == Picoseconds{1'000'000});
  CHECK(route_of(prices, 0).adding == 1.5);  // three accesses of a value instead of two
  CHECK(prices.channels[0].transfer == Picoseconds{100'000});  // 64 B / 640 MB/s
  REQUIRE(prices.resources[0].slowdown.size() >= 3);
  CHECK(prices.resources[0].slowdown[1] == Approx(1.0));
  CHECK(prices.resources[0].slowdown[2] == Approx(1.5));
  CHECK(time_of(program, prices, "stage 0 F") == Approx(80'000).margin(3));  // one core of two: 1 GFLOP/s
}

TEST_CASE("where workers outnumber the cores of their host who waits sleeps, and takes time to wake") {
  std::string text(kHost);
  text.replace(text.find("bandwidth: 640"), 0, "wake_latency: 7 us, ");
  const Device device = device_from(text);  // 2 cores
  const auto wake = [&](std::size_t workers) {
    const Program program = lower(plan_of("1f1b", static_cast<std::int64_t>(workers), 1), equal_blocks(4),
                                  block_cuts(workers), std::vector(workers, DeviceId{0}));
    return price(program, equal_blocks(4), cluster_of(device, 1), CostModel(), sgd()).resources[0].wake;
  };

  CHECK(wake(2) == Picoseconds{0});
  CHECK(wake(4) == Picoseconds{6'000'000});
}

TEST_CASE("power is known by device where the profile has it") {
  Device device = device_from(kSlowArithmetic);
  const Program program = two_stages();
  const auto power = [&] { return price(program, two_layer_mlp(), cluster_of(device, 2), CostModel(), sgd()).power; };

  const auto unknown = power();
  device.power_idle = {10};
  device.power_peak = {110};
  const auto known = power();

  CHECK_FALSE(unknown[0]);
  REQUIRE(known.size() == 2);
  CHECK(known[1]->idle == Watts{10});
  CHECK(known[1]->peak == Watts{110});
}

TEST_CASE("a device that computes or exchanges says so for its workers") {
  Device device = device_from(kSlowArithmetic);
  device.bulk_synchronous = true;

  const Prices prices = price(two_stages(), two_layer_mlp(), cluster_of(device, 2), CostModel(), sgd());

  CHECK(prices.worker_forbids_overlap == std::vector<bool>{true, true});
}

TEST_CASE("plain work has a signature by kind, size and optimizer") {
  constexpr ElementType kFloat = ElementType::float32;
  CHECK(plain_signature(PlainWork::zero, 40, sgd(), kFloat, kFloat) == "zero 40");
  CHECK(plain_signature(PlainWork::add, 8, Optimizer{}, kFloat, kFloat) == "add 8");
  CHECK(plain_signature(PlainWork::update, 40, sgd(), kFloat, kFloat) == "update sgd 40");
  CHECK(plain_signature(PlainWork::update, 40, Optimizer{}, kFloat, kFloat) == "update adam 40");
}

TEST_CASE("a step's key is its worker and its kind") {
  const Program program = two_stages();

  CHECK(step_key(program, static_cast<WorkId>(0)) == "stage 0 F");
  CHECK(step_key(program, static_cast<WorkId>(3)) == "stage 1 B");
}
