// The event queue against a 4-ary heap, in the hold model: with n events pending, pop the earliest and push one later
// (Jones, "An empirical comparison of priority-queue and event-set implementations", CACM 1986).

#include "sim/event_queue.hpp"

#include <benchmark/benchmark.h>

#include <algorithm>

#include "base/random.hpp"

namespace {

using namespace tandem;

class FourAryHeap {
 public:
  void push(Event event) {
    events_.push_back(event);
    std::size_t at = events_.size() - 1;
    for (; at > 0 && event.time < events_[(at - 1) / 4].time; at = (at - 1) / 4) events_[at] = events_[(at - 1) / 4];
    events_[at] = event;
  }
  Event pop() {
    const Event top = events_.front(), last = events_.back();
    events_.pop_back();
    if (!events_.empty()) sink(last);
    return top;
  }
  bool pop_batch(std::vector<Event>& batch) {
    batch.clear();
    if (events_.empty()) return false;
    do batch.push_back(pop());
    while (!events_.empty() && events_.front().time == batch.front().time);
    return true;
  }

 private:
  void sink(const Event& last) {
    std::size_t at = 0;
    for (std::size_t child = 1; child < events_.size(); child = 4 * at + 1) {
      const auto first = events_.begin() + static_cast<std::ptrdiff_t>(child);
      const auto end = events_.begin() + static_cast<std::ptrdiff_t>(std::min(child + 4, events_.size()));
      const auto least = std::min_element(first, end, [](const Event& a, const Event& b) { return a.time < b.time; });
      if (least->time >= last.time) break;
      events_[at] = *least;
      at = static_cast<std::size_t>(least - events_.begin());
    }
    events_[at] = last;
  }

  std::vector<Event> events_;
};

/// Delays of a pipeline: a few prices of milliseconds, none alike to the picosecond.
std::vector<std::int64_t> delays() {
  std::vector<std::int64_t> values;
  for (std::uint64_t i = 0; i < 4096; ++i) {
    const std::uint64_t delay = (1 + below_at(1, 0, i, 3)) * 1'000'000'000 + below_at(1, 1, i, 100'000'000);
    values.push_back(static_cast<std::int64_t>(delay));
  }
  return values;
}

template <class Queue>
void hold(benchmark::State& state) {
  const std::vector<std::int64_t> later = delays();
  Queue queue;
  std::vector<Event> batch;
  std::size_t next = 0;
  for (std::int64_t i = 0; i < state.range(0); ++i) queue.push({later[next++ % later.size()] + i, 0, 0});
  std::int64_t events = 0;
  for (auto _ : state) {
    queue.pop_batch(batch);
    for (const Event& event : batch) queue.push({event.time + later[next++ % later.size()], event.id, event.kind});
    events += static_cast<std::int64_t>(batch.size());
  }
  state.SetItemsProcessed(events);
}

}  // namespace

BENCHMARK(hold<tandem::EventQueue>)->RangeMultiplier(8)->Range(8, 1 << 21);
BENCHMARK(hold<FourAryHeap>)->RangeMultiplier(8)->Range(8, 1 << 21);
