// How far predictions are from real runs on this machine: model x mesh x schedule, several times each.
//
// usage: bench_accuracy [--repeats N] [--models A,B] [--meshes pp2,dp2.tp2] [--schedules X,Y]
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
  std::string label, kind;
  std::int64_t workers = 0;
  std::vector<double> predicted, measured, spread, roofline_error, bubble_gap, step_error, others;
};

std::vector<std::string> split(const std::string& text) {
  std::vector<std::string> words;
  std::istringstream stream(text);
  for (std::string word; std::getline(stream, word, ',');) words.push_back(word);
  return words;
}

/// "pp2.dp2.tp4.h2.w2": ranks by axis.
void set_mesh(Plan& plan, const std::string& mesh) {
  const std::map<std::string, std::int64_t Plan::*> axes{{"pp", &Plan::pipeline}, {"dp", &Plan::replicas},
                                                         {"tp", &Plan::tensor},   {"h", &Plan::height},
                                                         {"w", &Plan::width}};
  std::istringstream stream(mesh);
  for (std::string word; std::getline(stream, word, '.');) {
    const std::size_t digit = word.find_first_of("0123456789");
    const auto axis = axes.find(word.substr(0, digit));
    if (axis == axes.end() || digit == std::string::npos)
      throw InputError("--meshes: no such axis", word, "such as pp2, dp2, tp2, h2 or w2, joined by dots");
    plan.*axis->second = flag_integer("meshes", word.substr(digit), 1, 64);
  }
}

/// What divides the work: the axes with more than one rank.
std::string kind_of(const Plan& plan) {
  std::vector<std::string> axes;
  if (plan.pipeline > 1) axes.emplace_back("pipeline");
  if (plan.replicas > 1) axes.emplace_back("data");
  if (plan.tensor > 1) axes.emplace_back("tensor");
  if (plan.height * plan.width > 1) axes.emplace_back("spatial");
  return axes.empty() ? "one worker" : axes.size() > 1 ? "mixed" : axes[0];
}

bool has_images(const std::string& model) { return model.find("vgg") != std::string::npos || model.find("resnet") != std::string::npos; }

Plan plan_of(const std::string& model, const std::string& mesh, const std::string& schedule) {
  Plan plan;
  plan.model = model;
  set_mesh(plan, mesh);
  plan.schedule = schedule;
  plan.micro_batches = 8;
  plan.micro_batch_size = model == "mlp" ? 256 : has_images(model) ? 8 : 4;
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

void summarise(const std::map<std::string, Row>& rows, const std::string& kind, bool crowded, std::int64_t cores) {
  std::vector<double> all, roofline, bubble, spread;
  for (const auto& [label, row] : rows) {
    if ((row.workers > cores) != crowded || (!kind.empty() && row.kind != kind)) continue;
    for (const double error : errors(row)) all.push_back(std::abs(error));
    for (const double error : row.roofline_error) roofline.push_back(std::abs(error));
    for (const double gap : row.bubble_gap) bubble.push_back(std::abs(gap));
    spread.insert(spread.end(), row.spread.begin(), row.spread.end());
  }
  if (all.empty()) return;
  std::cout << fmt::format("{:<10} workers {} cores: median absolute error {:.1f} % (95th percentile {:.1f} %), roofline {:.1f} %, "
                           "bubble {:.1f} points; median spread of a run {:.1f} %\n",
                           kind.empty() ? "all" : kind, crowded ? "> " : "<=", 100 * quantile(all, 0.5), 100 * quantile(all, 0.95),
                           100 * quantile(roofline, 0.5), 100 * quantile(bubble, 0.5), 100 * quantile(spread, 0.5));
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
    for (const std::string& model : split(arguments.text("models").value_or("mlp,gpt-nano,vgg-nano")))
      for (const std::string& mesh : split(arguments.text("meshes").value_or(
               "pp1,pp2,pp4,dp2,tp2,h2,dp4,tp4,h2.w2,pp2.dp2,dp2.tp2,dp2.h2")))
        for (const std::string& schedule : split(arguments.text("schedules").value_or("1f1b"))) {
          const Plan plan = plan_of(model, mesh, schedule);
          if (plan.height * plan.width > 1 && !has_images(model)) continue;
          Row& row = rows[fmt::format("{} {} {}", model, mesh, schedule)];
          row.label = fmt::format("{} {} {}", model, mesh, schedule);
          row.kind = kind_of(plan);
          row.workers = mesh_of(plan).workers();
          const CheckResult check = run_check(plan, cluster, options);
          if (!check.agrees) std::cout << row.label << ": DISAGREES\n";
          add_check(row, check);
          if (repeat + 1 == repeats) print(row);
        }
  for (const bool crowded : {false, true})
    for (const char* kind : {"one worker", "pipeline", "data", "tensor", "spatial", "mixed", ""})
      summarise(rows, kind, crowded, this_machine().cores);
  return 0;
}

}  // namespace

int main(int count, char** words) {
  tandem::Console console = tandem::process_console({});
  const tandem::CommandLine line{"bench_accuracy [flags]",
                                 "Checks a grid of plans on this machine and prints predicted and measured times.",
                                 {{"repeats", "N", "checks of each plan (default 3)"},
                                  {"models", "A,B", "default mlp,gpt-nano,vgg-nano"},
                                  {"meshes", "M,M", "ranks by axis, such as pp2.dp2,tp2,h2.w2"},
                                  {"schedules", "S,S", "default 1f1b"}},
                                 0,
                                 {"bench_accuracy --repeats 5 --models gpt-nano --meshes pp1,dp2"}};
  try {
    return run(tandem::parse_arguments(line, {words + 1, words + count}), console);
  } catch (const std::exception& error) {
    std::cerr << error.what() << '\n';
    return 1;
  }
}
