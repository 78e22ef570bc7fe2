#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <ostream>

#include "base/error.hpp"
#include "tools/command.hpp"
#include "tools/host.hpp"
#include "tools/options.hpp"
#include "tools/plan_options.hpp"
#include "tools/show.hpp"

namespace tandem {
namespace {

struct Subject {
  std::string_view name, meaning;
  void (*show)(const Arguments& arguments, Console& console);
};

constexpr Subject kSubjects[] = {
    {"models", "the zoo: parameters and layers", show_models},
    {"layers", "layer kinds that a model file may use", show_layers},
    {"model", "the layers of one model (--model M): shapes, parameters, FLOPs", show_model},
    {"devices", "device profiles with their sources", show_devices},
    {"clusters", "clusters of the zoo", show_clusters},
    {"schedules", "pipeline schedules with their sources", show_schedules},
    {"schedule", "one schedule as a grid of ranks and steps", show_schedule},
    {"collectives", "algorithms of collectives; with --ranks N --bytes SIZE their costs", show_collectives},
    {"layouts", "how the layers of a plan divide, and what is converted where", show_layouts},
    {"plan", "a plan with its partition (PLAN.yaml or flags)", show_plan},
    {"program", "the steps of a plan, stream by stream (PLAN.yaml or flags)", show_program},
};

CommandLine command_line() {
  CommandLine line{"tandem show SUBJECT [PLAN.yaml] [flags]", "Prints what there is. SUBJECT is one of\n", plan_flags(), 2,
                   {"tandem show models", "tandem show schedule --schedule 1f1b --pp 4 --micro-batches 8",
                    "tandem show program --model mlp --pp 2 --micro-batches 2",
                    "tandem show layouts --model gpt-nano --tp 2 --sequence-parallel on",
                    "tandem show collectives --ranks 8 --bytes 25MB --on dgx-a100"}};
  for (const Flag& flag : collective_flags()) line.flags.push_back(flag);
  for (const Flag& flag : schedule_flags()) line.flags.push_back(flag);
  for (const Subject& subject : kSubjects) line.meaning += fmt::format("  {:<11} {}\n", subject.name, subject.meaning);
  return line;
}

const Subject& find_subject(const Arguments& arguments) {
  std::vector<std::string> names;
  for (const Subject& subject : kSubjects) names.emplace_back(subject.name);
  if (arguments.positional().empty())
    throw InputError("show what?", "", fmt::format("one of {}", fmt::join(names, ", ")));
  const std::string& name = arguments.positional().front();
  for (const Subject& subject : kSubjects)
    if (subject.name == name) return subject;
  throw InputError(fmt::format("no such subject{}", did_you_mean(name, names)), name,
                   fmt::format("one of {}", fmt::join(names, ", ")));
}

}  // namespace

int show_command(const std::vector<std::string>& words, Console& console) {
  const CommandLine line = command_line();
  const Arguments arguments = parse_arguments(line, words);
  if (arguments.has("help")) return console.out << help_text(line), 0;
  find_subject(arguments).show(arguments, console);
  return 0;
}

}  // namespace tandem
