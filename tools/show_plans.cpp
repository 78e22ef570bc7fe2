#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <ostream>

#include "plan/lower.hpp"
#include "tools/asked_job.hpp"
#include "tools/output.hpp"
#include "tools/plan_options.hpp"
#include "tools/show.hpp"

namespace tandem {
namespace {

using Json = nlohmann::ordered_json;

Job shown_job(Arguments arguments, Console& console) {
  arguments.drop_first_word();
  return asked_job(arguments, Purpose::predict, console);
}

std::string step_text(const Program& program, StepId id) {
  std::string text = fmt::format("  {:>6}  {}", index_of(id), program.describe(id));
  std::string_view lead = "; after";
  for (const StepId earlier : program.after(id)) {
    text += fmt::format("{} {}", lead, index_of(earlier));
    lead = ",";
  }
  return text + '\n';
}

}  // namespace

void show_plan(const Arguments& arguments, Console& console) {
  const Job job = shown_job(arguments, console);
  if (arguments.has("json")) return print_json(console, plan_json(job));
  console.out << write_plan(settled_plan(job));
}

void show_program(const Arguments& arguments, Console& console) {
  const Job job = shown_job(arguments, console);
  Json streams = Json::array();
  for (const Stream& stream : job.program.streams()) {
    const std::string& worker = job.program.workers()[index_of(stream.worker)].name;
    Json steps = Json::array();
    if (!arguments.has("json")) console.out << fmt::format("{} / {}\n", worker, name_of(stream.kind));
    for (std::uint32_t i = index_of(stream.first); i < index_of(stream.first) + stream.count; ++i) {
      const auto id = static_cast<StepId>(i);
      if (!arguments.has("json")) {
        console.out << step_text(job.program, id);
        continue;
      }
      Json after = Json::array();
      for (const StepId earlier : job.program.after(id)) after.push_back(index_of(earlier));
      steps.push_back({{"step", i},
                       {"kind", std::string(name_of(job.program.step(id).kind))},
                       {"text", job.program.describe(id)},
                       {"micro_batch", job.program.step(id).micro_batch},
                       {"after", after}});
    }
    streams.push_back({{"worker", worker}, {"stream", std::string(name_of(stream.kind))}, {"steps", steps}});
  }
  if (arguments.has("json")) print_json(console, {{"streams", streams}});
}

}  // namespace tandem
