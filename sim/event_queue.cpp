#include "sim/event_queue.hpp"

#include <algorithm>

namespace tandem {

bool EventQueue::pop_batch(std::vector<Event>& batch) {
  batch.clear();
  if (used_levels_ == 0) return false;
  const auto level = static_cast<std::size_t>(std::countr_zero(used_levels_));
  const auto digit = static_cast<std::uint32_t>(std::countr_zero(used_digits_[level]));
  used_digits_[level] &= used_digits_[level] - 1;
  if (used_digits_[level] == 0) used_levels_ &= used_levels_ - 1;
  Bucket& bucket = buckets_[level][digit];
  if (level == 0 || bucket.size() == 1) {  // all of one instant
    now_ = bucket.front().time;
    batch.swap(bucket);
  } else {
    scatter(bucket, batch);
  }
  return true;
}

/// The bucket's events share every digit above its level, so once now() is the earliest of them the rest fall to lower
/// levels, or stay in buckets of this level that the sweep has not reached.
void EventQueue::scatter(Bucket& bucket, std::vector<Event>& batch) {
  now_ = std::min_element(bucket.begin(), bucket.end(), [](const Event& a, const Event& b) {
           return a.time < b.time;
         })->time;
  for (const Event& event : bucket) {
    if (event.time == now_) batch.push_back(event);
    else push(event);
  }
  bucket.clear();
}

}  // namespace tandem
