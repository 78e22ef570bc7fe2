// The parts of a divided segment, the collectives between them, and the ranges of its gradients that are reduced.

#include <fmt/format.h>

#include <algorithm>

#include "tests/catch.hpp"
#include "tests/plan/meshes.hpp"
#include "tests/plan/random_models.hpp"

using namespace tandem;

namespace {

using Texts = std::vector<std::string>;

/// x (8), a (linear 8), r (relu), b (linear 8), targets, loss.
Model square_mlp() {
  return Model("square", {source("x", "values", 8), linear("a", 8, "x"), layer("r", "relu", {"a"}), linear("b", 8, "r"),
                          source("targets", "target_values", 8),
                          layer("loss", "mean_squared_error", {"b", "targets"})});
}

Segment segment_of(const LocalModel& local, const SegmentOptions& options = {}) {
  return lay_out_segment(local, 0, local.model.layer_count(), 4, options);
}

/// "I r, W b" for each part.
Texts parts_text(const LocalModel& local, const Segment& segment, const std::vector<SegmentPart>& parts) {
  Texts texts;
  for (const SegmentPart& part : parts) {
    std::string text;
    for (const PassItem& item : part.items)
      text += fmt::format("{}{} {}", text.empty() ? "" : ", ", letter_of(item.pass),
                          local.model.layer(segment.layers[item.layer].layer).name);
    texts.push_back(text);
  }
  return texts;
}

/// "a.tensor.all_reduce 0-1": after which part, before which.
Texts collectives_text(const LocalModel& local, const Segment& segment, const std::vector<SegmentCollective>& rows) {
  Texts texts;
  for (const SegmentCollective& row : rows)
    texts.push_back(fmt::format("{} {}-{}", local.model.layer(segment.layers[row.layer].layer).name, row.after_part,
                                row.before_part));
  return texts;
}

std::array<bool, kMeshAxes> over(std::initializer_list<MeshAxis> axes) {
  std::array<bool, kMeshAxes> flags{};
  for (const MeshAxis axis : axes) flags[static_cast<std::size_t>(axis)] = true;
  return flags;
}

/// Every parameter whose gradient is a summand lies in exactly one bucket over its axes, and no other parameter in any.
void check_buckets(const LocalModel& local, const Segment& segment) {
  for (std::size_t i = 0; i < segment.buckets.size(); ++i)
    for (std::size_t j = 0; j < i; ++j) {
      const GradientBucket &a = segment.buckets[i], &b = segment.buckets[j];
      REQUIRE((a.offset + a.bytes.count <= b.offset || b.offset + b.bytes.count <= a.offset));
    }
  std::vector<std::int64_t> filled(segment.buckets.size(), 0);
  for (const SegmentParameter& row : segment.parameters) {
    const auto& axes = local.parameters[index_of(row.parameter)].partial;
    const std::int64_t end = row.gradient_offset + row.elements * 4;
    int buckets = 0;
    for (std::size_t i = 0; i < segment.buckets.size(); ++i) {
      const GradientBucket& bucket = segment.buckets[i];
      if (end <= bucket.offset || row.gradient_offset >= bucket.offset + bucket.bytes.count) continue;
      REQUIRE(row.gradient_offset >= bucket.offset);
      REQUIRE(end <= bucket.offset + bucket.bytes.count);
      REQUIRE(bucket.over == axes);
      filled[i] += aligned_size({row.elements * 4});
      ++buckets;
    }
    const bool reduced = row.updated && axes != over({});
    REQUIRE(buckets == (reduced ? 1 : 0));
  }
  for (std::size_t i = 0; i < filled.size(); ++i) REQUIRE(filled[i] == segment.buckets[i].bytes.count);  // no gaps
}

}  // namespace

TEST_CASE("a naively divided model computes between sums, and its weight gradients while gradients are gathered") {
  Plan plan = plan_on(1, 1, 1, 2);
  plan.tensor_split = TensorSplit::naive;
  const LocalModel local = part_of(plan, square_mlp()).local;

  const Segment segment = segment_of(local);

  // Data is cut without a collective; r's gradient is gathered after I of b has its own columns.
  CHECK(parts_text(local, segment, segment.forward_parts) ==
        Texts{"F x, F x.tensor.pack, F x.tensor.pack.tensor.part.tensor.take, F a",
              "F r, F r.tensor.pack, F r.tensor.pack.tensor.part.tensor.take, F b",
              "F targets, F loss"});
  CHECK(collectives_text(local, segment, segment.forward_collectives) ==
        Texts{"a.tensor.all_reduce 0-1", "b.tensor.all_reduce 1-2"});
  CHECK(parts_text(local, segment, segment.backward_parts) ==
        Texts{"I loss, I b, I r.tensor.pack.tensor.part.tensor.take", "W b", "I r.tensor.pack, I r, W a"});
  CHECK(collectives_text(local, segment, segment.backward_collectives) == Texts{"r.tensor.pack.tensor.part 0-2"});
}

TEST_CASE("without overlap weight gradients come before the collective, in the order of the layers") {
  Plan plan = plan_on(1, 1, 1, 2);
  plan.tensor_split = TensorSplit::naive;
  const LocalModel local = part_of(plan, square_mlp()).local;

  const Segment segment = segment_of(local, {.overlap = false});

  CHECK(parts_text(local, segment, segment.backward_parts) ==
        Texts{"I loss, I b, W b, I r.tensor.pack.tensor.part.tensor.take", "I r.tensor.pack, I r, W a"});
  CHECK(collectives_text(local, segment, segment.backward_collectives) == Texts{"r.tensor.pack.tensor.part 0-1"});
}

TEST_CASE("a collective is in place, forward and backward") {
  const LocalModel local = part_of(plan_on(1, 1, 1, 2), load_model("gpt-nano")).local;
  const Segment segment = segment_of(local);
  const auto plan = [&](const std::string& name) { return segment.layers[index_of(layer_named(local.model, name))]; };

  const LayerPlan sum = plan("h.0.attn.proj.tensor.all_reduce"), producer = plan("h.0.attn.proj");
  CHECK(sum.output == producer.output);
  CHECK(sum.inputs[0] == producer.output);
  const LayerPlan copy = plan("h.0.ln_1.tensor.copy"), norm = plan("h.0.ln_1"), reader = plan("h.0.attn.qkv");
  CHECK(copy.output_gradient == norm.output_gradient);
  CHECK(reader.input_gradients[0] == norm.output_gradient);
  CHECK_FALSE(copy.runs_input_gradient);
}

TEST_CASE("every pass of a divided segment runs once, whatever the parts") {
  const LocalModel local = part_of(plan_on(2, 2, 1, 2), load_model("resnet-nano"), 1).local;
  for (const bool overlap : {true, false}) {
    const Segment segment = segment_of(local, {.overlap = overlap, .bucket = {4096}});

    std::vector<int> weights(local.model.layer_count(), 0);
    for (const SegmentPart& part : segment.backward_parts)
      for (const PassItem& item : part.items)
        if (item.pass == Pass::weight_gradient && item.region == Region::all) ++weights[item.layer];
    for (std::size_t i = 0; i < weights.size(); ++i) {
      const auto& layer = local.model.layers()[i];
      CHECK(weights[i] == (layer.parameters.empty() ? 0 : 1));
    }
    for (const SegmentCollective& row : segment.backward_collectives) {
      CHECK(row.after_part < row.before_part);
      CHECK(row.before_part < segment.backward_parts.size());
    }
  }
}

TEST_CASE("whatever the mesh and the size, each summand's gradient lies in one bucket of its axes, without gaps") {
  const std::vector<std::string> names{"gpt-nano", "llama-nano", "vgg-nano", "resnet-nano"};
  std::vector<Model> models;
  for (const std::string& name : names) models.push_back(load_model(name));
  for (std::uint64_t number = 0; number < 24; ++number) {
    Dice dice(number);
    const auto choice = static_cast<std::size_t>(dice.between(0, 3));
    const bool images = choice >= 2;
    Plan plan = plan_on(dice.between(1, 2), images ? dice.between(1, 2) : 1, images ? dice.between(1, 2) : 1,
                        dice.between(1, 2));
    plan.sequence_parallel = dice.chance(2);
    const LocalModel local = part_of(plan, models[choice]).local;
    const SegmentOptions options{dice.chance(2), Bytes{1LL << dice.between(6, 24)}};
    INFO("case " << number << ": " << names[choice] << " bucket " << options.bucket.count << "\n" << write_plan(plan));

    const Segment segment = segment_of(local, options);

    check_buckets(local, segment);
    for (const GradientBucket& bucket : segment.buckets) REQUIRE(bucket.ready_part < segment.backward_parts.size());
    REQUIRE(std::is_sorted(segment.buckets.begin(), segment.buckets.end(), [](const auto& a, const auto& b) {
      return std::pair(a.tied, a.ready_part) < std::pair(b.tied, b.ready_part);
    }));
  }
}

TEST_CASE("buckets take parameters from the last layer on until they hold the size that was asked for") {
  const LocalModel local = part_of(plan_on(2, 1, 1, 1), square_mlp()).local;

  // a.weight 256 bytes, a.bias 32 -> 64, b.weight 256, b.bias 64: at 0, 256, 320 and 576.
  const Segment one = segment_of(local, {.overlap = true, .bucket = {25'000'000}});
  REQUIRE(one.buckets.size() == 1);
  CHECK(one.buckets[0].offset == 0);
  CHECK(one.buckets[0].bytes == Bytes{640});
  CHECK(one.buckets[0].over == over({MeshAxis::data}));
  const Segment two = segment_of(local, {.overlap = true, .bucket = {320}});
  REQUIRE(two.buckets.size() == 2);
  CHECK(two.buckets[0].offset == 320);
  CHECK(two.buckets[0].bytes == Bytes{320});
  CHECK(two.buckets[0].ready_part < two.buckets[1].ready_part);  // b's gradients leave while a's are computed
  CHECK(two.buckets[1].offset == 0);
  CHECK(segment_of(local, {.overlap = true, .bucket = {1}}).buckets.size() == 4);
}

TEST_CASE("the bucket of a tied parameter comes last, as it is complete only at the end") {
  const LocalModel local = part_of(plan_on(2, 1, 1, 1), load_model("gpt-nano")).local;

  const Segment segment = segment_of(local, {.overlap = true, .bucket = {100'000}});

  REQUIRE(segment.buckets.size() > 2);
  CHECK(segment.buckets.back().tied);
  CHECK(segment.buckets.back().offset == 0);  // wte.weight is the first parameter
  CHECK_FALSE(segment.buckets[0].tied);
}
