#include <fmt/format.h>

#include <cmath>

#include "tools/check.hpp"
#include "tools/output.hpp"
#include "tools/wrapped.hpp"

namespace tandem {
namespace {

std::string order_line(const Comparison& comparison) {
  if (!comparison.order.identical) return "order    differs: " + comparison.order.difference + "\n";
  if (comparison.edges.violated > 0)
    return fmt::format("order    {} edges violated, first: {}\n", comparison.edges.violated, comparison.edges.first);
  return "order    identical on every stream\n";
}

std::string memory_line(const CheckResult& result) {
  const MemoryComparison& memory = result.comparison.memory;
  std::string text = memory.identical ? "memory   identical to the byte, by class; peaks:" : "memory   differs:";
  constexpr std::size_t kShown = 8;
  for (std::size_t w = 0; w < memory.workers.size() && w < kShown; ++w) {
    const WorkerMemory& worker = memory.workers[w];
    if (memory.identical)
      text += fmt::format("{} {}", w == 0 ? "" : ",", to_text(worker.measured.total));
    else if (!worker.identical)
      text += fmt::format(" {} predicted {} bytes, measured {};", result.job.program.workers()[w].name,
                          worker.predicted.total.count, worker.measured.total.count);
  }
  return text + (memory.workers.size() > kShown ? ", ...\n" : "\n");
}

std::string numbers_line(const NumbersComparison& numbers) {
  const std::string bits = numbers.bit_identical ? "bit-identical to the same steps on one thread"
                                                 : "NOT bit-identical to one thread: " + numbers.difference;
  const int decimals = numbers.tolerance < 1e-3 ? 0 : 1;
  std::string text =
      fmt::format("numbers  {};\n         gradients{} within {:.1e} of the whole model in double (allowed {:.{}e})\n",
                  bits, numbers.by_descent ? " by sgd" : "", numbers.max_relative_error, numbers.tolerance, decimals);
  if (numbers.turned > 0)
    text += fmt::format("         {} within rounding of a kink: within {:.1e} beside what turning {} changes\n",
                        numbers.turned == 1 ? "one decision is" : fmt::format("{} decisions are", numbers.turned),
                        numbers.unexplained_error, numbers.turned == 1 ? "it" : "them");
  return text;
}

std::string statistics_lines(const Job& job) {
  const std::vector<std::string> layers = own_statistics(job);
  if (layers.empty()) return "";
  const std::string which = layers.size() == 1 ? layers[0] : fmt::format("{}, ... {} layers", layers[0], layers.size());
  return wrapped(fmt::format("batch statistics are of each replica's own micro-batches ({}): the result depends on the "
                             "number of replicas; --sync-batch-norm on makes it independent",
                             which),
                 std::string(9, ' '));
}

/// Layers that are repeated add work; statistics taken apart count a little differently.
std::string work_line(const Job& job) {
  const WorkComparison work = compare_work(job);
  std::string text = fmt::format("work     {:.4g} GFLOP an iteration, ", work.executed.real() / 1e9);
  constexpr double kRounding = 1e-5;  // a few values a micro-batch, whatever its size
  if (std::abs(work.beyond()) < kRounding) return text + "the model's: none is repeated\n";
  return text + fmt::format("{:+.2g} % beside the model's {:.4g}\n", 100 * work.beyond(), work.model.real() / 1e9);
}

std::string counted(std::int64_t count, std::string_view noun) {
  return fmt::format("{} {}{}", count, noun, count == 1 ? "" : "s");
}

std::string timed_text(const CheckResult& result) {
  return counted(static_cast<std::int64_t>(result.comparison.iteration.iterations), "iteration") + " of " +
         counted(result.runs, "run");
}

std::string each_text(const SteadyFigures& figures) {
  return figures.per_micro_batch ? time_text(*figures.per_micro_batch) : "none";
}

std::string steady_line(const Comparison& comparison) {
  if (!comparison.steady) return "";
  const auto& [predicted, measured] = *comparison.steady;
  return fmt::format("steady   {}/{} a micro-batch, bubble {:.1f}/{:.1f} %; warm-up {}/{}, drain {}/{}\n",
                     each_text(predicted), each_text(measured), 100 * predicted.bubble, 100 * measured.bubble,
                     time_text(predicted.warm_up), time_text(measured.warm_up), time_text(predicted.drain),
                     time_text(measured.drain));
}

/// Of the first workers; `own` counts each from its own first start to its own last end.
std::string bubble_lines(const Comparison& comparison) {
  constexpr std::size_t kShown = 8;
  std::string whole = "bubble  ", own = "   own   ";
  for (std::size_t w = 0; w < comparison.bubble.size() && w < kShown; ++w) {
    const BubbleComparison& bubble = comparison.bubble[w];
    whole += fmt::format(" {:.1f}/{:.1f} %", 100 * bubble.predicted, 100 * bubble.measured);
    own += fmt::format("{}{:.1f}/{:.1f} %", w == 0 ? "" : " ", 100 * bubble.own_predicted, 100 * bubble.own_measured);
  }
  return whole + " predicted/measured, by stage\n" + own + ", from own first start to own last end\n";
}

std::string time_lines(const CheckResult& result) {
  const IterationComparison& iteration = result.comparison.iteration;
  if (!result.times_compared)
    return fmt::format("time     predicted {} on {}; not compared with this machine's {} (--pace 1 follows that clock)\n",
                       time_text(iteration.predicted), result.job.cluster.name, time_text({iteration.measured.median}));
  const double off = result.roofline.value / iteration.measured.median - 1;
  std::string text = fmt::format(
      "time     predicted {}, measured {} ({} to {}, {}): error {:+.1f} %\n"
      "         steps: median error {:.1f} %, 95th percentile {:.1f} % of {}; roofline alone: {} ({:+.1f} %)\n",
      time_text(iteration.predicted), time_text({iteration.measured.median}), time_text({iteration.measured.p10}),
      time_text({iteration.measured.p90}), timed_text(result), 100 * iteration.error, 100 * result.comparison.steps.median,
      100 * result.comparison.steps.p95, result.comparison.steps.count, time_text(result.roofline), 100 * off);
  constexpr double kBehind = -0.25;
  if (result.pace && iteration.error < kBehind)
    text += fmt::format("         this machine cannot keep up with that clock: try --pace {:.2g}\n",
                        2 * *result.pace * iteration.measured.median / iteration.predicted.value);
  return text + bubble_lines(result.comparison) + steady_line(result.comparison);
}

std::string machine_line(const CheckResult& result) {
  const OtherLoad& load = result.load;
  if (load.others + load.stolen <= kQuiet)
    return fmt::format("machine  quiet: others used at most {:.1f} % of its {} cores during a run\n",
                       100 * (load.others + load.stolen), result.cores);
  return fmt::format("machine  busy with something else: others used up to {:.0f} % of its {} cores, {:.0f} % was stolen;\n"
                     "         times of this check say little about the prediction\n",
                     100 * load.others, result.cores, 100 * load.stolen);
}

}  // namespace

std::string verdict_text(const CheckResult& result, const CheckOptions& options) {
  std::string text = order_line(result.comparison) + memory_line(result) + numbers_line(result.numbers) +
                     statistics_lines(result.job) + work_line(result.job) + time_lines(result) + machine_line(result);
  if (options.tolerance && result.times_compared && std::abs(result.comparison.iteration.error) > *options.tolerance)
    text += fmt::format("time is outside the tolerance of {:.1f} %\n", 100 * *options.tolerance);
  return text + (result.agrees ? "verdict  agree\n" : "verdict  disagree\n");
}

}  // namespace tandem
