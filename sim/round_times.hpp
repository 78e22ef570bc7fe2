#pragma once
// The rounds of one group's collective as arrays: who sends to whom, and how long that takes with nobody in the way.

#include <cstdint>
#include <span>
#include <vector>

#include "plan/prices.hpp"
#include "plan/program.hpp"

namespace tandem {

class SharedHardware;

/// A link is a member's own where no message of the collective goes over it but those that this member sends, or but
/// those that it receives. A member has one of each under way at a time; so, as long as a collective has all links of
/// its routes to itself, and each is some member's own, no message of it ever waits for another.
class RoundTimes {
 public:
  static constexpr std::int64_t kUneven = -1;
  static constexpr std::int64_t kLongest = std::int64_t{1} << 61;

  /// One round, by rank. Who sends nothing sends to itself in no time; who receives nothing receives from itself.
  struct Round {
    std::span<const std::uint32_t> to, from;
    std::span<const std::int64_t> time;  ///< of what is sent: latency, and its bytes alone on their links
  };

  /// Who uses a link; kNoRank: several.
  struct Users {
    std::uint32_t sender = kNoRank, receiver = kNoRank;
    bool any = false;
  };

  /// Keeps the rounds if they take no more than `room` entries, and takes that from `room`; else round() reckons each
  /// anew. `users`: by link, scratch, as it was afterwards. All other arguments must outlive this.
  RoundTimes(const CollectiveSpec& spec, const CollectivePrice& price, const Prices& prices,
             const SharedHardware& hardware, std::vector<Users>& users, std::size_t& room);

  /// Whether the collective can be foreseen. Each member needs something of every other one, so none ends before all
  /// have come; messages are not moved by cores; all have a latency, so what a round begins happens later than it; each
  /// link is some member's own; and all of it takes less than kLongest.
  bool foreseeable() const { return foreseeable_; }

  std::uint32_t ranks() const { return spec_->shape.ranks; }
  std::uint32_t rounds() const { return static_cast<std::uint32_t>(left_.size()) - 1; }
  /// Valid until the next call.
  Round round(std::uint32_t index);
  /// How long rounds index, index + 1, ... take together when all members enter the first of them at once, and all end
  /// each at once; kUneven where they don't.
  std::int64_t left(std::uint32_t index) const { return left_[index]; }
  /// From this round on each member has been in an exchange.
  std::uint32_t all_begun() const { return all_begun_; }
  std::span<const std::uint32_t> links_of(std::uint32_t rank) const {
    return {links_.data() + first_link_[rank], links_.data() + first_link_[rank + 1]};
  }

 private:
  bool all_need_all() const;
  bool moves_by_links() const;
  bool find_owners(std::vector<Users>& users);
  void time_rounds(std::size_t& room);
  bool take_in(std::uint32_t index, std::vector<bool>& begun);
  void reckon(std::uint32_t index);
  std::size_t entry(std::uint32_t index) const { return kept_ ? std::size_t{index} * ranks() : 0; }
  template <class Visit>
  void for_each_link(Visit visit) const;

  const CollectiveSpec* spec_;
  const CollectivePrice* price_;
  const Prices* prices_;
  const SharedHardware* hardware_;
  bool foreseeable_ = false, kept_ = false;
  std::uint32_t all_begun_ = 0;
  std::int64_t longest_ = 0;  ///< of all rounds, each by its slowest message
  std::vector<std::uint32_t> first_link_, links_;  ///< by rank: its own
  std::vector<std::int64_t> left_;                 ///< by round, and 0 beyond the last
  std::vector<std::uint32_t> to_, from_;           ///< of all rounds where they are kept, else of one
  std::vector<std::int64_t> time_;
  std::vector<RoundExchange> exchanges_;           ///< of the round that is reckoned
  std::vector<std::uint32_t> last_peer_;           ///< by rank: where the search for its next route begins
};

}  // namespace tandem
