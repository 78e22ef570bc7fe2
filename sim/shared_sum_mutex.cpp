#include <deque>

#include "base/error.hpp"
#include "sim/clock.hpp"
#include "sim/shared_line.hpp"
#include "sim/shared_sum_parts.hpp"
#include "sim/thread_scheduler.hpp"

namespace tandem {
namespace {

/// The lock's word: 0 free, 1 held, 2 held and somebody may be asleep.
enum class LockWord : std::uint8_t { free, held, contended };
/// Where a thread stands: what it has just done, whose effect comes now: an access to the word, or half a system call.
enum class Place : std::uint8_t { start, try_lock, mark_contended, fall_asleep, unlock, wake_one, leave_kernel };

struct SumThread {
  std::int64_t left;
  Place place = Place::start;
  bool asked = false;  ///< to write the word; has done so as its next step comes
};

/// N threads that lock, update and unlock, as lock() and unlock() of "Futexes Are Tricky" do, one step a call.
class FutexMutex {
 public:
  FutexMutex(const SharingJob& job, const SharingCosts& costs)
      : line_(job.cores, to_picoseconds(costs.line_transfer).count),
        term_(to_picoseconds(costs.term).count),
        access_(to_picoseconds(costs.locked_update * 0.5).count),
        half_refused_(to_picoseconds(costs.futex_refused * 0.5).count),
        half_wake_(to_picoseconds(costs.futex_wake * 0.5).count),
        latency_(to_picoseconds(costs.wake_latency).count),
        scheduler_(job.cores) {
    const std::int64_t start = to_picoseconds(costs.thread_start).count;
    for (const std::int64_t terms : terms_by_thread(job)) threads_.push_back({terms});
    for (std::uint32_t i = 0; i < threads_.size(); ++i)
      if (threads_[i].left > 0) scheduler_.ready(i, (i + 1) * start);
  }

  Picoseconds run() {
    const std::int64_t end = scheduler_.run(
        [this](std::uint32_t thread, std::uint32_t core, std::int64_t time) { return step(thread, core, time); });
    invariant(asleep_.empty() && word_ == LockWord::free, "the lock is free at the end and nobody waits for it");
    return {end};
  }

 private:
  Turn step(std::uint32_t id, std::uint32_t core, std::int64_t time) {
    SumThread& thread = threads_[id];
    if (writes_word(thread.place) && (thread.asked = !thread.asked))
      return {line_.write(core, time, access_), Turn::Next::go_on};
    switch (thread.place) {
      case Place::start:
      case Place::leave_kernel: return finish_term(thread, time);
      case Place::try_lock: return try_lock(thread, time);
      case Place::mark_contended: return mark_contended(thread, time);
      case Place::fall_asleep: return fall_asleep(id, time);
      case Place::unlock: return unlock(thread, time);
      case Place::wake_one: return wake_one(thread, time);
    }
    invariant(false, "a thread stands somewhere");
    return {};
  }

  static bool writes_word(Place place) {
    return place == Place::try_lock || place == Place::mark_contended || place == Place::unlock;
  }

  Turn go(SumThread& thread, Place place, std::int64_t time) {
    thread.place = place;
    return {time, Turn::Next::go_on};
  }

  Turn try_lock(SumThread& thread, std::int64_t time) {
    if (word_ == LockWord::free) return word_ = LockWord::held, go(thread, Place::unlock, time);
    if (word_ == LockWord::contended) return go(thread, Place::fall_asleep, later(time, half_refused_));
    return go(thread, Place::mark_contended, time);
  }

  Turn mark_contended(SumThread& thread, std::int64_t time) {
    const bool mine = word_ == LockWord::free;
    word_ = LockWord::contended;
    return mine ? go(thread, Place::unlock, time) : go(thread, Place::fall_asleep, later(time, half_refused_));
  }

  /// Half-way through the call the kernel looks at the word once more before the thread sleeps.
  Turn fall_asleep(std::uint32_t thread, std::int64_t time) {
    threads_[thread].place = Place::mark_contended;
    if (word_ != LockWord::contended) return {later(time, half_refused_), Turn::Next::go_on};
    asleep_.push_back(thread);
    return {time, Turn::Next::sleep};
  }

  Turn unlock(SumThread& thread, std::int64_t time) {
    --thread.left;
    const bool contended = word_ == LockWord::contended;
    word_ = LockWord::free;
    if (contended) return go(thread, Place::wake_one, later(time, half_wake_));
    return finish_term(thread, time);
  }

  /// Half-way through the call that wakes.
  Turn wake_one(SumThread& thread, std::int64_t time) {
    if (!asleep_.empty()) {
      scheduler_.ready(asleep_.front(), later(time, latency_));
      asleep_.pop_front();
    }
    return go(thread, Place::leave_kernel, later(time, half_wake_));
  }

  Turn finish_term(SumThread& thread, std::int64_t time) {
    if (thread.left == 0) return {time, Turn::Next::end};
    return go(thread, Place::try_lock, later(time, term_));
  }

  SharedLine line_;
  std::int64_t term_, access_, half_refused_, half_wake_, latency_;
  LockWord word_ = LockWord::free;
  std::vector<SumThread> threads_;
  std::deque<std::uint32_t> asleep_;
  ThreadScheduler scheduler_;
};

}  // namespace

Picoseconds predict_mutex_sum(const SharingJob& job, const SharingCosts& costs) {
  require_valid(job);
  return std::max(FutexMutex(job, costs).run(), start_of_all(job, costs));
}

}  // namespace tandem
