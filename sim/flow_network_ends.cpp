#include "sim/flow_network_ends.hpp"

#include <algorithm>

namespace tandem {

namespace {

bool ends_later(const Event& a, const Event& b) { return a.time > b.time; }

}  // namespace

void FlowEnds::set(std::uint32_t flow, std::int64_t end) {
  if (flow >= flows_.size()) flows_.resize(flow + std::size_t{1});
  flows_[flow].end = end;
  if (end < flows_[flow].queued) push(flow, end);
}

void FlowEnds::push(std::uint32_t flow, std::int64_t time) {
  flows_[flow].queued = time;
  if (time > queue_.now()) {
    queue_.push({time, flow, 0});
  } else {
    early_.push_back({time, flow, 0});
    std::ranges::push_heap(early_, ends_later);
  }
}

std::int64_t FlowEnds::earliest() {
  while (!early_.empty() && !holds(early_.front())) follow(pop_early());
  if (!early_.empty()) return early_.front().time;
  do {
    for (; !batch_.empty(); batch_.pop_back()) {
      if (holds(batch_.back())) return batch_.back().time;
      follow(batch_.back());
    }
  } while (queue_.pop_batch(batch_));
  return kNever;
}

/// Appends the flows that end at `at`. They come in the order of their entries; ids put them in one that no history
/// shows.
void FlowEnds::take(std::int64_t at, std::vector<std::uint32_t>& finished) {
  const auto first = static_cast<std::ptrdiff_t>(finished.size());
  while (!early_.empty() && early_.front().time == at) finish(pop_early(), finished);
  if (queue_.now() == at) {
    for (const Event& entry : batch_) finish(entry, finished);
    batch_.clear();
  }
  if (!std::is_sorted(finished.begin() + first, finished.end())) std::sort(finished.begin() + first, finished.end());
}

bool FlowEnds::holds(const Event& entry) const {
  return flows_[entry.id].end == entry.time && flows_[entry.id].queued == entry.time;
}

/// An entry ahead of its flow's end goes there; one that another has replaced is dropped.
void FlowEnds::follow(const Event& entry) {
  const Flow& flow = flows_[entry.id];
  if (flow.queued == entry.time && flow.end != entry.time) push(entry.id, flow.end);
}

void FlowEnds::finish(const Event& entry, std::vector<std::uint32_t>& finished) {
  if (!holds(entry)) return follow(entry);
  finished.push_back(entry.id);
  flows_[entry.id] = {};
}

Event FlowEnds::pop_early() {
  std::ranges::pop_heap(early_, ends_later);
  const Event entry = early_.back();
  early_.pop_back();
  return entry;
}

}  // namespace tandem
