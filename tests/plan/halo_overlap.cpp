// Windows behind a halo: which of their rows need no neighbour, and the parts that forward is cut into.

#include <algorithm>

#include "plan/lower.hpp"
#include "plan/precedence.hpp"
#include "plan/region_share.hpp"
#include "plan/touched_ranges.hpp"
#include "tests/catch.hpp"

using namespace tandem;

namespace {

/// An image of 12 x 12 through two convolutions that keep its size: one value wide, then `kernel` x `kernel`.
Model two_convolutions(double kernel) {
  const double padding = (kernel - 1) / 2;
  return Model("two-convolutions",
               {{.name = "x", .kind = "images", .attributes = {{"channels", 1}, {"height", 12}, {"width", 12}}},
                {.name = "point",
                 .kind = "conv2d",
                 .attributes = {{"channels", 2}, {"kernel_height", 1}, {"kernel_width", 1}}},
                {.name = "window",
                 .kind = "conv2d",
                 .attributes = {{"channels", 2}, {"kernel_height", kernel}, {"kernel_width", kernel},
                                {"padding_top", padding}, {"padding_bottom", padding}, {"padding_left", padding},
                                {"padding_right", padding}}},
                {.name = "mean", .kind = "global_average_pool"},
                {.name = "target", .kind = "target_class", .attributes = {{"classes", 2}}},
                {.name = "loss", .kind = "softmax_cross_entropy", .inputs = {"mean", "target"}}});
}

Program split_over(const Model& model, std::int64_t height, std::int64_t width, bool overlap) {
  Plan plan;
  plan.height = height;
  plan.width = width;
  plan.micro_batches = 1;
  plan.micro_batch_size = 2;
  plan.overlap = overlap;
  std::vector<DeviceId> devices;
  for (std::uint32_t i = 0; i < height * width; ++i) devices.push_back(static_cast<DeviceId>(i));
  return lower(plan, model, {}, devices);
}

const LayerPlan& plan_of(const Program& program, std::uint32_t segment, const std::string& layer) {
  const auto id = static_cast<SegmentId>(segment);
  for (const LayerPlan& plan : program.segment(id).layers)
    if (program.local(id).model.layer(plan.layer).name == layer) return plan;
  throw std::out_of_range(layer);
}

std::vector<OutputRows> interiors(const Program& program, const std::string& layer) {
  std::vector<OutputRows> rows;
  for (std::uint32_t i = 0; i < program.segments().size(); ++i)
    rows.push_back(plan_of(program, i, layer).interior.value());
  return rows;
}

bool has_regions(const Segment& segment) {
  return std::any_of(segment.forward_parts.begin(), segment.forward_parts.end(), [](const SegmentPart& part) {
    return std::any_of(part.items.begin(), part.items.end(),
                       [](const PassItem& item) { return item.region != Region::all; });
  });
}

StepId forward_step(const Program& program, WorkerId worker, std::uint32_t part) {
  for (std::uint32_t i = 0; i < program.step_count(); ++i) {
    const auto id = static_cast<StepId>(i);
    if (program.step(id).kind != StepKind::forward) continue;
    const StepWork& work = program.work(id);
    if (work.worker == worker && work.part == part) return id;
  }
  throw std::out_of_range("no such part");
}

}  // namespace

TEST_CASE("the interior of a window is the rows whose taps reach no strip") {
  const Program program = split_over(two_convolutions(3), 3, 1, true);

  const auto windows = interiors(program, "window"), joins = interiors(program, "window.height.halo_join");

  // Four rows each. Rank 0 has its padding above and a strip below: row p reads p - 1 to p + 1 of 5, the last a strip.
  // Rank 1 has strips on both sides: p reads p to p + 2 of 6. Rank 2 mirrors rank 0: p reads p to p + 2 of 5.
  CHECK(windows == std::vector<OutputRows>{{1, 0, 3}, {1, 1, 2}, {1, 1, 3}});
  CHECK(joins == std::vector<OutputRows>{{1, 0, 4}, {1, 1, 4}, {1, 1, 4}});
}

TEST_CASE("a part no larger than the window's reach has no interior") {
  const Program program = split_over(two_convolutions(5), 6, 1, true);

  const auto windows = interiors(program, "window");

  // Two rows each. Rank 1 reads p to p + 4 of 2 + 2 + 2 rows, of which 2 and 3 are its own.
  CHECK(windows[1].count == 0);
  CHECK(share_of(program.local(SegmentId{1}).model, plan_of(program, 1, "window"), Region::interior) == 0.0);
  CHECK(share_of(program.local(SegmentId{1}).model, plan_of(program, 1, "window"), Region::border) == 1.0);
}

TEST_CASE("a window's price is split by its rows") {
  const Program program = split_over(two_convolutions(3), 3, 1, true);
  const LayerPlan& window = plan_of(program, 1, "window");
  const LayerPlan& join = plan_of(program, 1, "window.height.halo_join");
  const Model& local = program.local(SegmentId{1}).model;

  CHECK(share_of(local, window, Region::interior) == Approx(0.5));   // 2 of 4 rows
  CHECK(share_of(local, window, Region::border) == Approx(0.5));
  CHECK(share_of(local, join, Region::interior) == Approx(4.0 / 6));  // 4 of 6 rows
  CHECK(share_of(local, join, Region::all) == 1.0);
}

TEST_CASE("the interior is a part of its own between the exchange's start and its end") {
  const Program program = split_over(two_convolutions(3), 2, 1, true);
  const Segment& segment = program.segment(SegmentId{0});

  REQUIRE(segment.forward_collectives.size() >= 1);
  const SegmentCollective& halo = segment.forward_collectives[0];
  const auto& interior = segment.forward_parts.at(halo.after_part + 1).items;
  const auto& border = segment.forward_parts.at(halo.before_part).items;

  CHECK(halo.before_part == halo.after_part + 2);
  REQUIRE(interior.size() == 2);  // the join and the window
  REQUIRE(border.size() >= 2);
  for (std::size_t i = 0; i < 2; ++i) {
    CHECK(interior[i].region == Region::interior);
    CHECK(border[i].region == Region::border);
    CHECK(border[i].layer == interior[i].layer);
  }
}

TEST_CASE("the interior and its exchange may run at once and touch no common byte") {
  const Program program = split_over(two_convolutions(3), 2, 1, true);
  const Collective& halo = program.collectives()[0];
  REQUIRE(program.spec(halo).shape.kind == CollectiveKind::halo_exchange);
  const SegmentCollective& place = program.segment(SegmentId{0}).forward_collectives[0];
  const Precedence precedence(program);

  for (const WorkerId worker : program.spec(halo).members) {
    const StepId exchange = program.members(halo)[index_of(worker)].step;
    const StepId interior = forward_step(program, worker, place.after_part + 1);
    CHECK_FALSE(precedence.before(interior, exchange));
    CHECK_FALSE(precedence.before(exchange, interior));
    CHECK(precedence.before(exchange, forward_step(program, worker, place.before_part)));
    for (const BufferUse& use : program.uses(exchange)) {
      const auto buffer = static_cast<BufferId>(use.buffer);
      CHECK_FALSE(overlap(touched_ranges(program, exchange, buffer), touched_ranges(program, interior, buffer)));
    }
  }
}

TEST_CASE("without overlap the same ranges of rows wait for the exchange") {
  const Program program = split_over(two_convolutions(3), 2, 1, false);
  const Segment& segment = program.segment(SegmentId{0});
  const SegmentCollective& halo = segment.forward_collectives[0];

  const auto& items = segment.forward_parts.at(halo.before_part).items;

  CHECK(halo.before_part == halo.after_part + 1);
  REQUIRE(items.size() >= 4);  // join and window, interior and border
  CHECK(items[1].region == Region::interior);
  CHECK(items[3].region == Region::border);
}

TEST_CASE("behind a halo of columns a window computes all rows at once") {
  CHECK_FALSE(has_regions(split_over(two_convolutions(3), 1, 2, true).segment(SegmentId{0})));
  CHECK_FALSE(has_regions(split_over(two_convolutions(3), 2, 2, true).segment(SegmentId{0})));
  CHECK(has_regions(split_over(two_convolutions(3), 2, 1, true).segment(SegmentId{0})));
}
