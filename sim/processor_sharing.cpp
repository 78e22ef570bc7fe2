#include "sim/processor_sharing.hpp"

#include <algorithm>
#include <cmath>

#include "base/error.hpp"
#include "sim/clock.hpp"

namespace tandem {

ProcessorSharing::ProcessorSharing(const SharedResource& resource) : resource_(&resource) {
  invariant(resource.capacity > 0, "a shared resource has a positive capacity");
  const auto positive = [](double factor) { return factor > 0; };
  invariant(std::all_of(resource.slowdown.begin(), resource.slowdown.end(), positive), "a slowdown is positive");
  set_rate();
}

void ProcessorSharing::add(std::int64_t now, std::uint32_t job, std::int64_t work) {
  advance(now);
  jobs_.push_back({progress_ + (Progress{work} << kFractionBits), job});
  std::push_heap(jobs_.begin(), jobs_.end(), ends_later);
  set_rate();
  set_next_end();
}

void ProcessorSharing::finish_due(std::int64_t now, std::vector<std::uint32_t>& finished) {
  if (now < next_end_) return;
  advance(now);
  do {
    finished.push_back(jobs_.front().id);
    std::pop_heap(jobs_.begin(), jobs_.end(), ends_later);
    jobs_.pop_back();
    set_rate();
  } while (!jobs_.empty() && time_left() < 0.5);
  if (jobs_.empty()) progress_ = 0;
  set_next_end();
}

void ProcessorSharing::set_next_end() {
  if (jobs_.empty()) {
    next_end_ = kNever;
  } else if (rate_.stretch == 1.0) {  // exact, however long
    const Progress left = jobs_.front().end - progress_;
    next_end_ = later(time_, static_cast<std::int64_t>((left + (Progress{1} << (kFractionBits - 1))) >> kFractionBits));
  } else {
    next_end_ = later(time_, to_whole_picoseconds(time_left()));
  }
}

double ProcessorSharing::time_left() const {
  const Progress left = jobs_.front().end - progress_;
  const auto whole = static_cast<std::int64_t>(left >> kFractionBits);
  const auto fraction = static_cast<std::int64_t>(left - (Progress{whole} << kFractionBits));
  return (static_cast<double>(whole) + std::ldexp(static_cast<double>(fraction), -kFractionBits)) * rate_.stretch;
}

void ProcessorSharing::advance(std::int64_t now) {
  invariant(now >= time_, "virtual time runs forward");
  const std::int64_t elapsed = now - time_;
  time_ = now;
  if (jobs_.empty() || elapsed == 0) return;
  progress_ += Progress{elapsed} * rate_.progress;
  occupancy_ += static_cast<double>(elapsed) * std::min(static_cast<double>(jobs_.size()), resource_->capacity);
}

void ProcessorSharing::set_rate() {
  while (rates_.size() <= jobs_.size()) rates_.push_back(rate_of(rates_.size()));
  rate_ = rates_[jobs_.size()];
}

ProcessorSharing::Rate ProcessorSharing::rate_of(std::size_t jobs) const {
  const std::vector<double>& slowdown = resource_->slowdown;
  const double slower = slowdown.empty() ? 1.0 : slowdown[std::min(jobs, slowdown.size() - 1)];
  const double stretch = slower * std::max(1.0, static_cast<double>(jobs) / resource_->capacity);
  return {static_cast<std::int64_t>(std::ldexp(1.0, kFractionBits) / stretch), stretch};
}

}  // namespace tandem
