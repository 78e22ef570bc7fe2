// A plan's algorithms of convolutions in the real ride: the same training but for rounding, the memory of the script.

#include <cmath>

#include "models/model.hpp"
#include "plan/memory_script.hpp"
#include "tests/catch.hpp"
#include "tests/exec/run_scenario.hpp"

using namespace tandem;

namespace {

Program program_of(const Model& model, Plan plan, const std::string& algorithm) {
  plan.convolution_algorithm = algorithm;
  plan.micro_batches = 2;
  std::vector<DeviceId> devices;
  for (std::uint32_t i = 0; i < mesh_of(plan).workers(); ++i) devices.push_back(static_cast<DeviceId>(i));
  return lower(plan, model, even_cuts(model, static_cast<std::size_t>(plan.pipeline)), devices);
}

std::vector<Plan> plans() {
  std::vector<Plan> all(4);
  all[1].pipeline = 2;
  all[2].height = 2;
  all[3].offload = "all";
  return all;
}

}  // namespace

TEST_CASE("Winograd's tiles train as panels do, on any mesh, and threads as one thread, with the script's bytes") {
  const Model model = load_model("vgg-nano");
  const Dataset dataset(model, "", 7);
  for (const Plan& plan : plans()) {
    INFO(plan.pipeline << " x " << plan.height << ", " << plan.offload);
    const Program tiles = program_of(model, plan, "winograd");

    const RunResult panels = run_on_threads(program_of(model, plan, "panels"), model, dataset, {.iterations = 2});
    const RunResult threads = run_on_threads(tiles, model, dataset, {.iterations = 2});
    const RunResult one = run_on_one_thread(tiles, model, dataset, {.iterations = 2});

    CHECK(threads.losses == one.losses);
    for (std::size_t i = 0; i < 2; ++i) CHECK(std::abs(threads.losses[i] - panels.losses[i]) < 1e-4);
    CHECK(threads.losses != panels.losses);  // sums in another order: it is another kernel that ran
    for (const Timeline& timeline : threads.timelines) CHECK(timeline.peaks == script_peaks(tiles));
  }
}
