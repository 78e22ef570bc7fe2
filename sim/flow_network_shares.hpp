#pragma once
// Max-min fair rates of flows over links, re-solved only where they change.

#include <cstdint>
#include <span>
#include <vector>

namespace tandem {

/// Max-min fairness by progressive filling (Bertsekas and Gallager, "Data Networks", section 6.5.2): all rates rise
/// together; a link that fills up at a level fixes its flows there. A set of flows has one solution, bit for bit: rates
/// are whole multiples of a unit, so sums are exact, and all links that fill up at one level fix their flows alike.
///
/// A change replays the filling upwards for the links it touches. A link joins the replay when one of its flows is
/// fixed at another rate than before, or is released: still rising beyond it. All others keep their level, and their
/// flows their rates. On a link of the replay, too, flows that other links hold lower are taken to keep their rates as
/// long as its share stays above them; by a unit per flow, so that rounding cannot make a difference to the whole
/// filling. A link that filled up at no level stays out as long as the new rates leave it room; else the replay starts
/// again with it.
class FlowShares {
 public:
  explicit FlowShares(std::span<const double> bytes_per_second);

  /// True where nobody else uses its links: its rate holds at once, without a solve().
  bool join(std::uint32_t flow, std::span<const std::uint32_t> links);
  void leave(std::uint32_t flow);
  /// Appends the flows whose rate is not what it was.
  void solve(std::vector<std::uint32_t>& changed);
  bool solved() const { return joined_.empty() && touched_.empty(); }
  double bytes_per_second(std::uint32_t flow) const { return static_cast<double>(flows_[flow].rate) * unit_; }
  /// Of a flow that is alone on these links.
  double bytes_per_second_alone(std::span<const std::uint32_t> links) const {
    return static_cast<double>(narrowest(links)) * unit_;
  }
  std::uint32_t flows_on(std::uint32_t link) const { return links_[link].flows; }
  /// Of each of `flows` that are on this link alone.
  double equal_share(std::uint32_t link, std::uint32_t flows) const {
    return static_cast<double>(links_[link].capacity / flows) * unit_;
  }

 private:
  __extension__ using Rate = unsigned __int128;
  static constexpr Rate kNoLevel = ~Rate{0};
  static constexpr std::uint32_t kNone = ~std::uint32_t{0};
  static constexpr int kRateBits = 94;

  struct Link {
    Rate capacity = 0;
    Rate total = 0;               ///< of the rates of its flows
    Rate level = kNoLevel;        ///< at which it filled up; kNoLevel where others hold all its flows lower
    Rate asked = 0;               ///< at most, by flows that have joined since the last solve
    std::uint32_t first = kNone;  ///< hop
    std::uint32_t flows = 0;
    bool touched = false;

    std::uint32_t replay = 0;  ///< the last replay that it took part in; there:
    Rate from = 0;             ///< flows of lower old rates keep them, unless released
    Rate highest_kept = 0;     ///< of those, at most
    Rate share = 0;            ///< left / rising when it was looked at last
    Rate left = 0;             ///< the capacity, less the rates of fixed flows and of those that keep theirs
    std::uint32_t rising = 0;  ///< flows not yet fixed
    std::uint32_t fixed_there = 0;
    Rate fixed_level = 0;  ///< the last level at which flows of it were fixed, `fixed_there` of them
    Rate next_level = kNoLevel;
  };
  struct Flow {
    Rate rate = 0;  ///< 0 until solved
    Rate next_rate = 0;
    std::uint32_t first = kNone;  ///< hop
    std::uint32_t fixed = 0;      ///< the last replay that fixed it
    std::uint32_t announced = 0;  ///< the last replay that will look at it at its old rate
    std::uint32_t released = 0;   ///< the last replay in which it rose beyond its old rate
  };
  /// A flow on one of its links: a member of the link's list, and of the flow's.
  struct Hop {
    std::uint32_t flow, link, before, after, next;
  };
  /// A link fills up; it filled up before; a link outside the replay fixes a flow. At one level in this order.
  enum class Kind : std::uint32_t { fill, filled_before, hold };
  struct Occasion {
    Rate level;
    std::uint32_t id;
    Kind kind;
  };

  std::uint32_t enter(std::uint32_t flow, std::uint32_t link);
  void leave_link(std::uint32_t hop);
  void start_alone(std::uint32_t flow, std::span<const std::uint32_t> links);
  void touch(std::uint32_t link);
  void touch_routes(std::uint32_t flow);
  void touch_crowded(std::uint32_t flow);
  Rate narrowest(std::uint32_t flow);
  Rate narrowest(std::span<const std::uint32_t> links) const;

  void replay();
  Rate lowest_level() const;
  void enlist(std::uint32_t link);
  void count_rising(std::uint32_t link, Rate level);
  bool count(std::uint32_t link, Rate from);
  void count_fewer(std::uint32_t link, Rate level);
  void look_ahead(std::uint32_t link);
  void announce(std::uint32_t flow);
  void push(Occasion occasion);
  void fill(std::uint32_t link, Rate level);
  void release_flows(std::uint32_t link, Rate level);
  void pass(std::uint32_t flow, Rate level);
  void release(std::uint32_t flow);
  void let_rise(std::uint32_t link, Rate old_rate);
  void fix(std::uint32_t flow, Rate level);
  bool takes_part(const Link& link) const { return link.replay == replay_; }
  bool is_fixed(const Flow& flow) const { return flow.fixed == replay_; }
  bool keeps_rate(const Link& link, const Flow& flow) const {
    return flow.rate != 0 && flow.rate < link.from && flow.released != replay_;
  }
  bool rises_on(const Link& link, const Flow& flow) const { return !is_fixed(flow) && !keeps_rate(link, flow); }
  bool holds_from_outside(const Link& link) const { return !takes_part(link) && link.level != kNoLevel; }

  bool leaves_room();
  void swap_rates();
  void keep(std::vector<std::uint32_t>& changed);

  template <class Visit>
  void for_each_link(std::uint32_t flow, Visit visit) {
    for (std::uint32_t hop = flows_[flow].first; hop != kNone; hop = hops_[hop].next) visit(hops_[hop].link);
  }

  std::vector<Link> links_;
  std::vector<Flow> flows_;
  std::vector<Hop> hops_;
  std::uint32_t free_hop_ = kNone;
  std::vector<std::uint32_t> joined_, touched_;  ///< flows and links since the last solve
  std::vector<std::uint32_t> part_;              ///< links of the replay
  std::vector<std::uint32_t> changed_;           ///< flows that the replay has fixed at another rate
  std::vector<Occasion> ahead_;                  ///< a heap, the lowest level in front
  std::uint32_t replay_ = 0;
  double unit_;  ///< of a Rate, in bytes per second
};

}  // namespace tandem
