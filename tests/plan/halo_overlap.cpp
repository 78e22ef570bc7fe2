// Windows behind halos: what of them needs no neighbour, and the parts that forward is cut into.

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

/// The layer's nest on each rank.
std::vector<std::vector<OutputRectangle>> nests(const Program& program, const std::string& layer) {
  std::vector<std::vector<OutputRectangle>> all;
  for (std::uint32_t i = 0; i < program.segments().size(); ++i) all.push_back(plan_of(program, i, layer).nest);
  return all;
}

/// Of a split over height: the rows of each rank's interior, which has all columns.
std::vector<OutputRange> interior_rows(const Program& program, const std::string& layer) {
  std::vector<OutputRange> rows;
  for (const auto& nest : nests(program, layer)) {
    CHECK(nest.size() == 1);
    CHECK(nest.at(0).columns == OutputRange{0, 12});
    rows.push_back(nest.at(0).rows);
  }
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

  const auto windows = interior_rows(program, "window"), joins = interior_rows(program, "window.height.halo_join");

  // Four rows each. Rank 0 has its padding above and a strip below: row p reads p - 1 to p + 1 of 5, the last a strip.
  // Rank 1 has strips on both sides: p reads p to p + 2 of 6. Rank 2 mirrors rank 0: p reads p to p + 2 of 5.
  CHECK(windows == std::vector<OutputRange>{{0, 3}, {1, 2}, {1, 3}});
  CHECK(joins == std::vector<OutputRange>{{0, 4}, {1, 4}, {1, 4}});
}

TEST_CASE("a part no larger than the window's reach has no interior") {
  const Program program = split_over(two_convolutions(5), 6, 1, true);

  const auto windows = interior_rows(program, "window");

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

TEST_CASE("behind a halo of columns the interior is the columns whose taps reach no strip") {
  const Program program = split_over(two_convolutions(3), 1, 3, true);

  const auto windows = nests(program, "window"), joins = nests(program, "window.width.halo_join");

  // As the rows above.
  const std::vector<OutputRange> columns{{0, 3}, {1, 2}, {1, 3}}, own{{0, 4}, {1, 4}, {1, 4}};
  for (std::size_t rank = 0; rank < 3; ++rank) {
    CHECK(windows[rank] == std::vector<OutputRectangle>{{{0, 12}, columns[rank]}});
    CHECK(joins[rank] == std::vector<OutputRectangle>{{{0, 12}, own[rank]}});
  }
}

TEST_CASE("behind two halos a nest grows by rows when the first has arrived, by columns when the second has") {
  const Program program = split_over(two_convolutions(3), 2, 2, true);

  // Rank 0 of 2 x 2: six rows and columns of its own, a strip below and a strip to the right. Outputs 0 to 4 of each axis
  // read own values only; of these five rows three are computed before the first halo, two while the second travels.
  CHECK(nests(program, "window.height.halo_join")[0] == std::vector<OutputRectangle>{{{0, 6}, {0, 6}}});
  CHECK(nests(program, "window.width.halo_join")[0] ==
        std::vector<OutputRectangle>{{{0, 6}, {0, 6}}, {{0, 7}, {0, 6}}});
  CHECK(nests(program, "window")[0] == std::vector<OutputRectangle>{{{0, 3}, {0, 5}}, {{0, 6}, {0, 5}}});
}

TEST_CASE("the second of two halos is sent when the first is in, and each has something computed beside it") {
  const Program program = split_over(two_convolutions(3), 2, 2, true);
  const Segment& segment = program.segment(SegmentId{0});
  const Model& local = program.local(SegmentId{0}).model;
  const auto text = [&](std::uint32_t part) {
    std::string names;
    for (const PassItem& item : segment.forward_parts.at(part).items)
      names += local.layer(segment.layers[item.layer].layer).name + " " + std::to_string(static_cast<int>(item.region)) + "; ";
    return names;
  };

  const SegmentCollective &rows = segment.forward_collectives.at(0), &columns = segment.forward_collectives.at(1);

  CHECK(text(rows.after_part + 1) == "window.height.halo_join 1; window.width.halo_join 1; window 1; ");
  CHECK(rows.before_part == rows.after_part + 2);
  CHECK(columns.after_part == rows.before_part);
  CHECK(text(columns.after_part) == "window.height.halo_join 3; window.width.halo_send 0; ");
  CHECK(text(columns.after_part + 1) == "window.width.halo_join 2; window 2; ");
  CHECK(columns.before_part == columns.after_part + 2);
  CHECK(text(columns.before_part).starts_with("window.width.halo_join 3; window 3; "));
}

TEST_CASE("neither of two exchanges touches a byte of what is computed beside it") {
  const Program program = split_over(two_convolutions(3), 2, 2, true);

  std::size_t exchanges = 0;
  for (const Collective& halo : program.collectives()) {
    if (program.spec(halo).shape.kind != CollectiveKind::halo_exchange) continue;
    const bool second = program.spec(halo).stream == StreamKind::width;
    for (std::uint32_t rank = 0; rank < program.spec(halo).members.size(); ++rank) {
      const WorkerId worker = program.spec(halo).members[rank];
      const StepId exchange = program.members(halo)[rank].step;
      const Segment& segment = program.segment(static_cast<SegmentId>(index_of(worker)));
      const std::uint32_t part = segment.forward_collectives.at(second ? 1 : 0).after_part + 1;
      const StepId beside = forward_step(program, worker, part);
      for (const BufferUse& use : program.uses(exchange)) {
        const auto buffer = static_cast<BufferId>(use.buffer);
        CHECK_FALSE(overlap(touched_ranges(program, exchange, buffer), touched_ranges(program, beside, buffer)));
      }
      ++exchanges;
    }
  }
  CHECK(exchanges == 8);  // four ranks, two axes
}

TEST_CASE("a window has regions on every axis that it is divided over") {
  CHECK(has_regions(split_over(two_convolutions(3), 2, 1, true).segment(SegmentId{0})));
  CHECK(has_regions(split_over(two_convolutions(3), 1, 2, true).segment(SegmentId{0})));
  CHECK(has_regions(split_over(two_convolutions(3), 2, 2, true).segment(SegmentId{0})));
  CHECK_FALSE(has_regions(split_over(two_convolutions(1), 2, 2, true).segment(SegmentId{0})));
}
