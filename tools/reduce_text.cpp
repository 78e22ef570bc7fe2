#include "tools/reduce_text.hpp"

#include <fmt/format.h>

#include "exec/bound_threads.hpp"
#include "tools/output.hpp"

namespace tandem {
namespace {

/// "12.3 ms (11.9 ms to 14 ms)".
std::string spread_text(const Spread& seconds) {
  return fmt::format("{} ({} to {})", time_text({seconds.median}),
                     time_text({seconds.least}), time_text({seconds.most}));
}

std::string lost_text(const Spread& lost, std::int64_t terms) {
  if (!(lost.most > 0)) return "none";
  return fmt::format("{:.0f} ({:.1f} %)", lost.median, 100 * lost.median / static_cast<double>(terms));
}

std::string costs_text(const SharingCosts& costs) {
  return fmt::format(
      "costs    a term {}; an update alone: plain {}, atomic {}, locked {}; a cache line to another core {};\n"
      "         futex: refused {}, wake {}, until the sleeper runs {}; a thread {}\n",
      time_text(costs.term), time_text(costs.plain_update), time_text(costs.atomic_update),
      time_text(costs.locked_update), time_text(costs.line_transfer), time_text(costs.futex_refused),
      time_text(costs.futex_wake), time_text(costs.wake_latency), time_text(costs.thread_start));
}

std::string machine_text(const ReduceResult& result) {
  return fmt::format("machine  others used {:.1f} % of its {} cores meanwhile{}\n",
                     100 * (result.others.others + result.others.stolen), result.cores,
                     result.others.others + result.others.stolen > 0.05
                         ? ": times say little about the prediction"
                         : "");
}

}  // namespace

std::string reduce_text(const ReduceResult& result, const ReduceOptions& options) {
  std::string text = fmt::format(
      "mean absolute error of a linear regression: {} terms of {} features on {} threads and {} cores, {} rounds\n",
      options.terms, options.features, options.threads, result.cores, options.rounds);
  text += costs_text(result.costs) + '\n';
  text += fmt::format("{:<15}{:>10}  {:<32}{:>8}  {:>12}  {:<17}{:>9}  {}\n", "", "predicted",
                      "measured (least to most)", "error", "speed-up p/m", "lost updates", "sum off", "same bits");
  const ReduceRow& serial = result.rows.front();
  for (const ReduceRow& row : result.rows)
    text += fmt::format("{:<15}{:>10}  {:<32}{:>6.1f} %  {:>6.2f}/{:.2f}  {:<17}{:>9.1e}  {}\n", row.way->name,
                        time_text(row.predicted), spread_text(row.measured_s), 100 * row.error(),
                        serial.predicted / row.predicted, serial.measured_s.median / row.measured_s.median,
                        lost_text(row.lost_updates, options.terms), row.relative_error, row.same_bits ? "yes" : "no");
  return text + '\n' + machine_text(result);
}

std::string monte_carlo_text(const std::vector<MonteCarloRow>& rows, const MonteCarloOptions& options) {
  std::string text = fmt::format("pi from {} darts, {} rounds, {} cores\n", options.darts, options.rounds,
                                 usable_cores());
  for (const MonteCarloRow& row : rows) {
    text += fmt::format("\n{}: {}\n", row.source->name, row.source->meaning);
    for (const MonteCarloRun& run : row.runs)
      text += fmt::format("  {} worker{} pi {:.7f}  predicted {:>8}, measured {:<30} error {:+.1f} %\n", run.workers,
                          run.workers == 1 ? " " : "s", run.pi, time_text(run.predicted), spread_text(run.measured_s),
                          100 * (run.predicted.value / run.measured_s.median - 1));
    text += row.same_result() ? "  the same result for every number of workers\n"
                              : "  the result depends on the number of workers\n";
  }
  return text;
}

}  // namespace tandem
