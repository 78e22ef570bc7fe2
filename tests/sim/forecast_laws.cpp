// Foreseen collectives against the same played round by round: equal spans, to the picosecond.

#include <rapidcheck.h>

#include "sim/engine.hpp"
#include "tests/catch.hpp"
#include "tests/sim/star.hpp"

using namespace tandem;
using namespace tandem::test;

namespace {

struct Group {
  CollectiveKind kind = CollectiveKind::all_reduce;
  std::string_view algorithm;
  std::int64_t elements = 0;
  StreamKind stream = StreamKind::tensor;
};

/// A collective of a group, or a message; each of its ends behind a compute step and an earlier item of the worker's.
struct Turn {
  std::size_t group = 0;
  bool is_message = false;
  std::uint32_t from = 0, to = 0;
  std::vector<std::int64_t> compute = {};  ///< by rank
  std::vector<std::size_t> behind = {};    ///< by rank: how many of the worker's items back; 0: none
};

/// Groups of the same workers on streams of their own meet each other and messages on the links of one star.
struct Meetings {
  std::uint32_t ranks = 2;
  StarTimes links = {};
  std::vector<double> out_of = {};  ///< by rank
  bool shares_core = false;         ///< all routes go over one wide link, too
  bool one_link = false;            ///< all routes end at the sender's link
  bool forbids_overlap = false;     ///< worker 0
  std::vector<Group> groups = {};
  std::vector<Turn> turns = {};
};

Group random_group(std::uint32_t ranks) {
  Group group;
  group.kind = *rc::gen::element(CollectiveKind::all_reduce, CollectiveKind::all_reduce, CollectiveKind::reduce_scatter,
                                 CollectiveKind::all_gather, CollectiveKind::broadcast, CollectiveKind::all_to_all);
  group.elements = *rc::gen::inRange<std::int64_t>(0, 60);
  if (group.kind == CollectiveKind::all_to_all) group.elements *= 2 * ranks;
  group.algorithm = *rc::gen::suchThat(
      rc::gen::element<std::string_view>("direct", "halving_doubling", "hierarchical", "ring", "ring", "tree"),
      [&](std::string_view name) {
        return find_collective_algorithm(name).suits(shape_of(group.kind, ranks, group.elements));
      });
  group.stream = *rc::gen::element(StreamKind::tensor, StreamKind::data, StreamKind::reduce_gradients);
  return group;
}

Turn random_turn(const Meetings& meetings) {
  Turn turn;
  turn.group = *rc::gen::inRange<std::size_t>(0, meetings.groups.size());
  turn.is_message = *rc::gen::inRange(0, 3) == 0;
  turn.from = *rc::gen::inRange(0u, meetings.ranks);
  turn.to = (turn.from + *rc::gen::inRange(1u, meetings.ranks)) % meetings.ranks;
  const auto latest = *rc::gen::element<std::int64_t>(1, 20, 400);
  turn.compute =
      *rc::gen::container<std::vector<std::int64_t>>(meetings.ranks, rc::gen::inRange<std::int64_t>(0, latest));
  turn.behind = *rc::gen::container<std::vector<std::size_t>>(meetings.ranks, rc::gen::inRange<std::size_t>(0, 4));
  return turn;
}

Meetings random_meetings() {
  Meetings meetings;
  meetings.ranks = *rc::gen::inRange(2u, 8u);
  meetings.links = {*rc::gen::inRange<std::int64_t>(0, 12), *rc::gen::element(1e12, 0.7e12),
                    *rc::gen::inRange(0, 8) > 0};
  meetings.out_of.assign(meetings.ranks, meetings.links.bytes_per_second);
  if (*rc::gen::arbitrary<bool>())
    for (double& rate : meetings.out_of) rate *= *rc::gen::element(1.0, 1.0, 0.5, 0.31);
  meetings.shares_core = *rc::gen::inRange(0, 8) == 0;
  meetings.one_link = !meetings.shares_core && *rc::gen::inRange(0, 4) == 0;
  meetings.forbids_overlap = *rc::gen::inRange(0, 4) == 0;
  const std::size_t groups = *rc::gen::inRange<std::size_t>(1, 4), turns = *rc::gen::inRange<std::size_t>(1, 9);
  for (std::size_t i = 0; i < groups; ++i) meetings.groups.push_back(random_group(meetings.ranks));
  for (std::size_t i = 0; i < turns; ++i) meetings.turns.push_back(random_turn(meetings));
  return meetings;
}

class Building {
 public:
  explicit Building(const Meetings& meetings)
      : meetings_(meetings), star_(scenario_, meetings.ranks, meetings.links), items_(meetings.ranks) {
    if (meetings.forbids_overlap) scenario_.prices().worker_forbids_overlap[0] = true;
    if (meetings.links.shared)
      for (std::uint32_t rank = 0; rank < meetings.ranks; ++rank) star_.out_of(rank) = meetings.out_of[rank];
    for (const Group& group : meetings.groups)
      specs_.push_back(star_.spec(shape_of(group.kind, meetings.ranks, group.elements), group.algorithm, group.stream));
    for (const Turn& turn : meetings.turns) add(turn);
  }
  Ride finish() {
    if (meetings_.shares_core && meetings_.links.shared) share_core(scenario_.prices());
    if (meetings_.one_link && meetings_.links.shared)
      for (RoutePrice& route : scenario_.prices().routes) route.link_count = 1;
    return scenario_.finish();
  }

 private:
  void add(const Turn& turn) {
    if (turn.is_message) {
      const MessageId message = star_.message(turn.from, turn.to);
      attach(turn, turn.from, scenario_.builder().send_of(message));
      attach(turn, turn.to, scenario_.builder().receive_of(message));
      return;
    }
    const CollectiveId collective = star_.collective(specs_[turn.group]);
    for (std::uint32_t rank = 0; rank < meetings_.ranks; ++rank) attach(turn, rank, star_.step(collective, rank));
  }
  void attach(const Turn& turn, std::uint32_t rank, StepId step) {
    const StepId compute = scenario_.compute(star_.workers[rank], turn.compute[rank]);
    scenario_.after(step, compute);
    std::vector<StepId>& items = items_[rank];
    if (turn.behind[rank] > 0 && turn.behind[rank] <= items.size())
      scenario_.after(compute, items[items.size() - turn.behind[rank]]);
    items.push_back(step);
  }
  /// A link so wide that it holds nobody up.
  void share_core(Prices& prices) const {
    const auto core = static_cast<std::uint32_t>(prices.link_bytes_per_second.size());
    prices.link_bytes_per_second.push_back(1e3 * meetings_.links.bytes_per_second);
    std::vector<std::uint32_t> links;
    for (RoutePrice& route : prices.routes) {
      const auto first = static_cast<std::uint32_t>(links.size());
      for (const std::uint32_t link : prices.links_of(route)) links.push_back(link);
      links.push_back(core);
      route.first_link = first;
      ++route.link_count;
    }
    prices.route_links = std::move(links);
  }

  const Meetings& meetings_;
  Scenario scenario_;
  Star star_;
  std::vector<CollectiveSpecId> specs_;
  std::vector<std::vector<StepId>> items_;  ///< by rank
};

std::vector<Times> spans_of(const Ride& ride, Foresight foresight) {
  std::vector<Span> spans(ride.program.step_count());
  Engine(ride.program, ride.prices, spans, foresight).run();
  std::vector<Times> times;
  for (const Span& span : spans) times.emplace_back(span.start.count, span.end.count);
  return times;
}

}  // namespace

TEST_CASE("foreseen collectives take the spans of collectives that are played round by round") {
  const bool holds = rc::check([] {
    const Meetings meetings = random_meetings();
    const Ride ride = Building(meetings).finish();

    RC_ASSERT(spans_of(ride, Foresight::collectives) == spans_of(ride, Foresight::none));
  });
  CHECK(holds);
}
