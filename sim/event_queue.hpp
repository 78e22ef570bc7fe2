#pragma once
// The event queue: a monotone priority queue on virtual time whose cost does not grow with what is pending.

#include <array>
#include <bit>
#include <cstdint>
#include <vector>

namespace tandem {

/// What happens at an instant; `kind` and `id` mean what the owner of the queue says they mean.
struct Event {
  std::int64_t time;  ///< picoseconds
  std::uint32_t id;
  std::uint32_t kind;
};

/// A radix heap (Ahuja, Mehlhorn, Orlin, Tarjan, "Faster algorithms for the shortest path problem", JACM 1990) with
/// digits of several bits. Virtual time never runs backwards, so an event needs to be sorted only by the highest digit
/// in which it differs from now; as now advances it falls to lower digits, at most once per digit.
///
/// 1. push() takes times >= now() only. 2. pop_batch() hands out all events of the earliest instant at once.
/// 3. Nothing is allocated once the buckets have grown to their working size.
class EventQueue {
 public:
  void push(Event event) {
    const auto difference = static_cast<std::uint64_t>(event.time ^ now_);
    const int level = difference == 0 ? 0 : (63 - std::countl_zero(difference)) / kDigitBits;
    const auto digit = static_cast<std::uint32_t>(event.time >> (level * kDigitBits)) % kDigits;
    buckets_[static_cast<std::size_t>(level)][digit].push_back(event);
    used_digits_[static_cast<std::size_t>(level)] |= std::uint64_t{1} << digit;
    used_levels_ |= 1u << level;
  }

  /// Advances now() to the earliest pending time and replaces `batch` by all events of it; false when none is pending.
  bool pop_batch(std::vector<Event>& batch);

  std::int64_t now() const { return now_; }
  /// Is an event of this instant pending?
  bool more_now() const { return (used_digits_[0] >> (static_cast<std::uint64_t>(now_) % kDigits) & 1) != 0; }

 private:
  static constexpr int kDigitBits = 6;
  static constexpr std::uint32_t kDigits = 1u << kDigitBits;
  static constexpr std::size_t kLevels = 63 / kDigitBits + 1;
  using Bucket = std::vector<Event>;

  void scatter(Bucket& bucket, std::vector<Event>& batch);

  std::int64_t now_ = 0;
  std::uint32_t used_levels_ = 0;
  std::array<std::uint64_t, kLevels> used_digits_{};
  std::array<std::array<Bucket, kDigits>, kLevels> buckets_;
};

}  // namespace tandem
