// Segments that keep less than backward needs: every value is computed again before it is read, whatever the ranges,
// and nothing that W still reads is gone when I is over.

#include "tests/catch.hpp"
#include "tests/plan/random_models.hpp"
#include "tests/plan/symbolic.hpp"

using namespace tandem;

namespace {

using Ranges = std::vector<std::pair<std::size_t, std::size_t>>;

/// Ascending and apart, some of them neighbours, some across cuts.
Ranges random_ranges(Dice& dice, std::size_t layers) {
  Ranges ranges;
  for (std::size_t at = 0; at < layers;) {
    const std::size_t end = std::min(layers, at + static_cast<std::size_t>(dice.between(1, 6)));
    if (!dice.chance(3)) ranges.emplace_back(at, end);
    at = end;
  }
  return ranges;
}

std::vector<Segment> lay_out_stages(const Model& model, const std::vector<std::size_t>& cuts,
                                    const SegmentOptions& options) {
  std::vector<Segment> segments;
  std::size_t first = 0;
  for (std::size_t i = 0; i <= cuts.size(); ++i) {
    const std::size_t last = i < cuts.size() ? cuts[i] : model.layer_count();
    segments.push_back(lay_out_segment(undivided(model), first, last, 2, options));
    first = last;
  }
  return segments;
}

std::size_t items_again(const std::vector<Segment>& segments) {
  std::size_t count = 0;
  for (const Segment& segment : segments)
    for (const SegmentPart& part : segment.backward_parts)
      for (const PassItem& item : part.items) count += item.again;
  return count;
}

}  // namespace

TEST_CASE("whatever is computed again and however backward is split, each pass finds its values and gradients sum alike") {
  std::size_t again = 0;
  for (std::uint64_t number = 0; number < 300; ++number) {
    Dice dice(number);
    const Model model = RandomModel(dice).build();
    std::vector<std::size_t> cuts;
    for (std::size_t cut = 1; cut < model.layer_count(); ++cut)
      if (model.may_cut(cut) && dice.chance(4)) cuts.push_back(cut);
    SegmentOptions options;
    options.recompute = random_ranges(dice, model.layer_count());
    options.split_backward = dice.chance(2);
    INFO("case " << number);

    const auto plain = run_symbolically(model, lay_out_stages(model, cuts, {}));
    const std::vector<Segment> segments = lay_out_stages(model, cuts, options);

    REQUIRE(run_symbolically(model, segments) == plain);
    again += items_again(segments);
  }

  CHECK(again > 300);  // the property is not empty
}

TEST_CASE("models of the zoo find their values with any ranges") {
  for (const std::string name : {"mlp", "gpt-nano", "vgg-nano", "resnet-nano"}) {
    const Model model = load_model(name);
    for (std::uint64_t number = 0; number < 12; ++number) {
      Dice dice(number);
      std::vector<std::size_t> cuts;
      for (std::size_t cut = 1; cut < model.layer_count(); ++cut)
        if (model.may_cut(cut) && dice.chance(12)) cuts.push_back(cut);
      SegmentOptions options;
      options.recompute = number == 0 ? Ranges{{0, model.layer_count()}} : random_ranges(dice, model.layer_count());
      options.split_backward = number % 2 == 1;
      INFO(name << ", case " << number);

      const auto plain = run_symbolically(model, lay_out_stages(model, cuts, {}));

      REQUIRE(run_symbolically(model, lay_out_stages(model, cuts, options)) == plain);
    }
  }
}
