// No byte of a collective is lost or moved twice: what the members send is what the links carry.

#include <rapidcheck.h>

#include "sim/simulate.hpp"
#include "tests/catch.hpp"
#include "tests/sim/star.hpp"

using namespace tandem;
using namespace tandem::test;

namespace {

struct Group {
  std::uint32_t ranks;
  std::string_view algorithm;
  CollectiveKind kind;
  std::int64_t elements;
};

Group random_group() {
  Group group;
  group.ranks = *rc::gen::inRange(2u, 9u);
  group.kind = *rc::gen::element(CollectiveKind::all_reduce, CollectiveKind::reduce_scatter, CollectiveKind::all_gather,
                                 CollectiveKind::broadcast);
  group.elements = *rc::gen::inRange<std::int64_t>(0, 200);
  group.algorithm = *rc::gen::suchThat(
      rc::gen::element<std::string_view>("direct", "halving_doubling", "ring", "tree"), [&](std::string_view name) {
        return find_collective_algorithm(name).suits(shape_of(group.kind, group.ranks, group.elements));
      });
  return group;
}

struct Sent {
  std::int64_t bytes = 0, messages = 0;
};

/// By the rounds of the algorithm, of all ranks.
Sent sent_by(const CollectiveSpec& spec) {
  Sent sent;
  for (std::uint32_t rank = 0; rank < spec.shape.ranks; ++rank)
    for (std::uint32_t round = 0; round < spec.algorithm->rounds(spec.shape); ++round) {
      const RoundExchange exchange = spec.algorithm->exchange(spec.shape, rank, round);
      if (exchange.to == kNoRank) continue;
      sent.bytes += spec.shape.bytes(exchange.sent).count;
      ++sent.messages;
    }
  return sent;
}

/// Leads every route over the one link of a byte a picosecond.
void share_one_link(Prices& prices) {
  prices.link_bytes_per_second = {1e12};
  prices.route_links.assign(prices.routes.size(), 0);
  for (RoutePrice& route : prices.routes) route.link_count = 1;  // the first entry
}

}  // namespace

TEST_CASE("collectives and messages over one link without latency take as long as all their bytes") {
  const bool holds = rc::check([] {
    Scenario scenario;
    Sent sent;
    const auto groups = *rc::gen::inRange<std::size_t>(1, 4), rows = *rc::gen::inRange<std::size_t>(1, 4);
    for (std::size_t i = 0; i < groups; ++i) {
      const Group group = random_group();
      Star star(scenario, group.ranks, {0, 1e12, false});
      const CollectiveSpecId spec = star.spec(shape_of(group.kind, group.ranks, group.elements), group.algorithm);
      const Sent once = sent_by(scenario.builder().spec(spec));
      for (std::size_t row = 0; row < rows; ++row) star.collective(spec);
      star.message(0, 1);
      sent.bytes += once.bytes * static_cast<std::int64_t>(rows) + 64;
      sent.messages += once.messages * static_cast<std::int64_t>(rows) + 1;
    }
    share_one_link(scenario.prices());
    const Ride ride = scenario.finish();

    const std::int64_t makespan = simulate(ride.program, ride.prices).makespan().count;

    // The link is never idle: of the ranks that are behind all others some exchange is always under way. Each message
    // ends at a whole picosecond, and takes one at least.
    RC_ASSERT(makespan >= sent.bytes - sent.messages);
    RC_ASSERT(makespan <= sent.bytes + sent.messages);
  });
  CHECK(holds);
}

TEST_CASE("every rank receives in each round what another sends to it") {
  const bool holds = rc::check([] {
    const Group group = random_group();
    const CollectiveShape shape = shape_of(group.kind, group.ranks, group.elements);
    const CollectiveAlgorithm& algorithm = find_collective_algorithm(group.algorithm);

    for (std::uint32_t round = 0; round < algorithm.rounds(shape); ++round)
      for (std::uint32_t rank = 0; rank < group.ranks; ++rank) {
        const RoundExchange exchange = algorithm.exchange(shape, rank, round);
        if (exchange.to == kNoRank) continue;
        const RoundExchange other = algorithm.exchange(shape, exchange.to, round);
        RC_ASSERT(other.from == rank);
        RC_ASSERT(other.received.count == exchange.sent.count);
      }
  });
  CHECK(holds);
}
