#include "tools/asked_job.hpp"

#include <fmt/format.h>

#include <optional>
#include <utility>

#include "base/error.hpp"
#include "tools/host.hpp"
#include "tools/memory_advice.hpp"
#include "tools/plan_options.hpp"

namespace tandem {

CostModel asked_costs(const Arguments& arguments) { return cost_model(arguments.text("cost").value_or("measured")); }

Flag network_flag() {
  return {"network", "MODEL",
          "shared (default): messages share the links where they meet; or analytic: none is shared, and a collective "
          "takes its closed form",
          "the prediction"};
}

std::vector<Flag> price_flags() {
  return {{"cost", "SOURCE", "measured (default): kernel tables, then roofline; or roofline alone", "the prediction"},
          network_flag()};
}

NetworkMode asked_network(const Arguments& arguments) {
  const std::string name = arguments.text("network").value_or("shared");
  if (name != "shared" && name != "analytic")
    throw InputError(fmt::format("--network: no such model{}", did_you_mean(name, {"shared", "analytic"})), name,
                     "shared or analytic");
  return name == "analytic" ? NetworkMode::analytic : NetworkMode::shared;
}

Plan asked_plan(const Arguments& arguments, Purpose purpose, const Plan& fallback) {
  Plan plan = plan_from(arguments, fallback);
  require_valid(plan, purpose);
  return plan;
}

Job asked_job(const Arguments& arguments, Purpose purpose, Console& console, std::optional<Bytes> worker_memory) {
  const CostModel costs = asked_costs(arguments);
  asked_network(arguments);  // wrong input before anything else
  Plan plan = asked_plan(arguments, purpose);
  Cluster cluster = cluster_for(plan.cluster, console);
  JobOptions options;
  options.network = asked_network(arguments);
  options.worker_memory = worker_memory;
  std::optional<Progress> line;
  options.progress = [&](std::int64_t done, std::int64_t total, std::string_view schedule) {
    if (!line) line.emplace(console, "comparing schedules", total);
    line->advance(done, schedule);
  };
  return make_job(std::move(plan), std::move(cluster), costs, options);
}

void require_memory(const Arguments& arguments, const Job& job, Console& console) {
  require_memory(job, asked_costs(arguments), asked_network(arguments), console);
}

Prices asked_prices(const Arguments& arguments, const Job& job) {
  return price(job.program, *job.model, job.cluster, asked_costs(arguments), job.plan.optimizer,
               asked_network(arguments));
}

}  // namespace tandem
