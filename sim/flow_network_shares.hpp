#pragma once
// Max-min fair rates of flows over links, re-solved only where they change.

#include <cstdint>
#include <span>
#include <vector>

namespace tandem {

/// Max-min fairness by progressive filling (Bertsekas and Gallager, "Data Networks", section 6.5.2): all rates rise
/// together; a link that fills up at a level fixes its flows there. A set of flows has one solution, bit for bit:
/// rates are whole multiples of a unit, so sums are exact, and all links that fill up at one level fix their flows alike.
///
/// A change replays the filling upwards for the links it touches. A link joins the replay when one of its flows is fixed
/// at another rate than before, or is still rising beyond it; all others keep their level, and their flows their rates.
/// A link that filled up at no level stays out as long as the new rates leave it room; else the replay starts again
/// with it.
class FlowShares {
 public:
  explicit FlowShares(std::span<const double> bytes_per_second);

  /// True where nobody else uses its links: its rate holds at once, without a solve().
  bool join(std::uint32_t flow, std::span<const std::uint32_t> links);
  void leave(std::uint32_t flow);
  /// Appends the flows whose rate is not what it was.
  void solve(std::vector<std::uint32_t>& changed);
  bool solved() const { return joined_.empty() && touched_.empty(); }
  double bytes_per_second(std::uint32_t flow) const;

 private:
  __extension__ using Rate = unsigned __int128;
  static constexpr Rate kNoLevel = ~Rate{0};
  static constexpr std::uint32_t kNone = ~std::uint32_t{0};
  static constexpr int kRateBits = 94;

  struct Link {
    Rate capacity = 0;
    Rate total = 0;              ///< of the rates of its flows
    Rate level = kNoLevel;       ///< at which it filled up; kNoLevel where others hold all its flows lower
    Rate left = 0;               ///< in a replay: the capacity that no fixed flow has
    Rate next_level = kNoLevel;  ///< in a replay: its new level
    Rate fixed_level = 0;        ///< in a replay: the last level at which a flow of it was fixed
    std::uint32_t fixed_there = 0;
    std::uint32_t rising = 0;    ///< in a replay: flows not yet fixed
    std::uint32_t replay = 0;    ///< the last replay that it took part in
    std::uint32_t first = kNone; ///< hop
    std::uint32_t flows = 0;
    bool touched = false;
  };
  struct Flow {
    Rate rate = 0;  ///< 0 until solved
    Rate next_rate = 0;
    std::uint32_t first = kNone;  ///< hop
    std::uint32_t replay = 0;     ///< the last replay that fixed it
  };
  /// A flow on one of its links: a member of the link's list, and of the flow's.
  struct Hop {
    std::uint32_t flow, link, before, after, next;
  };
  enum class Filling : std::uint32_t { kLink, kFlow };  ///< at one level links come first
  struct Event {
    Rate level;
    std::uint32_t id;
    Filling kind;
  };

  void enter(std::uint32_t flow, std::uint32_t link);
  void leave_link(const Hop& hop);
  void start_alone(Flow& flow, Rate narrowest);
  void touch(std::uint32_t link);
  void touch_routes_of_joined();
  Rate narrowest(const Flow& flow) const;

  void replay();
  void take_part(std::uint32_t link, Rate level);
  void push(Event event);
  void fill_link(std::uint32_t link, Rate level);
  void pass_flow(std::uint32_t flow, Rate level);
  void fix(std::uint32_t flow, Rate level);
  bool takes_part(const Link& link) const { return link.replay == replay_; }
  bool is_fixed(const Flow& flow) const { return flow.replay == replay_; }
  bool held_outside(const Flow& flow) const;

  bool apply_rates();
  void add_differences(bool back);

  std::vector<Link> links_;
  std::vector<Flow> flows_;
  std::vector<Hop> hops_;
  std::uint32_t free_hop_ = kNone;
  std::vector<std::uint32_t> joined_, touched_;  ///< since the last solve
  std::vector<std::uint32_t> part_;              ///< links of the replay
  std::vector<std::uint32_t> fixed_;             ///< flows fixed by the replay
  std::vector<Event> events_;                    ///< a heap, the lowest level in front
  std::uint32_t replay_ = 0;
  int unit_exponent_ = 0;  ///< a unit of Rate is 2^unit_exponent_ bytes per second
};

}  // namespace tandem
