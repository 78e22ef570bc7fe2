#pragma once
// A link that no route takes together with another: its flows share it equally, whatever happens elsewhere.

#include <cstdint>
#include <limits>
#include <vector>

#include "sim/flow_network.hpp"
#include "sim/flow_progress.hpp"

namespace tandem {

/// What FlowNetwork would find, flow by flow and to the picosecond (it states the rounding), without looking for it: of
/// n flows on one link, and on no other, each has an n-th of the capacity, and all change their rates when n does.
class SeparateLink {
 public:
  /// `network`, of which it is a link, must outlive this.
  SeparateLink(const FlowNetwork& network, std::uint32_t link) : network_(&network), link_(link) {}

  /// Flow `flow` moves `bytes` > 0 since a time from when on it has been alone, or else since now. settle() is due.
  void add(std::int64_t since, std::uint32_t flow, double bytes);
  /// Appends the flows whose end is `now` or before, and forgets them. settle() is due.
  void finish_due(std::int64_t now, std::vector<std::uint32_t>& finished);
  /// Shares the link anew, once all of an instant have joined or left.
  void settle(std::int64_t now);
  /// As settle() found it last; kNever without flows.
  std::int64_t next_end() const { return next_end_; }
  static constexpr std::int64_t kNever = FlowNetwork::kNever;

  std::uint32_t flows() const { return static_cast<std::uint32_t>(flows_.size()); }

 private:
  struct Flow {
    FlowProgress progress;
    std::int64_t end;
    std::uint32_t id;
  };
  double share();

  const FlowNetwork* network_;
  std::uint32_t link_;
  std::vector<Flow> flows_;
  std::vector<double> shares_;  ///< by number of flows, as far as seen; 0: of none
  std::int64_t next_end_ = kNever;
};

}  // namespace tandem
