#include "plan/partition.hpp"

#include <algorithm>
#include <limits>
#include <optional>

#include "tests/catch.hpp"
#include "tests/plan/devices.hpp"
#include "tests/plan/random_models.hpp"

using namespace tandem;

namespace {

struct Chain {
  std::vector<std::vector<double>> time;  ///< by rank and item
  std::vector<double> crossing;
  std::vector<bool> allowed;
};

struct Value {
  double slowest, bytes;
  auto operator<=>(const Value&) const = default;
};

Value value_of(const Chain& chain, const std::vector<std::size_t>& cuts) {
  Value value{0, 0};
  for (std::size_t rank = 0; rank < chain.time.size(); ++rank) {
    const std::size_t first = rank == 0 ? 0 : cuts[rank - 1];
    const std::size_t last = rank == cuts.size() ? chain.time[rank].size() : cuts[rank];
    double sum = 0;
    for (std::size_t item = first; item < last; ++item) sum += chain.time[rank][item];
    value.slowest = std::max(value.slowest, sum);
    if (rank > 0) value.bytes += chain.crossing[first];
  }
  return value;
}

/// The best of all splits, or nothing where there is none.
std::optional<Value> brute_force(const Chain& chain, std::vector<std::size_t> cuts = {}) {
  const std::size_t items = chain.time[0].size();
  if (cuts.size() + 1 == chain.time.size()) return value_of(chain, cuts);
  std::optional<Value> best;
  for (std::size_t cut = cuts.empty() ? 1 : cuts.back() + 1; cut < items; ++cut) {
    if (!chain.allowed[cut]) continue;
    cuts.push_back(cut);
    const auto value = brute_force(chain, cuts);
    if (value && (!best || *value < *best)) best = value;
    cuts.pop_back();
  }
  return best;
}

Chain random_chain(Dice& dice) {
  const auto ranks = static_cast<std::size_t>(dice.between(1, 4)),
             items = static_cast<std::size_t>(dice.between(1, 12));
  const bool equal_devices = dice.chance(2);
  Chain chain{{}, std::vector<double>(items, 0), std::vector<bool>(items, false)};
  for (std::size_t rank = 0; rank < ranks; ++rank) {
    chain.time.emplace_back(items, 0);
    for (std::size_t item = 0; item < items; ++item)
      chain.time[rank][item] = equal_devices && rank > 0 ? chain.time[0][item]
                                                         : static_cast<double>(dice.between(0, 5));  // small: many ties
  }
  for (std::size_t item = 1; item < items; ++item) {
    chain.crossing[item] = static_cast<double>(dice.between(1, 9));
    chain.allowed[item] = !dice.chance(4);
  }
  return chain;
}

using Cuts = std::vector<std::size_t>;

}  // namespace

TEST_CASE("the split of a chain is as good as the best of all splits, first in its slowest stage, then in bytes") {
  for (std::uint64_t number = 0; number < 5'000; ++number) {
    Dice dice(number);
    const Chain chain = random_chain(dice);
    const auto best = brute_force(chain);
    INFO("case " << number);

    if (!best) {
      REQUIRE(complaint([&] {
                split_chain(chain.time, chain.crossing, chain.allowed);
              }).find("too few places to cut") != std::string::npos);
      continue;
    }
    const Cuts cuts = split_chain(chain.time, chain.crossing, chain.allowed);

    REQUIRE(cuts.size() + 1 == chain.time.size());
    REQUIRE(std::is_sorted(cuts.begin(), cuts.end()));
    for (const std::size_t cut : cuts) REQUIRE(chain.allowed[cut]);
    REQUIRE(value_of(chain, cuts) == *best);
  }
}

TEST_CASE("a chain of six is cut where the slower half is fastest") {
  // 1 2 3 | 4 5: 6 and 9; 1 2 3 4 | 5: 10 and 5. So before the 4.
  CHECK(split_chain({{1, 2, 3, 4, 5}, {1, 2, 3, 4, 5}}, {0, 1, 1, 1, 1}, {false, true, true, true, true}) == Cuts{3});
}

TEST_CASE("among splits that are equally fast the fewest bytes cross") {
  // Three stages of 2, 1 and 1 in any order take 2; the cuts before items 1 and 2 carry 1 + 7, 1 and 3: 1 + 2, 2 and 3:
  // 7 + 2.
  const std::vector<double> ones(4, 1);

  CHECK(split_chain({ones, ones, ones}, {0, 1, 7, 2}, {false, true, true, true}) == Cuts{1, 3});
}

TEST_CASE("a slow device gets less work, in the order of the devices") {
  // The second device takes three times as long: 3 items | 1 item are 3 and 3.
  const std::vector<double> fast(4, 1), slow(4, 3);
  const std::vector<bool> anywhere{false, true, true, true};

  CHECK(split_chain({fast, slow}, {0, 1, 1, 1}, anywhere) == Cuts{3});
  CHECK(split_chain({slow, fast}, {0, 1, 1, 1}, anywhere) == Cuts{1});
}

TEST_CASE("more stages than a chain has places for are refused with the number that it has") {
  const std::vector<double> ones(3, 1);

  CHECK(complaint([&] { split_chain({ones, ones, ones}, {0, 1, 1}, {false, true, false}); }) ==
        R"(error: the model has too few places to cut; got "3 stages", want at most 2 stages)");
}

TEST_CASE("a model of equal blocks is cut into equal stages") {
  const Device device = device_of(1e9);

  // Equal blocks of a 16 x 16 linear layer and a relu: 2 x 256 + 16 FLOPs forward, and so on; 4 of them on each device.
  const Partition halves = partition(equal_blocks(8), {&device, &device}, CostModel(), 1);

  CHECK(halves.cuts == Cuts{9});  // layers 0 x, 1 .. 8, then 9
}

TEST_CASE("each pass of a layer counts in whole picoseconds, so that equal stages compare equal") {
  const Device device = device_of(7e9);  // 1/7 ns per FLOP, which no double holds

  const Partition whole = partition(equal_blocks(1), {&device}, CostModel(), 1);

  // Linear F and W 528 FLOPs, 75,428.6 ps each; relu F and I 16, 2,285.7 each; loss F 48, 6,857.1, and I 32, 4,571.4;
  // the two sources write 64 bytes each in less than 1 ps, which counts as 1. Without rounding they would be 166,857.1.
  CHECK(to_picoseconds(whole.slowest) == Picoseconds{2 * 75'429 + 2 * 2'286 + 6'857 + 4'571 + 2});
}

TEST_CASE("the slowest stage's predicted time is that of its layers") {
  const Device device = device_of(1e9);
  const Model model = two_layer_mlp();

  const Partition whole = partition(model, {&device}, CostModel(), 1);

  // Element-wise work as the layers count it, products by hand: a: F and W 2 x 8 x 4 each; b: F, I and W 2 x 2 x 8
  // each.
  std::int64_t flops = 2 * 64 + 3 * 32;
  for (std::uint32_t i = 0; i < model.layer_count(); ++i)
    for (const Pass pass : {Pass::forward, Pass::input_gradient, Pass::weight_gradient}) {
      const Work work = model.work(static_cast<LayerId>(i), pass, 1);
      flops += work.elementwise + work.transcendentals;
    }
  CHECK(whole.cuts.empty());
  CHECK(to_picoseconds(whole.slowest).count == Approx(static_cast<double>(flops) * 1'000).margin(12));  // 1 ns per FLOP
}

TEST_CASE("more pipeline ranks than the model has places for are refused") {
  const Device device = device_of(1e9);
  const std::vector<const Device*> devices(5, &device);

  CHECK(complaint([&] { partition(two_layer_mlp(), devices, CostModel(), 1); }) ==
        R"(error: the model has too few places to cut; got "5 stages", want at most 4 stages)");
}
