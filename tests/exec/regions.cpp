// Ranges of rows: kernels of windows compute them one after the other with the result of all at once, and a run that
// computes the interior while the halo travels has the bits of one that waits.

#include <cmath>

#include "exec/run.hpp"
#include "models/layers/convolution_algorithm.hpp"
#include "plan/lower.hpp"
#include "tests/catch.hpp"
#include "tests/exec/kernel_case.hpp"

using namespace tandem;

namespace {

constexpr std::size_t kRows = 1;  // dimension of an image [channels, height, width]

std::vector<Scene> windows() {
  std::vector<Scene> found;
  for (const Scene& scene : vision_scenes())
    if (is_convolution(find_layer_kind(scene.kind)) || scene.kind == "max_pool2d" || scene.kind == "average_pool2d")
      found.push_back(scene);
  return found;
}

void run_rows(KernelCase<float>& layer, std::int64_t first, std::int64_t end) {
  layer.rows = OutputRows{kRows, first, end - first};
  layer.run(find_kernels(fast_kernels(), layer.scene.kind), Pass::forward);
}

/// Row of the image that the value lies in.
std::int64_t row_of(const KernelCase<float>& layer, std::size_t at) {
  const auto& dims = layer.output_spec.dims;
  return static_cast<std::int64_t>(at) / dims[2] % dims[1];
}

RunResult run_split(const Model& model, std::int64_t height, bool overlap, bool threads) {
  Plan plan;
  plan.height = height;
  plan.micro_batches = 2;
  plan.micro_batch_size = 4;
  plan.overlap = overlap;
  std::vector<DeviceId> devices;
  for (std::uint32_t i = 0; i < height; ++i) devices.push_back(static_cast<DeviceId>(i));
  const Program program = lower(plan, model, {}, devices);
  const Dataset dataset(model, "", 7);
  RunOptions options;
  options.iterations = 3;
  return threads ? run_on_threads(program, model, dataset, options) : run_on_one_thread(program, model, dataset, options);
}

}  // namespace

TEST_CASE("rows computed range by range are those computed at once") {
  for (const Scene& scene : windows()) {
    KernelCase<float> whole(scene), ranges(scene);
    const std::int64_t rows = whole.output_spec.dims[kRows], first = rows / 3, end = rows - rows / 4;
    whole.run(find_kernels(fast_kernels(), scene.kind), Pass::forward);

    run_rows(ranges, first, end);
    run_rows(ranges, 0, first);
    run_rows(ranges, end, rows);

    INFO(scene.name());
    CHECK(distance(ranges.output, whole.output) < 1e-6);
    for (std::size_t i = 0; i < whole.extra.size(); ++i) CHECK(distance(ranges.extra[i], whole.extra[i]) == 0);
    CHECK(ranges.fences_stand());
  }
}

TEST_CASE("a range leaves the other rows as they are") {
  for (const Scene& scene : windows()) {
    KernelCase<float> layer(scene);
    const std::int64_t rows = layer.output_spec.dims[kRows], first = rows / 3, end = rows - rows / 4;

    run_rows(layer, first, end);

    INFO(scene.name());
    bool written_inside = true, untouched_outside = true;
    for (std::size_t at = 0; at < layer.output.size(); ++at) {
      const std::int64_t row = row_of(layer, at);
      (row >= first && row < end ? written_inside : untouched_outside) &= (row >= first && row < end) != std::isnan(layer.output[at]);
    }
    CHECK(written_inside);
    CHECK(untouched_outside);  // NaN, as memory is at first
  }
}

TEST_CASE("a range of no rows computes nothing") {
  KernelCase<float> layer(windows().front());

  run_rows(layer, 2, 2);

  for (std::size_t at = 0; at < layer.output.size(); ++at) REQUIRE(std::isnan(layer.output[at]));
}

TEST_CASE("computing the interior while the halo travels changes no bit") {
  for (const char* name : {"vgg-nano", "resnet-nano"})
    for (const std::int64_t height : {2, 3}) {  // 3 divides neither 16 nor 8 rows
      const Model model = load_model(name);

      const RunResult waits = run_split(model, height, false, false), overlaps = run_split(model, height, true, false);
      const RunResult threads = run_split(model, height, true, true);

      INFO(name << " over " << height);
      CHECK((overlaps.losses == waits.losses));
      CHECK((overlaps.weights == waits.weights));
      CHECK((threads.losses == overlaps.losses));
      CHECK((threads.weights == overlaps.weights));
    }
}
