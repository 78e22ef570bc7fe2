// Rectangles of an output: kernels of windows compute them one after the other with the result of all at once, and a run
// that computes the interior while halos travel has the bits of one that waits.

#include <cmath>

#include "exec/run.hpp"
#include "models/layers/windows.hpp"
#include "plan/lower.hpp"
#include "tests/catch.hpp"
#include "tests/exec/kernel_case.hpp"

using namespace tandem;

namespace {

std::vector<Scene> windows() {
  std::vector<Scene> found;
  for (const Scene& scene : vision_scenes())
    if (scene.kind == "conv2d" || scene.kind == "max_pool2d" || scene.kind == "average_pool2d") found.push_back(scene);
  return found;
}

void run_rectangle(KernelCase<float>& layer, const OutputRectangle& rectangle) {
  layer.rectangle = rectangle;
  layer.run(find_kernels(fast_kernels(), layer.scene.kind), Pass::forward);
}

OutputRectangle whole_of(const KernelCase<float>& layer) {
  return {{0, layer.output_spec.dims[kImageRows]}, {0, layer.output_spec.dims[kImageColumns]}};
}

/// A part of the rows, of the columns, and of both, that touches no edge where there is room.
std::vector<OutputRectangle> inner_rectangles(const OutputRectangle& whole) {
  const auto inner = [](const OutputRange& range) {
    const std::int64_t first = range.count / 3;
    return OutputRange{first, range.count - range.count / 4 - first};
  };
  return {{inner(whole.rows), whole.columns}, {whole.rows, inner(whole.columns)}, {inner(whole.rows), inner(whole.columns)}};
}

bool holds(const OutputRange& range, std::int64_t index) { return index >= range.first && index < range.end(); }

/// Does the value lie in the rectangle of its image?
bool lies_in(const OutputRectangle& rectangle, const KernelCase<float>& layer, std::size_t at) {
  const auto& dims = layer.output_spec.dims;
  const auto index = static_cast<std::int64_t>(at);
  return holds(rectangle.rows, index / dims[2] % dims[1]) && holds(rectangle.columns, index % dims[2]);
}

RunResult run_split(const Model& model, std::int64_t height, std::int64_t width, bool overlap, bool threads) {
  Plan plan;
  plan.height = height;
  plan.width = width;
  plan.micro_batches = 2;
  plan.micro_batch_size = 4;
  plan.overlap = overlap;
  std::vector<DeviceId> devices;
  for (std::uint32_t i = 0; i < height * width; ++i) devices.push_back(static_cast<DeviceId>(i));
  const Program program = lower(plan, model, {}, devices);
  const Dataset dataset(model, "", 7);
  RunOptions options;
  options.iterations = 3;
  return threads ? run_on_threads(program, model, dataset, options) : run_on_one_thread(program, model, dataset, options);
}

}  // namespace

TEST_CASE("a rectangle and then what is around it are what is computed at once") {
  for (const Scene& scene : windows()) {
    KernelCase<float> whole(scene);
    whole.run(find_kernels(fast_kernels(), scene.kind), Pass::forward);
    for (const OutputRectangle& inner : inner_rectangles(whole_of(whole))) {
      KernelCase<float> pieces(scene);

      run_rectangle(pieces, inner);
      for (const OutputRectangle& piece : frame_around(inner, whole_of(whole))) run_rectangle(pieces, piece);

      INFO(scene.name() << ", " << inner.rows.count << " x " << inner.columns.count);
      CHECK(distance(pieces.output, whole.output) < 1e-6);
      for (std::size_t i = 0; i < whole.extra.size(); ++i) CHECK(distance(pieces.extra[i], whole.extra[i]) == 0);
      CHECK(pieces.fences_stand());
    }
  }
}

TEST_CASE("a rectangle leaves the other outputs as they are") {
  for (const Scene& scene : windows())
    for (const OutputRectangle& inner : inner_rectangles(whole_of(KernelCase<float>(scene)))) {
      KernelCase<float> layer(scene);

      run_rectangle(layer, inner);

      INFO(scene.name() << ", " << inner.rows.count << " x " << inner.columns.count);
      bool written_inside = true, untouched_outside = true;
      for (std::size_t at = 0; at < layer.output.size(); ++at) {
        const bool inside = lies_in(inner, layer, at);
        (inside ? written_inside : untouched_outside) &= inside != std::isnan(layer.output[at]);
      }
      CHECK(written_inside);
      CHECK(untouched_outside);  // NaN, as memory is at first
    }
}

TEST_CASE("a rectangle reads nothing but what its windows cover") {
  for (const Scene& scene : windows()) {
    KernelCase<float> layer(scene), poisoned(scene);
    const OutputRectangle corner{{0, 1}, {0, 1}};
    const Windows window({layer.scene.attributes});
    const auto& dims = scene.inputs[0].dims;
    for (std::size_t at = 0; at < poisoned.inputs[0].size(); ++at) {
      const auto index = static_cast<std::int64_t>(at);
      const bool covered = index / dims[2] % dims[1] < window.height.reach() - window.height.before &&
                           index % dims[2] < window.width.reach() - window.width.before;
      if (!covered) poisoned.inputs[0][at] = std::nanf("");
    }

    run_rectangle(layer, corner);
    run_rectangle(poisoned, corner);

    INFO(scene.name());
    for (std::size_t at = 0; at < layer.output.size(); ++at)
      if (lies_in(corner, layer, at)) CHECK(poisoned.output[at] == layer.output[at]);
  }
}

TEST_CASE("a rectangle of no rows computes nothing") {
  KernelCase<float> layer(windows().front());

  run_rectangle(layer, {{2, 0}, {0, 1}});

  for (std::size_t at = 0; at < layer.output.size(); ++at) REQUIRE(std::isnan(layer.output[at]));
}

TEST_CASE("computing the interior while halos travel changes no bit") {
  struct Split {
    std::int64_t height, width;
  };
  for (const char* name : {"vgg-nano", "resnet-nano"})
    for (const Split& split : {Split{2, 1}, Split{3, 1}, Split{1, 2}, Split{1, 3}, Split{2, 2}, Split{3, 2}}) {
      const Model model = load_model(name);  // 3 divides neither 16 nor 8 rows
      const auto [height, width] = split;

      const RunResult waits = run_split(model, height, width, false, false);
      const RunResult overlaps = run_split(model, height, width, true, false);
      const RunResult threads = run_split(model, height, width, true, true);

      INFO(name << " over " << height << " x " << width);
      CHECK((overlaps.losses == waits.losses));
      CHECK((overlaps.weights == waits.weights));
      CHECK((threads.losses == overlaps.losses));
      CHECK((threads.weights == overlaps.weights));
    }
}
