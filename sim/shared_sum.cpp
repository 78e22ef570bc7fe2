#include "sim/shared_sum.hpp"

#include "base/error.hpp"
#include "sim/clock.hpp"
#include "sim/shared_line.hpp"
#include "sim/shared_sum_parts.hpp"
#include "sim/thread_scheduler.hpp"

namespace tandem {
namespace {

/// Threads whose update is a single step of their own; `update(core, time)` returns when it is done.
template <class Update>
Picoseconds run_updates(const SharingJob& job, const SharingCosts& costs, Picoseconds between, Update update) {
  require_valid(job);
  const std::int64_t start = to_picoseconds(costs.thread_start).count;
  ThreadScheduler scheduler(job.cores);
  std::vector<std::int64_t> left = terms_by_thread(job);
  std::vector<bool> started(left.size());
  for (std::uint32_t i = 0; i < left.size(); ++i)
    if (left[i] > 0) scheduler.ready(i, (i + 1) * start);
  const std::int64_t end = scheduler.run([&](std::uint32_t thread, std::uint32_t core, std::int64_t time) -> Turn {
    if (!started[thread]) return started[thread] = true, Turn{later(time, between.count), Turn::Next::go_on};
    const std::int64_t done = update(core, time);
    if (--left[thread] == 0) return {done, Turn::Next::end};
    return {later(done, between.count), Turn::Next::go_on};
  });
  return std::max(Picoseconds{end}, start_of_all(job, costs));
}

}  // namespace

void require_valid(const SharingJob& job) {
  invariant(job.terms > 0 && job.threads > 0 && job.cores > 0, "a shared sum has terms, threads and cores");
}

std::vector<std::int64_t> terms_by_thread(const SharingJob& job) {
  std::vector<std::int64_t> terms(static_cast<std::size_t>(job.threads), job.terms / job.threads);
  for (std::int64_t i = 0; i < job.terms % job.threads; ++i) ++terms[static_cast<std::size_t>(i)];
  return terms;
}

Picoseconds start_of_all(const SharingJob& job, const SharingCosts& costs) {
  return to_picoseconds(costs.thread_start * static_cast<double>(job.threads));
}

Picoseconds predict_serial_sum(const SharingJob& job, const SharingCosts& costs) {
  require_valid(job);
  return to_picoseconds(costs.term * static_cast<double>(job.terms));
}

Picoseconds predict_per_thread_sum(const SharingJob& job, const SharingCosts& costs) {
  require_valid(job);
  std::vector<std::int64_t> by_core(static_cast<std::size_t>(std::min(job.cores, job.threads)));
  const std::vector<std::int64_t> by_thread = terms_by_thread(job);
  for (std::size_t i = 0; i < by_thread.size(); ++i) by_core[i % by_core.size()] += by_thread[i];
  const auto most = static_cast<double>(*std::max_element(by_core.begin(), by_core.end()));
  const auto threads = static_cast<double>(job.threads);
  return to_picoseconds(costs.thread_start * threads + costs.term * most + costs.plain_update * threads);
}

Picoseconds predict_unsynchronised_sum(const SharingJob& job, const SharingCosts& costs) {
  SharedLine line(job.cores, to_picoseconds(costs.line_transfer).count);
  // The chain of updates and the terms' arithmetic overlap in one core: the slower one sets the pace.
  const Picoseconds pace = std::max(to_picoseconds(costs.term), to_picoseconds(costs.plain_update));
  return run_updates(job, costs, pace, [&](std::uint32_t core, std::int64_t time) {
    if (line.awaits(core, time)) return time;  // the value is in the store buffer still
    const std::int64_t seen = line.read(core, time);
    line.write_after_read(core, seen, 0);
    return seen;
  });
}

Picoseconds predict_atomic_sum(const SharingJob& job, const SharingCosts& costs) {
  SharedLine line(job.cores, to_picoseconds(costs.line_transfer).count);
  const std::int64_t alone = to_picoseconds(costs.atomic_update).count;
  std::int64_t written = 0;
  return run_updates(job, costs, to_picoseconds(costs.term), [&](std::uint32_t core, std::int64_t time) {
    const std::int64_t seen = line.read(core, time);
    const bool clash = written > seen;
    return written = line.write_after_read(core, seen, clash ? 2 * alone : alone);
  });
}

}  // namespace tandem
