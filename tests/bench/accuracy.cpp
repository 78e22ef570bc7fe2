// How far predictions are from real runs on this machine: model x pp x schedule, several times each.
//
// usage: bench_accuracy [--repeats N] [--models A,B] [--pp 1,2,4,8] [--schedules X,Y]
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iostream>
#include <map>
#include <sstream>

#include "base/error.hpp"
#include "timeline/quantile.hpp"
#include "tools/check.hpp"
#include "tools/host.hpp"
#include "tools/options.hpp"

namespace {

using namespace tandem;

struct Row {
  std::string label;
  std::int64_t workers = 0;
  std::vector<double> predicted, measured, spread, roofline_error, bubble_gap, step_error, others;
};

std::vector<std::string> split(const std::string& text) {
  std::vector<std::string> words;
  std::istringstream stream(text);
  for (std::string word; std::getline(stream, word, ',');) words.push_back(word);
  return words;
}

Plan plan_of(const std::string& model, std::int64_t pp, const std::string& schedule) {
  Plan plan;
  plan.model = model;
  plan.pipeline = pp;
  plan.schedule = schedule;
  plan.micro_batches = 8;
  plan.micro_batch_size = model == "mlp" ? 256 : 4;
  return plan;
}

void add_check(Row& row, const CheckResult& check) {
  const IterationComparison& iteration = check.comparison.iteration;
  row.predicted.push_back(iteration.predicted.value);
  row.measured.push_back(iteration.measured.median);
  row.spread.push_back((iteration.measured.p90 - iteration.measured.p10) / iteration.measured.median);
  row.roofline_error.push_back(check.roofline.value / iteration.measured.median - 1);
  row.step_error.push_back(check.comparison.steps.median);
  row.others.push_back(check.load.others + check.load.stolen);
  double gap = 0;
  for (const BubbleComparison& bubble : check.comparison.bubble) gap += (bubble.predicted - bubble.measured);
  row.bubble_gap.push_back(gap / static_cast<double>(check.comparison.bubble.size()));
}

std::vector<double> errors(const Row& row) {
  std::vector<double> result;
  for (std::size_t i = 0; i < row.predicted.size(); ++i) result.push_back(row.predicted[i] / row.measured[i] - 1);
  return result;
}

double middle(std::vector<double> values) { return median(values); }

void print(const Row& row) {
  const std::vector<double> error = errors(row);
  std::cout << fmt::format("{:<26} {:>9.2f} {:>9.2f} {:>7.1f} {:>+8.1f} {:>6.1f}..{:<+6.1f} {:>+8.1f} {:>7.1f} {:>+7.1f} {:>6.1f}\n",
                           row.label, 1e3 * middle(row.predicted), 1e3 * middle(row.measured), 100 * middle(row.spread),
                           100 * middle(error), 100 * *std::min_element(error.begin(), error.end()),
                           100 * *std::max_element(error.begin(), error.end()), 100 * middle(row.roofline_error),
                           100 * middle(row.step_error), 100 * middle(row.bubble_gap), 100 * middle(row.others))
            << std::flush;
}

void summarise(const std::map<std::string, Row>& rows, std::int64_t cores) {
  for (const bool crowded : {false, true}) {
    std::vector<double> all, roofline, bubble, spread;
    for (const auto& [label, row] : rows) {
      if ((row.workers > cores) != crowded) continue;
      for (const double error : errors(row)) all.push_back(std::abs(error));
      for (const double error : row.roofline_error) roofline.push_back(std::abs(error));
      for (const double gap : row.bubble_gap) bubble.push_back(std::abs(gap));
      spread.insert(spread.end(), row.spread.begin(), row.spread.end());
    }
    if (all.empty()) continue;
    std::cout << fmt::format("workers {} cores: median absolute error {:.1f} % (95th percentile {:.1f} %), roofline {:.1f} %, "
                             "bubble {:.1f} points; median spread of a run {:.1f} %\n",
                             crowded ? "> " : "<=", 100 * quantile(all, 0.5), 100 * quantile(all, 0.95),
                             100 * quantile(roofline, 0.5), 100 * quantile(bubble, 0.5), 100 * quantile(spread, 0.5));
  }
}

int run(const Arguments& arguments, Console& console) {
  const std::int64_t repeats = arguments.integer("repeats", 1, 1000, 3);
  const Cluster cluster = cluster_for("host", console);
  std::cout << "times in ms, the rest in %; spread = (p90 - p10) / median within a check\n"
            << fmt::format("{:<26} {:>9} {:>9} {:>7} {:>8} {:>15} {:>8} {:>7} {:>7} {:>6}\n", "plan", "predicted", "measured",
                           "spread", "error", "min..max", "roofline", "steps", "bubble", "others");
  std::map<std::string, Row> rows;
  CheckOptions options;
  options.iterations = 6;
  for (std::int64_t repeat = 0; repeat < repeats; ++repeat)
    for (const std::string& model : split(arguments.text("models").value_or("mlp,gpt-nano")))
      for (const std::string& pp : split(arguments.text("pp").value_or("1,2,4,8")))
        for (const std::string& schedule : split(arguments.text("schedules").value_or("sequential,gpipe,1f1b"))) {
          const std::int64_t workers = flag_integer("pp", pp, 1, 64);
          Row& row = rows[fmt::format("{:<10} pp {} {}", model, workers, schedule)];
          row.label = fmt::format("{} pp {} {}", model, workers, schedule);
          row.workers = workers;
          const CheckResult check = run_check(plan_of(model, workers, schedule), cluster, options);
          if (!check.agrees) std::cout << row.label << ": DISAGREES\n";
          add_check(row, check);
          if (repeat + 1 == repeats) print(row);
        }
  summarise(rows, this_machine().cores);
  return 0;
}

}  // namespace

int main(int count, char** words) {
  tandem::Console console = tandem::process_console({});
  const tandem::CommandLine line{"bench_accuracy [flags]",
                                 "Checks a grid of plans on this machine and prints predicted and measured times.",
                                 {{"repeats", "N", "checks of each plan (default 3)"},
                                  {"models", "A,B", "default mlp,gpt-nano"},
                                  {"pp", "N,N", "default 1,2,4,8"},
                                  {"schedules", "S,S", "default sequential,gpipe,1f1b"}},
                                 0,
                                 {"bench_accuracy --repeats 5 --models gpt-nano --pp 1,2"}};
  try {
    return run(tandem::parse_arguments(line, {words + 1, words + count}), console);
  } catch (const std::exception& error) {
    std::cerr << error.what() << '\n';
    return 1;
  }
}
