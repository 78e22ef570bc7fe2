// The lower bound: one rank at a time. Its actions with their heads and tails, allowed to be interrupted, take at least
// what Jackson's rule of the largest tail first gives (Carlier, "The one-machine sequencing problem", European Journal
// of Operational Research 1982).
#include <algorithm>
#include <queue>

#include "plan/automatic_schedule_parts.hpp"

namespace tandem {
namespace {

struct Job {
  std::int64_t head, time, tail;
};

/// Jackson's preemptive schedule.
std::int64_t preemptive_length(std::vector<Job> jobs) {
  std::sort(jobs.begin(), jobs.end(), [](const Job& a, const Job& b) { return a.head < b.head; });
  const auto by_tail = [](const Job& a, const Job& b) { return a.tail < b.tail; };
  std::priority_queue<Job, std::vector<Job>, decltype(by_tail)> ready(by_tail);
  std::int64_t now = 0, length = 0;
  for (std::size_t next = 0; next < jobs.size() || !ready.empty();) {
    if (ready.empty()) now = std::max(now, jobs[next].head);
    while (next < jobs.size() && jobs[next].head <= now) ready.push(jobs[next++]);
    Job job = ready.top();
    ready.pop();
    const std::int64_t end = next < jobs.size() ? std::min(now + job.time, jobs[next].head) : now + job.time;
    job.time -= end - now;
    now = end;
    if (job.time > 0) ready.push(job);
    else length = std::max(length, now + job.tail);
  }
  return length;
}

}  // namespace

std::int64_t lower_bound_of(const ScheduleProblem& problem, const Surroundings& around) {
  std::int64_t bound = 0;
  for (const auto& stages : problem.stages_of_rank) {
    std::vector<Job> jobs;
    for (const std::uint16_t stage : stages)
      for (const Part part : {Part::forward, Part::input_gradient, Part::weight_gradient})
        for (std::uint32_t batch = 0; batch < problem.micro_batches; ++batch) {
          const std::size_t cell = around.cell(stage, part, batch);
          jobs.push_back({around.head[cell], problem.time_of({stage, part}), around.tail[cell]});
        }
    bound = std::max(bound, preemptive_length(std::move(jobs)));
  }
  return bound;
}

}  // namespace tandem
