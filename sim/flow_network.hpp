#pragma once
// Flows over routes of links: concurrent messages of a network share its links max-min fairly.

#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include "sim/flow_network_ends.hpp"
#include "sim/flow_network_shares.hpp"
#include "sim/flow_progress.hpp"

namespace tandem {

/// Flows over routes of links progress at max-min fair rates: each flow has a saturated link on which no flow is
/// faster.
///
/// Joins and leaves only note what they touch; the rates are solved once per instant, when next_end() is asked or time
/// moves on, and a flow is touched only where its rate changes (see flow_network_shares.hpp).
///
/// Rounding, and what it guarantees:
/// 1. A flow ends at the picosecond nearest to its exact end, and at least one picosecond after its last change of
///    rate. Its progress is reckoned only where its rate changes, so looking more often, adding in another order at one
///    instant, or renaming links and flows changes nothing.
/// 2. A flow alone on its links ends at its start + round(bytes / narrowest capacity). k flows of equal bytes that join
///    one link at one instant end at exactly k times that where bytes / capacity is whole and k times it < 2^50 ps.
/// 3. Rates are multiples of 2^-94 of the widest capacity, so their sums are exact and hold no trace of an order.
///
/// All times are picoseconds and never decrease. Flow ids are handles, dense from 0 and free again once finished.
class FlowNetwork {
 public:
  /// Capacity by link, each positive and within a factor of 2^50 of the widest. Throws InvariantError otherwise.
  explicit FlowNetwork(std::span<const double> bytes_per_second);

  /// Flow `flow` joins at `now` with `bytes` > 0 to move over `links` (not empty, none twice; the span must stay valid
  /// until the flow ends). No earlier end may be pending. Throws InputError where its end is beyond the clock: at once
  /// where its links are otherwise empty, from the next look where it shares one.
  void add(std::int64_t now, std::uint32_t flow, std::span<const std::uint32_t> links, double bytes) {
    add_since(now, now, flow, links, bytes);
  }
  /// As if it had joined at `since` <= `now`, and had been alone on its links until now.
  void add_since(std::int64_t since, std::int64_t now, std::uint32_t flow, std::span<const std::uint32_t> links,
                 double bytes);
  /// What a flow takes that is alone on its links.
  std::int64_t time_alone(std::span<const std::uint32_t> links, double bytes) const;
  std::uint32_t flows_on(std::uint32_t link) const { return shares_.flows_on(link); }
  /// Of each of `flows` that share a link equally.
  double equal_share(std::uint32_t link, std::uint32_t flows) const { return shares_.equal_share(link, flows); }
  /// Appends the flows whose end is `now` or before, in order of end and id, and forgets them.
  void finish_due(std::int64_t now, std::vector<std::uint32_t>& finished);
  /// When the next flow ends if nobody joins; kNever without flows.
  std::int64_t next_end();
  static constexpr std::int64_t kNever = std::numeric_limits<std::int64_t>::max();

  /// The rate of a flow that has not ended, as next_end() found it last.
  double bytes_per_second(std::uint32_t flow) const { return progress_[flow].rate; }

 private:
  void move_to(std::int64_t now);
  void change_rate(std::uint32_t flow);

  FlowShares shares_;
  FlowEnds ends_;
  std::vector<FlowProgress> progress_;  ///< by flow
  std::vector<std::uint32_t> changed_;  ///< flows of a new rate
  std::int64_t time_ = 0;
};

}  // namespace tandem
