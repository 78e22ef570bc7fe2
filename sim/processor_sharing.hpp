#pragma once
// Processor sharing: jobs on one shared resource progress equally, so one number, the virtual progress, stands for all.

#include <cstdint>
#include <limits>
#include <vector>

#include "plan/prices.hpp"

namespace tandem {

/// With n jobs each progresses at rate(n) = min(1, capacity / n) / slowdown(n). A job of price w that joins at virtual
/// progress V ends at V + w, whoever joins or leaves meanwhile; so a heap on that end is all the state, a change costs
/// O(log n), and no other resource is touched.
///
/// Rounding, and what it guarantees:
/// 1. Progress is an integer in units of 2^-60 ps, and the next end is reckoned only when a job joins or leaves; so
///    looking more often, or joining in another order at one instant, changes nothing.
/// 2. A job ends at the picosecond nearest to its exact end. A job alone (slowdown(1) = 1) takes exactly its price;
///    k jobs that join at one instant, capacity 1, take exactly k times theirs while k x price < 2^53 ps.
///
/// The engine needs add(), finish_due(), next_end() and saturated(), all at non-decreasing times: another kind of
/// resource (max-min fairness over several links) answers the same four.
class ProcessorSharing {
 public:
  /// `resource` must outlive this. Throws InvariantError where its capacity or a slowdown is not positive.
  explicit ProcessorSharing(const SharedResource& resource);

  /// Job `job` joins at `now` with `work` > 0 picoseconds to do at full rate. Throws InputError where the next end is
  /// beyond the clock's range.
  void add(std::int64_t now, std::uint32_t job, std::int64_t work);
  /// Appends the jobs whose end is `now`, or before it, to `finished`, and forgets them.
  void finish_due(std::int64_t now, std::vector<std::uint32_t>& finished);
  /// When the next job ends if nobody joins; kNever without jobs.
  std::int64_t next_end() const { return next_end_; }
  static constexpr std::int64_t kNever = std::numeric_limits<std::int64_t>::max();

  /// As many jobs as capacity, or more.
  bool saturated() const { return static_cast<double>(jobs_.size()) >= resource_->capacity; }
  /// Time x min(jobs, capacity) so far, in picoseconds: of a host, its core-seconds.
  double occupancy() const { return occupancy_; }

 private:
  __extension__ using Progress = __int128;
  struct Job {
    Progress end;
    std::uint32_t id;
  };
  struct Rate {
    std::int64_t progress;  ///< per picosecond, in units of 2^-60
    double stretch;         ///< picoseconds per picosecond of work
  };
  static constexpr int kFractionBits = 60;

  static bool ends_later(const Job& a, const Job& b) { return a.end > b.end; }
  Rate rate_of(std::size_t jobs) const;
  void advance(std::int64_t now);
  void set_rate();
  void set_next_end();
  double time_left() const;  ///< of the job that ends next

  const SharedResource* resource_;
  std::vector<Job> jobs_;    ///< a heap, the next to end in front
  std::vector<Rate> rates_;  ///< by number of jobs, as far as seen
  Rate rate_{};
  Progress progress_ = 0;    ///< of each job since the resource was last empty
  std::int64_t time_ = 0;    ///< at which progress_ held
  std::int64_t next_end_ = kNever;
  double occupancy_ = 0;
};

}  // namespace tandem
