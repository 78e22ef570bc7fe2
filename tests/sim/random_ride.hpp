#pragma once
// Random rides that cannot dead-lock, as plain descriptions that a law can change before they are built.

#include <rapidcheck.h>

#include <algorithm>
#include <map>
#include <numeric>
#include <tuple>

#include "tests/sim/scenario.hpp"

namespace tandem::test {

/// A compute step, or a message; `after` names earlier items, so the items stand in a topological order.
struct Item {
  bool is_message = false;
  std::size_t worker = 0, to = 0;  ///< `to`: of a message
  std::int64_t time = 0;           ///< of a compute step, or a message's transfer
  std::int64_t latency = 0;
  std::size_t link = 0;
  std::vector<std::size_t> after = {};
};

struct Draft {
  std::size_t workers = 1;
  std::vector<bool> forbids_overlap = {};
  std::int64_t cores = 0;    ///< shared by all compute steps; 0: exclusive workers
  bool cores_move = false;   ///< messages, too: no links
  std::size_t links = 0;     ///< shared by messages; 0: none is shared
  std::vector<Item> items = {};
};

struct BuiltDraft {
  Ride ride;
  std::vector<StepId> step;  ///< by item; of a message its send
};

/// Which resources a random draft may share.
enum class Sharing { none, some };

inline Item random_item(std::size_t workers, std::size_t index, std::size_t links) {
  Item item;
  item.worker = *rc::gen::inRange<std::size_t>(0, workers);
  item.is_message = workers > 1 && *rc::gen::arbitrary<bool>();
  item.to = (item.worker + *rc::gen::inRange<std::size_t>(1, workers + (workers == 1))) % workers;
  item.time = std::max<std::int64_t>(0, *rc::gen::inRange<std::int64_t>(-9, 50));
  item.latency = *rc::gen::inRange<std::int64_t>(0, 9);
  item.link = links > 0 ? *rc::gen::inRange<std::size_t>(0, links) : 0;
  for (std::int64_t edges = *rc::gen::inRange<std::int64_t>(0, 4); index > 0 && edges > 0; --edges)
    item.after.push_back(*rc::gen::inRange<std::size_t>(0, index));
  return item;
}

inline Draft random_draft(Sharing sharing) {
  Draft draft;
  draft.workers = *rc::gen::inRange<std::size_t>(1, 7);
  if (sharing == Sharing::some) {
    draft.cores = *rc::gen::inRange(0, 4);
    draft.cores_move = draft.cores > 0 && *rc::gen::arbitrary<bool>();
    draft.links = draft.cores_move ? 0 : *rc::gen::inRange<std::size_t>(0, 3);
  }
  for (std::size_t i = 0; i < draft.workers; ++i)
    draft.forbids_overlap.push_back(sharing == Sharing::some && *rc::gen::inRange(0, 3) == 0);
  const std::size_t items = *rc::gen::inRange<std::size_t>(0, 60);
  for (std::size_t i = 0; i < items; ++i) draft.items.push_back(random_item(draft.workers, i, draft.links));
  return draft;
}

/// `place`: the position at which each worker is added, so that a permutation renames the workers.
inline BuiltDraft build(const Draft& draft, const std::vector<std::size_t>& place) {
  Scenario scenario;
  const std::uint32_t cores = draft.cores > 0 ? scenario.cores(draft.cores) : kExclusive;
  std::vector<std::uint32_t> links;
  for (std::size_t i = 0; i < draft.links; ++i) links.push_back(scenario.link());
  std::vector<WorkerId> workers(draft.workers);
  std::vector<std::size_t> by_place(draft.workers);
  for (std::size_t i = 0; i < draft.workers; ++i) by_place[place[i]] = i;
  for (const std::size_t i : by_place) workers[i] = scenario.worker(cores, draft.forbids_overlap[i]);

  std::vector<StepId> last(draft.items.size());              // building-time id that later items wait for
  std::vector<std::uint32_t> position(draft.items.size());   // in its compute stream, or of its message
  std::vector<std::uint32_t> counts(draft.workers, 0);
  std::uint32_t messages = 0;
  for (std::size_t i = 0; i < draft.items.size(); ++i) {
    const Item& item = draft.items[i];
    if (item.is_message) {
      const std::uint32_t link = links.empty() ? kExclusive : links[item.link];
      const MessageId message = scenario.message(
          workers[item.worker], workers[item.to],
          {item.latency, item.time, link, draft.cores_move ? cores : kExclusive});
      for (const std::size_t edge : item.after) scenario.send_after(message, last[edge]);
      last[i] = scenario.builder().receive_of(message);
      position[i] = messages++;
    } else {
      last[i] = scenario.compute(workers[item.worker], item.time);
      for (const std::size_t edge : item.after) scenario.after(last[i], last[edge]);
      position[i] = counts[item.worker]++;
    }
  }
  BuiltDraft built{scenario.finish(), {}};
  const Program& program = built.ride.program;
  for (std::size_t i = 0; i < draft.items.size(); ++i) {
    const Item& item = draft.items[i];
    const Worker& worker = program.workers()[index_of(workers[item.worker])];
    const std::uint32_t first = index_of(program.stream(worker.compute).first);
    built.step.push_back(item.is_message ? program.messages()[position[i]].send
                                         : static_cast<StepId>(first + position[i]));
  }
  return built;
}

inline BuiltDraft build(const Draft& draft) {
  std::vector<std::size_t> place(draft.workers);
  std::iota(place.begin(), place.end(), 0);
  return build(draft, place);
}

/// Start and end of each item if nothing were shared and all could overlap: the longest path, item by item.
inline std::vector<Times> longest_paths(const Draft& draft) {
  std::map<std::tuple<std::size_t, int>, std::int64_t> stream_end;  // worker x (compute, send, receive)
  std::vector<Times> times;
  for (const Item& item : draft.items) {
    std::int64_t& first = stream_end[{item.worker, item.is_message ? 1 : 0}];
    std::int64_t& second = item.is_message ? stream_end[{item.to, 2}] : first;
    std::int64_t start = std::max(first, second);
    for (const std::size_t edge : item.after) start = std::max(start, times[edge].second);
    const std::int64_t end = start + item.time + (item.is_message ? item.latency : 0);
    first = second = end;
    times.emplace_back(start, end);
  }
  return times;
}

}  // namespace tandem::test
