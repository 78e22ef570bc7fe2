// Steps that are cut into parts cost what they cost whole, and a window's regions what the window costs.

#include "plan/prices.hpp"
#include "plan/region_share.hpp"
#include "tests/catch.hpp"
#include "tests/plan/meshes.hpp"

using namespace tandem;

namespace {

Device round_device() {
  return read_device(parse_yaml("device: round\nkind: gpu\n"
                                "compute: {cores: 1, peak_fp32: 1 TFLOP/s, source: made up}\n"
                                "memory: {capacity: 16 GB, bandwidth: 100 GB/s, source: made up}\n"
                                "overhead: {launch: 1 us, source: made up}\n"
                                "link: {latency: 2 us, bandwidth: 1 GB/s, source: made up}\n",
                                "device.yaml"));
}

struct Priced {
  Program program;
  Prices prices;
};

Priced priced(Plan plan, const Model& model, bool overlap) {
  plan.overlap = overlap;
  const auto workers = static_cast<std::size_t>(mesh_of(plan).workers());
  Program program = lower(plan, model, {}, one_device_each(workers));
  Prices prices = price(program, model, cluster_of(round_device(), static_cast<std::int64_t>(workers)),
                        CostModel(false), plan.optimizer);
  return {std::move(program), std::move(prices)};
}

struct PassTime {
  std::int64_t time = 0, parts = 0;
};

/// Of all parts of one micro-batch of the worker.
PassTime pass_time(const Priced& job, std::uint32_t worker, StepKind kind) {
  PassTime sum;
  for (std::size_t i = 0; i < job.program.works().size(); ++i) {
    const StepWork& work = job.program.works()[i];
    if (work.kind != kind || work.worker != WorkerId{worker}) continue;
    sum.time += job.prices.works[i].time.count;
    ++sum.parts;
  }
  return sum;
}

/// Each kernel of the worker's layers once, as the cost model prices it, in picoseconds.
double kernels_time(const Priced& job, std::uint32_t worker, StepKind kind) {
  const CostModel costs(false);
  const Device device = round_device();
  for (const StepWork& work : job.program.works()) {
    if (work.kind != kind || work.worker != WorkerId{worker}) continue;
    const Segment& segment = job.program.segment(work.segment);
    const Model& model = job.program.local(work.segment).model;
    double seconds = 0;
    for (const LayerPlan& layer : segment.layers)
      for (const Pass pass : {Pass::forward, Pass::input_gradient, Pass::weight_gradient}) {
        if ((pass == Pass::forward) != (kind == StepKind::forward)) continue;
        if (pass == Pass::input_gradient && !layer.runs_input_gradient) continue;
        if (pass == Pass::weight_gradient && !layer.runs_weight_gradient) continue;
        seconds += costs.kernel("", model.work(layer.layer, pass, segment.batch), device).time.value;
      }
    return seconds * 1e12;
  }
  return 0;
}

struct Case {
  const char* model;
  std::int64_t data, height, width, tensor;
  bool sequence_parallel;
};

}  // namespace

TEST_CASE("the parts of F and of B cost what the kernels of all layers do, with overlap and without") {
  const Case at = GENERATE(Case{"gpt-nano", 1, 1, 1, 2, false}, Case{"gpt-nano", 2, 1, 1, 2, true},
                           Case{"llama-nano", 1, 1, 1, 2, true}, Case{"vgg-nano", 1, 2, 1, 1, false},
                           Case{"vgg-nano", 1, 4, 1, 1, false}, Case{"resnet-nano", 2, 2, 2, 1, false});
  Plan plan = plan_on(at.data, at.height, at.width, at.tensor);
  plan.sequence_parallel = at.sequence_parallel;
  plan.synchronised_batch_norm = true;
  const Model model = load_model(at.model);

  const Priced with = priced(plan, model, true), without = priced(plan, model, false);

  std::int64_t more_parts = 0;
  for (std::uint32_t worker = 0; worker < with.program.workers().size(); ++worker)
    for (const StepKind kind : {StepKind::forward, StepKind::backward}) {
      const PassTime apart = pass_time(with, worker, kind), together = pass_time(without, worker, kind);
      INFO(at.model << " worker " << worker << " " << name_of(kind) << ", " << apart.parts << " parts");
      CHECK(apart.parts > 1);
      const double rounding = static_cast<double>(apart.parts + together.parts);  // half a picosecond each
      CHECK(static_cast<double>(apart.time) == Approx(static_cast<double>(together.time)).margin(rounding));
      CHECK(static_cast<double>(apart.time) == Approx(kernels_time(with, worker, kind)).margin(rounding));
      more_parts += apart.parts - together.parts;
    }
  CHECK(more_parts > 0);  // what fills the time of collectives stands apart
}

TEST_CASE("interior, middle and border share out each window of a divided image, on every rank") {
  const Case at = GENERATE(Case{"vgg-nano", 1, 2, 1, 1, false}, Case{"vgg-nano", 1, 4, 1, 1, false},
                           Case{"resnet-nano", 1, 2, 1, 1, false}, Case{"vgg-nano", 1, 1, 2, 1, false},
                           Case{"resnet-nano", 1, 2, 2, 1, false});
  const Priced job = priced(plan_on(at.data, at.height, at.width, at.tensor), load_model(at.model), true);

  std::size_t windows = 0, with_border = 0, with_middle = 0;
  for (std::uint32_t s = 0; s < job.program.segments().size(); ++s) {
    const Segment& segment = job.program.segment(static_cast<SegmentId>(s));
    const Model& model = job.program.local(static_cast<SegmentId>(s)).model;
    for (const LayerPlan& plan : segment.layers) {
      CHECK(share_of(model, plan, Region::all) == 1.0);
      if (plan.nest.empty()) continue;
      const double interior = share_of(model, plan, Region::interior), border = share_of(model, plan, Region::border);
      const double middle = plan.nest.size() == 2 ? share_of(model, plan, Region::middle) : 0;
      CHECK(interior + middle + border == Approx(1.0).epsilon(1e-12));
      CHECK(interior >= 0);
      CHECK(border >= 0);  // of a stride that ends with the rank's part none
      with_border += border > 0;
      with_middle += middle > 0;
      windows += slides_over(model, plan.layer, at.height > 1 ? 1 : 2);
    }
  }
  CHECK(windows >= job.program.segments().size());
  CHECK(with_border >= job.program.segments().size());
  CHECK((with_middle > 0) == (at.height > 1 && at.width > 1));
}
