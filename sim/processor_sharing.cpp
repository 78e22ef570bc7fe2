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
}

void ProcessorSharing::finish_due(std::int64_t now, std::vector<std::uint32_t>& finished) {
  advance(now);
  while (!jobs_.empty() && std::llrint(time_left()) <= 0) {
    finished.push_back(jobs_.front().id);
    std::pop_heap(jobs_.begin(), jobs_.end(), ends_later);
    jobs_.pop_back();
    set_rate();
  }
  if (jobs_.empty()) progress_ = 0;
}

std::int64_t ProcessorSharing::next_end() const {
  invariant(!jobs_.empty(), "an idle resource has no next end");
  const Progress left = jobs_.front().end - progress_;
  if (rate_.stretch == 1.0) return later(time_, static_cast<std::int64_t>((left + (Progress{1} << 59)) >> kFractionBits));
  return later(time_, to_whole_picoseconds(time_left()));
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
