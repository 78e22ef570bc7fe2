#include <fmt/format.h>

#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <ostream>

#include "base/error.hpp"
#include "tools/command.hpp"
#include "tools/output.hpp"
#include "tools/reduce_text.hpp"

namespace tandem {
namespace {

constexpr std::int64_t kTermsMost = 1'000'000'000;
constexpr std::int64_t kFeaturesMost = 4096;
constexpr std::int64_t kThreadsMost = 256;
constexpr std::int64_t kRoundsMost = 1000;

CommandLine command_line() {
  std::string ways;
  for (const Accumulation& way : accumulations()) ways += fmt::format("\n  {:<15} {}", way.name, way.meaning);
  std::string sources;
  for (const RandomSource& source : random_sources())
    sources += fmt::format("\n  {:<15} {}", source.name, source.meaning);
  return {"tandem reduce [flags]",
          "Adds up the mean absolute error of a linear regression on several threads in several ways, predicts each\n"
          "from what a term, a lock and a cache line cost here, runs it, and shows time, lost updates and the error:" +
              ways + "\nWith --monte-carlo: three ways to have random numbers on 1, 2, 4 and 8 workers:" + sources,
          {{"accumulate", "WAY", "one of the ways above, beside the serial sum (default all)"},
           {"threads", "N", "threads that add up (default 4)"},
           {"terms", "N", "terms of the sum, or darts; 500k, 10M (default 2M)"},
           {"features", "N", "multiplications in a term (default 64)"},
           {"rounds", "N", "runs of each; median and spread are shown (default 5)"},
           {"seed", "N", "of the samples, or of the darts (default 1)"},
           {"monte-carlo", "", "the random-number question, on pi"}},
          0,
          {"tandem reduce", "tandem reduce --accumulate mutex --threads 4 --terms 10M --json",
           "tandem reduce --monte-carlo --terms 1M"}};
}

/// "10M": a whole number, or one with k, M or G behind it that makes it whole.
std::int64_t terms_from(const Arguments& arguments, std::int64_t fallback) {
  const auto text = arguments.text("terms");
  if (!text) return fallback;
  const std::string want = fmt::format("a whole number from 1 to {}, such as 10M", kTermsMost);
  std::string digits = *text;
  double factor = 1;
  for (const auto& [letter, times] : {std::pair{'k', 1e3}, {'M', 1e6}, {'G', 1e9}})
    if (digits.size() > 1 && digits.back() == letter) {
      factor = times;
      digits.pop_back();
      break;
    }
  if (digits.find_first_not_of("0123456789.") != std::string::npos)
    throw InputError("--terms: not a count", *text, want);
  double terms = 0;
  try {
    terms = parse_number(digits) * factor;
  } catch (const QuantityError& error) {
    throw InputError(fmt::format("--terms: {}", error.problem), *text, want);
  }
  if (terms < 1 || terms > static_cast<double>(kTermsMost) || std::floor(terms) < terms)
    throw InputError("--terms: out of range", *text, want);
  return std::llround(terms);
}

ReduceOptions reduce_options(const Arguments& arguments, Console& console) {
  ReduceOptions options;
  const std::string way = arguments.text("accumulate").value_or("all");
  if (way == "all")
    for (const Accumulation& row : accumulations()) options.ways.push_back(&row);
  else
    options.ways = {&find_accumulation(way)};
  options.terms = terms_from(arguments, options.terms);
  options.features = arguments.integer("features", 1, kFeaturesMost, options.features);
  options.threads = arguments.integer("threads", 1, kThreadsMost, options.threads);
  options.rounds = arguments.integer("rounds", 1, kRoundsMost, options.rounds);
  options.seed = static_cast<std::uint64_t>(
      arguments.integer("seed", 0, std::numeric_limits<std::int64_t>::max(), static_cast<std::int64_t>(options.seed)));
  options.stop = console.stop;
  return options;
}

MonteCarloOptions monte_carlo_options(const Arguments& arguments, Console& console) {
  for (const char* flag : {"accumulate", "threads", "features"})
    if (arguments.has(flag)) throw InputError(fmt::format("--{} does not go with --monte-carlo", flag));
  MonteCarloOptions options;
  options.darts = terms_from(arguments, options.darts);
  options.rounds = arguments.integer("rounds", 1, kRoundsMost, options.rounds);
  options.seed = static_cast<std::uint64_t>(
      arguments.integer("seed", 0, std::numeric_limits<std::int64_t>::max(), static_cast<std::int64_t>(options.seed)));
  options.stop = console.stop;
  return options;
}

/// Runs with a line of progress, which is gone before the result is printed.
template <class Options, class Run>
auto with_progress(Console& console, Options& options, Run run) {
  Progress progress(console, "reducing", 100);
  options.progress = [&](std::int64_t percent, std::string_view what) { progress.advance(percent, what); };
  return run(options);
}

int reduce_by_monte_carlo(const Arguments& arguments, Console& console) {
  MonteCarloOptions options = monte_carlo_options(arguments, console);
  const std::vector<MonteCarloRow> rows = with_progress(console, options, run_monte_carlo);
  if (arguments.has("json")) return print_json(console, monte_carlo_json(rows, options)), 0;
  return console.out << monte_carlo_text(rows, options), 0;
}

}  // namespace

int reduce_command(const std::vector<std::string>& words, Console& console) {
  const CommandLine line = command_line();
  const Arguments arguments = parse_arguments(line, words);
  if (arguments.has("help")) return console.out << help_text(line), 0;
  if (arguments.has("monte-carlo")) return reduce_by_monte_carlo(arguments, console);
  ReduceOptions options = reduce_options(arguments, console);
  const ReduceResult result = with_progress(console, options, run_reduce);
  if (arguments.has("json")) return print_json(console, reduce_json(result, options)), 0;
  return console.out << reduce_text(result, options), 0;
}

}  // namespace tandem
