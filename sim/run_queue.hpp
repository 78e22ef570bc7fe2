#pragma once
// Cores that threads take in turns, as an operating system hands them out.

#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include "plan/prices.hpp"

namespace tandem {

/// A thread does its jobs one after the other, and keeps its core from job to job until it has none. A thread that is
/// woken takes the place of another thread of its worker that leaves at this instant; or begins, once it is awake, on
/// an idle core, best on the one that it was on; or waits for the one that it was on. It has to leave its core at a
/// tick of the clock at which others wait for that core and it has had it for a slice. A core that becomes idle takes
/// who waits longest for another one. So does Linux (kernel/sched/fair.c). With n threads that have work each that has
/// a core progresses at rate 1 / slowdown(n).
///
/// All that happens at an instant happens before settle() hands out the cores, so the order in which jobs join and end
/// at it changes nothing; threads that come at one instant are served in the order of their numbers.
///
/// Progress is an integer in units of 2^-60 ps, and the next end is reckoned only when a thread joins or leaves; so
/// looking more often changes nothing. A job ends at the picosecond nearest to its exact end; without slowdown it takes
/// exactly its price.
class RunQueue {
 public:
  struct Start {
    std::uint32_t job;
    std::int64_t time;
  };

  /// `resource` must outlive this. `worker_of`: by thread. Throws InvariantError where it has no core, a slowdown is
  /// not positive, or no time passes between ticks.
  RunQueue(const SharedResource& resource, const std::vector<std::uint32_t>& worker_of);

  /// Thread `thread` has `work` > 0 picoseconds to do at full rate. Of what it has not begun it first does what is
  /// `urgent`, then what has the lower number.
  void add(std::uint32_t thread, std::uint32_t job, std::int64_t work, bool urgent = false);
  /// Appends the jobs whose end is `now`, or before it, to `finished`, and forgets them.
  void finish_due(std::int64_t now, std::vector<std::uint32_t>& finished);
  /// Nothing else happens at this instant. Appends the jobs that get a core for the first time, and when they begin.
  /// Throws InputError where a job's end is beyond the clock's range.
  void settle(std::int64_t now, std::vector<Start>& started);
  /// When a job ends, or a thread must leave its core, if nobody joins; kNever without jobs. Holds from settle() on.
  std::int64_t next() const { return next_; }
  static constexpr std::int64_t kNever = std::numeric_limits<std::int64_t>::max();

  /// A thread of the worker has ended a job at this instant.
  bool has_left(std::uint32_t worker) const;
  /// Core-picoseconds so far.
  double occupancy() const { return occupancy_; }

 private:
  __extension__ using Progress = __int128;
  static constexpr int kFractionBits = 60;
  static constexpr std::uint32_t kNobody = 0xffffffff;

  struct Job {
    std::uint32_t id;
    bool has_begun, urgent;
    Progress left;
  };
  struct Thread {
    std::vector<Job> jobs;     ///< the first is next, or under way
    std::uint32_t worker;
    std::uint32_t core;        ///< that it has, waits for or had
    bool is_idle = true;
    std::int64_t waits_since = 0;
  };
  struct Core {
    Progress end{};            ///< of its thread's job
    std::uint32_t thread = kNobody;
    std::int64_t since = 0;    ///< when the thread got it
    std::vector<std::uint32_t> waiting{};  ///< who waits longest in front
  };
  struct Rate {
    std::int64_t progress;     ///< per picosecond, in units of 2^-60
    double stretch;            ///< picoseconds per picosecond of work
  };

  Rate rate_of(std::size_t threads) const;
  void advance(std::int64_t now);
  void continue_threads(std::int64_t now, std::vector<Start>& started);
  void wake(std::uint32_t thread, std::int64_t now, std::vector<Start>& started);
  void end_turn(Core& core, std::int64_t now, std::vector<Start>& started);
  void serve(std::uint32_t core, std::int64_t now, std::vector<Start>& started);
  std::uint32_t idle_core_for(const Thread& thread) const;
  Core& longest_waited_for();
  void wait_for(Core& core, std::uint32_t thread, std::int64_t now);
  void run(std::uint32_t thread, std::uint32_t core, std::int64_t since, std::int64_t begin,
           std::vector<Start>& started);
  std::uint32_t take_first(Core& core);
  bool is_idle(const Core& core) const { return core.thread == kNobody && core.waiting.empty(); }
  void set_next(std::int64_t now);
  double time_left(Progress end) const;

  const SharedResource* resource_;
  std::vector<Core> cores_;
  std::vector<Thread> threads_;
  std::vector<std::uint32_t> left_;     ///< cores whose thread has ended a job at this instant
  std::vector<std::uint32_t> joining_;  ///< threads, at this instant
  std::size_t running_ = 0, waiting_ = 0;
  std::vector<Rate> rates_;  ///< by number of threads, as far as seen
  Rate rate_{};
  Progress progress_ = 0;    ///< of who has a core, since nobody had
  std::int64_t time_ = 0;    ///< at which progress_ held
  std::int64_t next_ = kNever;
  double occupancy_ = 0;
};

}  // namespace tandem
