// Offloading for real: the bytes leave the worker's arena and come back, and nothing else changes.

#include <cstring>

#include "base/random.hpp"
#include "models/model.hpp"
#include "plan/memory_script.hpp"
#include "plan/verify.hpp"
#include "tests/catch.hpp"
#include "tests/exec/same_training.hpp"

using namespace tandem;

namespace {

struct OffloadJob {
  std::string policy = "all";
  std::size_t ranks = 2;
  std::int64_t staging = 0, prefetch = 1;
  std::string schedule = "1f1b";
  std::string recompute = "none";
};

Program offloaded(const Model& model, const OffloadJob& job) {
  Plan plan;
  plan.schedule = job.schedule;
  plan.pipeline = static_cast<std::int64_t>(job.ranks);
  plan.micro_batches = 4;
  plan.micro_batch_size = 3;
  plan.offload = job.policy;
  plan.offload_staging = job.staging;
  plan.offload_prefetch = job.prefetch;
  plan.recompute = job.recompute;
  std::vector<DeviceId> devices;
  for (std::uint32_t i = 0; i < job.ranks; ++i) devices.push_back(static_cast<DeviceId>(i));
  return lower(plan, model, even_cuts(model, job.ranks), devices);
}

std::size_t copies(const Program& program) {
  std::size_t count = 0;
  for (const Step& step : program.steps()) count += is_copy(step.kind);
  return count;
}

}  // namespace

TEST_CASE("every policy of offloading trains to the bits of the plan without it, in the memory of the script") {
  for (const Model& model : {small_mlp(), small_gpt()})
    for (const std::size_t ranks : {1, 2, 4})
      for (const std::string schedule : {"gpipe", "1f1b"}) {
        const Dataset dataset = small_data(model);
        const Program none = offloaded(model, {.policy = "none", .ranks = ranks, .schedule = schedule});
        const RunResult plain = run_on_threads(none, model, dataset, {.iterations = 2});
        for (const std::string policy : {"all", "stage"})
          for (const std::int64_t staging : {0, 2})
            for (const std::int64_t prefetch : {0, 1}) {
              INFO(model.name() << ", " << ranks << " ranks, " << schedule << ", " << policy << ", " << staging << ", "
                                << prefetch);

              const Program program = offloaded(model, {policy, ranks, staging, prefetch, schedule});

              CHECK_NOTHROW(verify(program));
              require_same_training(program, plain, model, dataset, {.iterations = 2});
            }
      }
}

TEST_CASE("offloading and computing again compose") {
  const Model model = small_gpt();
  const Dataset dataset = small_data(model);
  const RunResult plain = run_on_threads(offloaded(model, {.policy = "none"}), model, dataset, {.iterations = 2});

  for (const std::string recompute : {"selective", "every:4", "sqrt"}) {
    INFO(recompute);
    const Program program = offloaded(model, {.policy = "all", .recompute = recompute});

    CHECK_NOTHROW(verify(program));
    CHECK(copies(program) > 0);
    require_same_training(program, plain, model, dataset, {.iterations = 2});
  }
}

TEST_CASE("offloading goes with schedules that part I from W, and with several stages on a rank") {
  const Model model = small_gpt();
  const Dataset dataset = small_data(model);
  for (const std::string schedule : {"zb-h1", "zb-v", "interleaved-1f1b"}) {
    INFO(schedule);
    Plan plan;
    plan.schedule = schedule;
    plan.pipeline = 2;
    plan.micro_batches = 4;
    plan.micro_batch_size = 3;
    const auto cuts = even_cuts(model, schedule == "zb-h1" ? 2 : 4);
    const std::vector<DeviceId> devices{DeviceId{0}, DeviceId{1}};
    const RunResult plain = run_on_threads(lower(plan, model, cuts, devices), model, dataset, {.iterations = 2});
    plan.offload = "all";

    const Program program = lower(plan, model, cuts, devices);

    CHECK_NOTHROW(verify(program));
    CHECK(copies(program) > 0);
    require_same_training(program, plain, model, dataset, {.iterations = 2});
  }
}

TEST_CASE("drawn plans that offload keep the bits, and the memory of the script") {
  const Model model = small_gpt();
  const Dataset dataset = small_data(model);
  std::uint64_t drawn = 0;
  const auto below = [&drawn](std::uint64_t bound) { return below_at(7, stream_of("offloading"), drawn++, bound); };
  const auto draw = [&](std::vector<std::string> names) { return names[below(names.size())]; };
  for (int round = 0; round < 60; ++round) {
    OffloadJob job;
    job.ranks = std::size_t{1} << below(3);
    job.schedule = draw({"gpipe", "1f1b", "zb-h1", "sequential", "gpipe-reversed"});
    job.recompute = draw({"none", "none", "full", "every:3", "selective"});
    job.policy = "none";
    const RunResult plain = run_on_threads(offloaded(model, job), model, dataset, {.iterations = 2});
    job.policy = draw({"all", "stage", "convolutions", "layers:wte,h.0.qkv,h.1.core,ln_f"});
    job.staging = static_cast<std::int64_t>(below(4));
    job.prefetch = static_cast<std::int64_t>(below(4));
    INFO(round << ": " << job.policy << ", " << job.ranks << " ranks, " << job.schedule << ", " << job.recompute << ", "
               << job.staging << ", " << job.prefetch);

    const Program program = offloaded(model, job);

    CHECK_NOTHROW(verify(program));
    require_same_training(program, plain, model, dataset, {.iterations = 2});
  }
}

TEST_CASE("one thread runs an offloading plan, too") {
  const Model model = small_mlp();
  const Dataset dataset = small_data(model);
  const Program program = offloaded(model, {});

  const RunResult threads = run_on_threads(program, model, dataset, {.iterations = 2});
  const RunResult one = run_on_one_thread(program, model, dataset, {.iterations = 2});

  CHECK(threads.losses == one.losses);
  CHECK(same_bits(threads.weights, one.weights));
  CHECK(one.timelines.back().peaks == script_peaks(program));
}

TEST_CASE("a plan that needs more than its budget is refused with the bytes, and offloading makes it fit") {
  const Model model = small_gpt();
  const Dataset dataset = small_data(model);
  const Program plain = offloaded(model, {.policy = "none", .ranks = 1, .schedule = "gpipe"});
  const Program lean = offloaded(model, {.policy = "all", .ranks = 1, .schedule = "gpipe"});
  const Bytes budget = script_peaks(lean)[0].total;

  const auto refusal = message_from<ResourceError>(
      [&] { run_on_threads(plain, model, dataset, {.device_memory = budget}); });
  const RunResult result = run_on_threads(lean, model, dataset, {.device_memory = budget});
  const auto just_below = message_from<ResourceError>(
      [&] { run_on_threads(lean, model, dataset, {.device_memory = budget - Bytes{1}}); });

  const Bytes lacking = script_peaks(plain)[0].total - budget;
  CHECK(lacking > Bytes{0});
  CHECK_THAT(refusal, Catch::Contains(std::to_string(lacking.count) + " bytes more"));
  CHECK(result.losses.size() == 1);
  CHECK_THAT(just_below, Catch::Contains("1 bytes more"));
}

TEST_CASE("what leaves the device is on the host while it is away") {
  const Model model = small_gpt();

  const Program program = offloaded(model, {.policy = "stage", .schedule = "gpipe"});
  const std::vector<MemoryPeak> peaks = script_peaks(program);
  const std::vector<MemoryPeak> plain = script_peaks(offloaded(model, {.policy = "none", .schedule = "gpipe"}));

  constexpr auto kHost = static_cast<std::size_t>(BufferClass::host);
  CHECK(peaks[0].by_class[kHost] > Bytes{0});
  CHECK(plain[0].by_class[kHost] == Bytes{0});
  CHECK(peaks[0].total < plain[0].total);
}

TEST_CASE("optimizer states on the host but for the update leave the bits, and make room for activations") {
  const Model model = small_gpt();
  const Dataset dataset = small_data(model);
  for (const std::size_t ranks : {1, 2}) {
    INFO(ranks << " ranks");
    Plan plan;
    plan.schedule = "gpipe";
    plan.pipeline = static_cast<std::int64_t>(ranks);
    plan.micro_batches = 4;
    plan.micro_batch_size = 3;
    std::vector<DeviceId> devices;
    for (std::uint32_t i = 0; i < ranks; ++i) devices.push_back(static_cast<DeviceId>(i));
    const Program usual = lower(plan, model, even_cuts(model, ranks), devices);
    const RunResult plain = run_on_threads(usual, model, dataset, {.iterations = 2});
    plan.offload_optimizer = true;

    const Program program = lower(plan, model, even_cuts(model, ranks), devices);

    CHECK_NOTHROW(verify(program));
    CHECK(copies(program) == 2 * ranks);  // in and out, once an iteration
    require_same_training(program, plain, model, dataset, {.iterations = 2});
    constexpr auto kHost = static_cast<std::size_t>(BufferClass::host);
    for (std::size_t worker = 0; worker < ranks; ++worker) {
      const Bytes weights = script_peaks(usual)[worker].by_class[static_cast<std::size_t>(BufferClass::weight)];
      CHECK(script_peaks(program)[worker].by_class[kHost] == weights * 2);  // Adam has two averages
      CHECK(script_peaks(program)[worker].total < script_peaks(usual)[worker].total);
    }
  }
}

TEST_CASE("optimizer states on the host visit the device for every update of an asynchronous schedule") {
  const Model model = small_gpt();
  const Dataset dataset = small_data(model);
  const std::int64_t bucket = GENERATE(2'000, 25'000'000);  // several units of each update, or one
  Plan plan = plan_of(2, GENERATE("pipedream", "pipedream-2bw"));
  plan.bucket = Bytes{bucket};
  const RunResult plain = trained(plan, model, dataset);
  plan.offload_optimizer = true;

  const Program program = lowered(plan, model);

  if (bucket > 2'000) CHECK(copies(program) == 2 * 2 * program.updates());  // in and out, on each of two ranks
  require_same_training(plan, plain, model, dataset);
}
