#include "sim/separate_link.hpp"

#include <algorithm>

#include "base/error.hpp"

namespace tandem {

void SeparateLink::add(std::int64_t since, std::uint32_t flow, double bytes) {
  invariant(bytes > 0, "a flow has bytes to move");
  flows_.push_back({FlowProgress::of(bytes, since), kNever, flow});
  if (flows_.size() > 1) return;
  flows_.front().progress.rate = share();
  flows_.front().end = flows_.front().progress.end();
}

void SeparateLink::finish_due(std::int64_t now, std::vector<std::uint32_t>& finished) {
  std::erase_if(flows_, [&](const Flow& flow) {
    const bool due = flow.end <= now;
    if (due) finished.push_back(flow.id);
    return due;
  });
}

void SeparateLink::settle(std::int64_t now) {
  next_end_ = kNever;
  if (flows_.empty()) return;
  const double rate = share();
  for (Flow& flow : flows_) {
    if (flow.progress.rate != rate) {
      flow.progress.change_rate(rate, now);
      flow.end = flow.progress.end();
    }
    next_end_ = std::min(next_end_, flow.end);
  }
}

double SeparateLink::share() {
  for (auto flows = static_cast<std::uint32_t>(shares_.size()); flows <= flows_.size(); ++flows)
    shares_.push_back(flows == 0 ? 0 : network_->equal_share(link_, flows));
  return shares_[flows_.size()];
}

}  // namespace tandem
