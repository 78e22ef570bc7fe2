// The rows that each rank of a divided image holds, against the receptive field of each of its outputs.

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "tests/catch.hpp"
#include "tests/plan/meshes.hpp"
#include "tests/plan/random_models.hpp"

using namespace tandem;

namespace {

struct Window {
  std::int64_t kernel, stride, dilation, padding, rows;
  std::int64_t outputs() const { return (rows + 2 * padding - dilation * (kernel - 1) - 1) / stride + 1; }
  /// The row that tap `tap` of output `output` reads; outside of [0, rows): padding.
  std::int64_t row(std::int64_t output, std::int64_t tap) const { return output * stride + tap * dilation - padding; }
};

/// Divided over height, or over width.
Model model_of(const Window& window, bool width) {
  const std::string along = width ? "width" : "height", across = width ? "height" : "width";
  LayerDefinition definition{"window", "conv2d", {{"channels", 2}}};
  definition.attributes.insert(definition.attributes.end(),
                               {{"kernel_" + along, static_cast<double>(window.kernel)},
                                {"stride_" + along, static_cast<double>(window.stride)},
                                {"dilation_" + along, static_cast<double>(window.dilation)},
                                {width ? "padding_left" : "padding_top", static_cast<double>(window.padding)},
                                {width ? "padding_right" : "padding_bottom", static_cast<double>(window.padding)},
                                {"kernel_" + across, 1},
                                {"stride_" + across, 1},
                                {"dilation_" + across, 1},
                                {width ? "padding_top" : "padding_left", 0},
                                {width ? "padding_bottom" : "padding_right", 0}});
  return image_model(width ? 2 : window.rows, width ? window.rows : 2, definition);
}

/// First index of a rank's share, by counting: the first ranks have one more where it does not divide.
std::int64_t share_begin(std::int64_t count, std::int64_t ranks, std::int64_t rank) {
  std::int64_t begin = 0;
  for (std::int64_t before = 0; before < rank; ++before) begin += count / ranks + (before < count % ranks ? 1 : 0);
  return begin;
}

/// Is every row under an output of a rank, those between the taps among them, its own or a direct neighbour's?
bool neighbours_suffice(const Window& window, std::int64_t ranks) {
  for (std::int64_t rank = 0; rank < ranks; ++rank)
    for (std::int64_t output = share_begin(window.outputs(), ranks, rank);
         output < share_begin(window.outputs(), ranks, rank + 1); ++output)
      for (std::int64_t row = window.row(output, 0); row <= window.row(output, window.kernel - 1); ++row) {
        if (row < 0 || row >= window.rows) continue;
        if (row < share_begin(window.rows, ranks, std::max<std::int64_t>(0, rank - 1))) return false;
        if (row >= share_begin(window.rows, ranks, std::min(ranks, rank + 2))) return false;
      }
  return true;
}

/// What is wrong with the part of one rank, or "".
std::string wrong_part(const Window& window, const LocalModel& local, bool width, std::int64_t ranks,
                       std::int64_t rank) {
  const std::size_t dimension = width ? 2 : 1;
  const Layer& layer = local.model.layer(layer_named(local.model, "window"));
  const std::int64_t held = local.model.layer(layer.inputs[0]).output.dims[dimension];
  const std::int64_t first = layer.origins.inputs.empty() || layer.origins.inputs[0].empty()
                                 ? 0
                                 : layer.origins.inputs[0][dimension];
  const std::int64_t padding = layer.attributes.integer(width ? "padding_left" : "padding_top");
  const std::int64_t begin = share_begin(window.outputs(), ranks, rank);
  const std::int64_t outputs = share_begin(window.outputs(), ranks, rank + 1) - begin;
  if (layer.output.dims[dimension] != outputs) return "another number of outputs";
  for (std::int64_t output = 0; output < outputs; ++output)
    for (std::int64_t tap = 0; tap < window.kernel; ++tap) {
      const std::int64_t want = window.row(begin + output, tap);
      const std::int64_t here = output * window.stride + tap * window.dilation - padding;
      const bool is_padding = want < 0 || want >= window.rows;
      if (is_padding != (here < 0 || here >= held)) return "padding and rows in each other's places";
      if (!is_padding && first + here != want) return "another row";
    }
  return "";
}

Window random_window(Dice& dice) {
  Window window{dice.between(1, 5), dice.between(1, 4), dice.between(1, 3), 0, dice.between(1, 24)};
  window.padding = dice.between(0, window.dilation * (window.kernel - 1));
  return window;
}

std::string text_of(const Window& w) {
  return fmt::format("kernel {} stride {} dilation {} padding {} rows {}", w.kernel, w.stride, w.dilation, w.padding,
                     w.rows);
}

}  // namespace

TEST_CASE("whatever the window, each rank holds the rows that its outputs read, and pads where the image ends") {
  std::uint64_t refused = 0, divided = 0;
  for (std::uint64_t number = 0; number < 1'500; ++number) {
    Dice dice(number);
    const Window window = random_window(dice);
    const std::int64_t ranks = dice.between(2, 5);
    const bool width = dice.chance(2);
    if (window.rows + 2 * window.padding < window.dilation * (window.kernel - 1) + 1) continue;
    if (window.outputs() < ranks || window.rows < ranks) continue;
    INFO("case " << number << ": " << text_of(window) << " ranks " << ranks);
    const Plan plan = width ? plan_on(1, 1, ranks, 1) : plan_on(1, ranks, 1, 1);
    const Model model = model_of(window, width);

    for (std::uint32_t rank = 0; rank < ranks; ++rank) {
      std::optional<Sharding> part;
      const std::string text = complaint([&] { part = part_of(plan, model, rank); });

      if (!neighbours_suffice(window, ranks)) {
        REQUIRE(text.find("is larger than the part of its neighbour") != std::string::npos);
        ++refused;
        break;
      }
      REQUIRE(text == "");
      REQUIRE(wrong_part(window, part->local, width, ranks, rank) == "");
      ++divided;
    }
  }
  CHECK(refused > 50);  // neither side of the property is empty
  CHECK(divided > 500);
}

TEST_CASE("at each inner border half a kernel's rows go each way, forward and backward") {
  // 1903.06681: floor(K / 2) rows of C x W values; here C = 1, W = 6.
  for (const std::int64_t kernel : {1, 3, 5}) {
    const std::int64_t half = kernel / 2, row = 6;
    CAPTURE(kernel);
    const LayerDefinition definition{
        "window", "conv2d",
        {{"channels", 2}, {"kernel", static_cast<double>(kernel)}, {"padding", static_cast<double>(half)}}};
    const Sharding part = part_of(plan_on(1, 3, 1, 1), image_model(12, 6, definition), 1);

    std::vector<const LayerCollective*> halos;
    for (const LocalLayer& layer : part.local.layers)
      if (layer.collective && !layer.collective->strips.empty()) halos.push_back(&*layer.collective);
    if (half == 0) {
      CHECK(halos.empty());
      continue;
    }
    REQUIRE(halos.size() == 1);
    CHECK(halos[0]->forward == CollectiveKind::halo_exchange);
    CHECK_FALSE(halos[0]->backward);  // images are data
    REQUIRE(halos[0]->strips.size() == 3);
    const auto counts = [&](std::size_t rank) {
      const HaloStrips& strips = halos[0]->strips[rank];
      return std::vector<std::int64_t>{strips.from_before.count, strips.from_after.count, strips.to_before.count,
                                       strips.to_after.count};
    };
    CHECK(counts(0) == std::vector<std::int64_t>{0, half * row, 0, half * row});
    CHECK(counts(1) == std::vector<std::int64_t>(4, half * row));
    CHECK(counts(2) == std::vector<std::int64_t>{half * row, 0, half * row, 0});
  }
}

TEST_CASE("behind a layer that learns the halo of gradients returns") {
  const Sharding part = part_of(plan_on(1, 2, 1, 1), load_model("vgg-nano"));

  const LayerId halo = layer_named(part.local.model, "conv1_2.height.halo");
  const LayerCollective& collective = *part.local.layers[index_of(halo)].collective;
  CHECK(collective.forward == CollectiveKind::halo_exchange);
  CHECK(collective.backward == CollectiveKind::halo_return);
  CHECK(collective.strips[0].to_after.count == 16 * 16);  // one row of 16 channels
  CHECK(collective.axis == MeshAxis::height);
}

TEST_CASE("a pool that strides by its window needs no halo where the parts suit it") {
  const Sharding part = part_of(plan_on(1, 2, 2, 1), load_model("vgg-nano"), 3);

  for (const Layer& layer : part.local.model.layers()) CHECK(layer.name.find("pool1.") == std::string::npos);
  const Layer& pool = part.local.model.layer(layer_named(part.local.model, "pool1"));
  CHECK(pool.output.dims == std::vector<std::int64_t>{16, 4, 4});  // a quarter of 8 x 8
}

TEST_CASE("in two dimensions the corners arrive by way of the neighbour in height") {
  const LayerDefinition definition{"window", "conv2d", {{"channels", 2}, {"kernel", 3}, {"padding", 1}}};
  const Sharding part = part_of(plan_on(1, 2, 2, 1), image_model(8, 8, definition), 0);
  const Model& local = part.local.model;

  CHECK(local.layer(layer_named(local, "images")).output.dims == std::vector<std::int64_t>{1, 4, 4});
  CHECK(local.layer(layer_named(local, "window.height.halo_join")).output.dims == std::vector<std::int64_t>{1, 5, 4});
  CHECK(local.layer(layer_named(local, "window.width.halo_join")).output.dims == std::vector<std::int64_t>{1, 5, 5});
  const LayerCollective& halo = *part.local.layers[index_of(layer_named(local, "window.width.halo"))].collective;
  CHECK(halo.strips[0].to_after.count == 5);  // a column of the joined rows: the corner's value is among them
}
