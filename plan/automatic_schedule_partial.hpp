#pragma once
// A schedule that is being laid down from its start: what each rank could run next, and when. Private to the automatic
// scheduler.

#include <optional>
#include <vector>

#include "plan/automatic_schedule_order.hpp"

namespace tandem {

struct Candidate {
  Letter letter;
  std::int64_t start, end;
};

class PartialSchedule {
 public:
  explicit PartialSchedule(const ScheduleProblem& problem);

  /// The letters whose messages have been sent and for which the rank has room. Where B may be split both ways are
  /// offered only if splitting needs more memory: else I and W next to each other are never worse.
  void candidates(std::uint32_t rank, std::vector<Candidate>& found) const;
  void run(std::uint32_t rank, const Candidate& chosen);
  /// Takes back the rank's last letter, which must be the last that has run among its neighbours, too.
  void undo(std::uint32_t rank, std::int64_t free_before);
  void wait(std::uint32_t rank, std::int64_t until) { free_[rank] = until; }

  bool is_complete() const;
  const Order& order() const { return order_; }
  std::int64_t free(std::uint32_t rank) const { return free_[rank]; }
  std::int64_t held(std::uint32_t rank) const { return held_[rank]; }
  /// How many have run: the micro-batch of the next one.
  std::uint32_t done(std::uint32_t stage, Part part) const;

 private:
  std::optional<std::int64_t> forward_ready(std::uint32_t stage) const;
  std::optional<std::int64_t> backward_ready(std::uint32_t stage) const;
  std::int64_t growth(Letter letter) const;
  std::size_t cell(std::uint32_t stage, std::uint32_t batch) const { return stage * problem_.micro_batches + batch; }

  const ScheduleProblem& problem_;
  Order order_;
  std::vector<std::int64_t> free_, held_;                 ///< by rank
  std::vector<std::uint32_t> forwards_, backwards_, split_, weights_;  ///< by stage
  std::vector<std::int64_t> forward_end_, backward_end_;  ///< by stage and micro-batch
};

}  // namespace tandem
