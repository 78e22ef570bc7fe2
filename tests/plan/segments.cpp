#include "plan/segment.hpp"

#include "tests/catch.hpp"
#include "tests/plan/models.hpp"

using namespace tandem;

namespace {

std::string text_of(const Placement& placement) {
  static const char* const kNames[] = {"none",      "inbox",          "outbox",         "saved",
                                       "workspace", "gradient_inbox", "gradient_outbox"};
  const std::string name = kNames[static_cast<std::size_t>(placement.place)];
  return placement.place == Place::none ? name : name + "+" + std::to_string(placement.offset);
}

std::vector<std::string> texts_of(const std::vector<Placement>& placements) {
  std::vector<std::string> texts;
  for (const Placement& placement : placements) texts.push_back(text_of(placement));
  return texts;
}

using Texts = std::vector<std::string>;

std::vector<std::uint32_t> tensors(const std::vector<BoundaryTensor>& pack) {
  std::vector<std::uint32_t> ids;
  for (const BoundaryTensor& entry : pack) ids.push_back(index_of(entry.tensor));
  return ids;
}

using Ids = std::vector<std::uint32_t>;

/// 0 x (16), 1 a (linear 16), 2 b (linear), 3 c (linear), 4 add (a + c), 5 d (linear), 6 targets, 7 loss.
/// All tensors of one sample are 64 bytes. The residual edge runs from a over b and c to add.
Model residual_model() {
  return Model("residual",
               {source("x", "values", 16), linear("a", 16, "x"), linear("b", 16, "a"), linear("c", 16, "b"),
                layer("add", "residual_add", {"a", "c"}), linear("d", 16, "add"),
                source("targets", "target_values", 16), layer("loss", "mean_squared_error", {"d", "targets"})});
}

}  // namespace

TEST_CASE("the first stage of a small chain keeps what its backward reads and copies what leaves") {
  const Segment stage = lay_out(two_layer_mlp(), 0, 3, 2);  // x, a, r; two samples

  const LayerPlan &x = stage.layers[0], &a = stage.layers[1], &r = stage.layers[2];
  CHECK(text_of(x.output) == "saved+0");        // 2 x 4 x 4 = 32 bytes, read by W of a
  CHECK(text_of(a.output) == "workspace+0");    // relu's backward reads its own output, so a's is not kept
  CHECK(text_of(r.output) == "saved+64");       // after 32 bytes, rounded up to 64
  CHECK(texts_of(a.inputs) == Texts{"saved+0"});
  CHECK(texts_of(r.inputs) == Texts{"workspace+0"});
  CHECK(stage.inbox.empty());
  CHECK(tensors(stage.outbox) == Ids{2});
  REQUIRE(stage.forward_copies.size() == 1);    // r is kept and leaves
  CHECK(text_of(stage.forward_copies[0].from) == "saved+64");
  CHECK(text_of(stage.forward_copies[0].to) == "outbox+0");
  CHECK(stage.forward_copies[0].bytes == Bytes{64});
  CHECK(stage.saved_bytes == Bytes{128});       // x 32 -> 64, r 2 x 8 x 4 = 64
  CHECK(stage.forward_workspace == Bytes{64});  // a
  CHECK(stage.outbox_bytes == Bytes{64});
  CHECK(stage.inbox_bytes == Bytes{0});
  CHECK_FALSE(stage.keeps_inbox);
}

TEST_CASE("backward of the first stage runs from the message to the last parameter, and no further") {
  const Segment stage = lay_out(two_layer_mlp(), 0, 3, 2);

  const LayerPlan &x = stage.layers[0], &a = stage.layers[1], &r = stage.layers[2];
  CHECK(text_of(r.output_gradient) == "gradient_inbox+0");
  CHECK(texts_of(r.input_gradients) == Texts{"workspace+0"});
  CHECK(r.accumulate == std::vector<bool>{false});
  CHECK(r.runs_input_gradient);
  CHECK_FALSE(r.runs_weight_gradient);  // relu has no parameters
  CHECK(text_of(a.output_gradient) == "workspace+0");
  CHECK(texts_of(a.input_gradients) == Texts{"none"});
  CHECK_FALSE(a.runs_input_gradient);  // before it stands only the data
  CHECK(a.runs_weight_gradient);
  CHECK(text_of(x.output_gradient) == "none");
  CHECK_FALSE(x.runs_input_gradient);
  CHECK(stage.backward_workspace == Bytes{64});      // the gradient of a
  CHECK(stage.gradient_inbox_bytes == Bytes{64});
  CHECK(stage.gradient_outbox_bytes == Bytes{0});
  CHECK(stage.backward_copies.empty());
}

TEST_CASE("the last stage keeps its inbox where a layer's backward reads it, and ends in the loss") {
  const Segment stage = lay_out(two_layer_mlp(), 3, 6, 2);  // b, targets, loss

  const LayerPlan &b = stage.layers[0], &targets = stage.layers[1], &loss = stage.layers[2];
  CHECK(texts_of(b.inputs) == Texts{"inbox+0"});
  CHECK(stage.keeps_inbox);                       // W of b reads r
  CHECK(text_of(b.output) == "saved+0");          // 2 x 2 x 4 = 16 bytes, read by the loss's backward
  CHECK(text_of(targets.output) == "saved+64");
  CHECK(texts_of(loss.inputs) == Texts{"saved+0", "saved+64"});
  CHECK(text_of(loss.output) == "workspace+0");   // one value
  CHECK(text_of(loss.output_gradient) == "none");  // the seed
  CHECK(texts_of(loss.input_gradients) == Texts{"workspace+0", "none"});  // targets are data
  CHECK(text_of(b.output_gradient) == "workspace+0");
  CHECK(texts_of(b.input_gradients) == Texts{"gradient_outbox+0"});
  CHECK(stage.saved_bytes == Bytes{128});         // 16 -> 64, twice
  CHECK(stage.forward_workspace == Bytes{64});    // the loss: 4 -> 64
  CHECK(stage.backward_workspace == Bytes{64});
  CHECK(stage.inbox_bytes == Bytes{64});
  CHECK(stage.gradient_outbox_bytes == Bytes{64});
  CHECK(stage.outbox_bytes == Bytes{0});
}

TEST_CASE("weights and gradients of a segment lie one after the other, aligned") {
  const Segment stage = lay_out(two_layer_mlp(), 0, 3, 2);

  REQUIRE(stage.parameters.size() == 2);
  CHECK(stage.parameters[0].elements == 32);         // a.weight [8, 4]
  CHECK(stage.parameters[0].weight_offset == 0);
  CHECK(stage.parameters[1].elements == 8);          // a.bias
  CHECK(stage.parameters[1].weight_offset == 128);   // after 32 x 4 bytes
  CHECK(stage.parameters[1].gradient_offset == 128);
  CHECK(stage.weight_bytes == Bytes{192});           // 128 + 32 -> 64
  CHECK(stage.gradient_bytes == Bytes{192});
  CHECK(stage.parameters[0].updated);
}

TEST_CASE("the whole model as one segment has no messages") {
  const Segment whole = lay_out(two_layer_mlp(), 0, 6, 2);

  CHECK(whole.inbox_bytes + whole.outbox_bytes + whole.gradient_inbox_bytes + whole.gradient_outbox_bytes == Bytes{0});
  CHECK(whole.forward_copies.empty());
  CHECK(whole.backward_copies.empty());
}

TEST_CASE("where two layers read one tensor the later reader writes its gradient and the earlier one adds") {
  const Segment whole = lay_out(residual_model(), 0, 8, 1);

  const LayerPlan &add = whole.layers[4], &b = whole.layers[2], &a = whole.layers[1];
  CHECK(add.accumulate == std::vector<bool>{false, false});  // first in backward: to a, and to c
  CHECK(b.accumulate == std::vector<bool>{true});            // adds to what add wrote
  CHECK(add.input_gradients[0] == b.input_gradients[0]);
  CHECK(a.output_gradient == b.input_gradients[0]);
}

TEST_CASE("a layer that reads one tensor twice adds the second gradient to the first") {
  const Model model("twice",
                    {source("x", "values", 16), linear("a", 16, "x"), layer("add", "residual_add", {"a", "a"}),
                     source("targets", "target_values", 16), layer("loss", "mean_squared_error", {"add", "targets"})});

  const Segment whole = lay_out(model, 0, 5, 1);

  CHECK(whole.layers[2].accumulate == std::vector<bool>{false, true});
  CHECK(whole.layers[2].input_gradients[0] == whole.layers[2].input_gradients[1]);
}

TEST_CASE("a residual edge over a cut travels with the message, and its gradient returns to be added to") {
  const Model model = residual_model();
  const Segment first = lay_out(model, 0, 3, 1), second = lay_out(model, 3, 8, 1);  // cut before c

  CHECK(tensors(first.outbox) == Ids{1, 2});  // a for add, b for c
  CHECK(tensors(second.inbox) == Ids{1, 2});
  CHECK(texts_of(second.layers[1].inputs) == Texts{"inbox+0", "workspace+0"});     // add reads a and c
  CHECK(second.layers[1].input_gradients[0] == Placement{Place::gradient_outbox, 0});
  CHECK(second.layers[0].input_gradients[0] == Placement{Place::gradient_outbox, 64});
  CHECK(text_of(first.layers[1].output_gradient) == "gradient_inbox+0");
  CHECK(text_of(first.layers[2].input_gradients[0]) == "gradient_inbox+0");        // b adds its part to the message's
  CHECK(first.layers[2].accumulate == std::vector<bool>{true});
  CHECK(first.outbox_bytes == Bytes{128});
  CHECK(second.gradient_outbox_bytes == first.gradient_inbox_bytes);
}

TEST_CASE("a stage that does not touch a residual edge hands it on, forward and back") {
  const Segment middle = lay_out(residual_model(), 3, 4, 1);  // c alone

  CHECK(tensors(middle.inbox) == Ids{1, 2});
  CHECK(tensors(middle.outbox) == Ids{1, 3});
  REQUIRE(middle.forward_copies.size() == 1);
  CHECK(text_of(middle.forward_copies[0].from) == "inbox+0");
  CHECK(text_of(middle.forward_copies[0].to) == "outbox+0");
  CHECK(text_of(middle.layers[0].output) == "outbox+64");  // c is written where it leaves
  REQUIRE(middle.backward_copies.size() == 1);
  CHECK(text_of(middle.backward_copies[0].from) == "gradient_inbox+0");
  CHECK(text_of(middle.backward_copies[0].to) == "gradient_outbox+0");
  CHECK(middle.backward_copies[0].bytes == Bytes{64});
  CHECK(text_of(middle.layers[0].output_gradient) == "gradient_inbox+64");
  CHECK(text_of(middle.layers[0].input_gradients[0]) == "gradient_outbox+64");
  CHECK(middle.forward_workspace == Bytes{0});
  CHECK(middle.saved_bytes == Bytes{0});
  CHECK(middle.keeps_inbox);
}

TEST_CASE("a carried gradient that gets a part in this stage is copied first, then added to") {
  const Segment middle = lay_out(residual_model(), 2, 4, 1);  // b and c: b reads a, which add reads later, too

  CHECK(tensors(middle.inbox) == Ids{1});
  CHECK(tensors(middle.outbox) == Ids{1, 3});
  REQUIRE(middle.backward_copies.size() == 1);
  CHECK(text_of(middle.backward_copies[0].to) == "gradient_outbox+0");
  CHECK(text_of(middle.layers[0].input_gradients[0]) == "gradient_outbox+0");
  CHECK(middle.layers[0].accumulate == std::vector<bool>{true});
}

TEST_CASE("data that crosses a cut as part of a residual edge gets no gradient message") {
  const Model model("skip", {source("x", "values", 16), linear("a", 16, "x"), source("y", "values", 16),
                             layer("add", "residual_add", {"a", "y"}), source("targets", "target_values", 16),
                             layer("loss", "mean_squared_error", {"add", "targets"})});

  const Segment last = lay_out(model, 2, 6, 1);  // y, add, targets, loss

  CHECK(tensors(last.inbox) == Ids{1});
  CHECK(tensors(last.gradient_outbox) == Ids{1});
  CHECK(texts_of(last.layers[1].input_gradients) == Texts{"gradient_outbox+0", "none"});
  CHECK_FALSE(last.keeps_inbox);  // a sum's backward reads no value
}

TEST_CASE("a stage without parameters before it sends no gradient back") {
  const Model model("late",
                    {source("x", "values", 16), layer("r", "relu", {"x"}), linear("a", 16, "r"),
                     source("targets", "target_values", 16), layer("loss", "mean_squared_error", {"a", "targets"})});

  const Segment first = lay_out(model, 0, 2, 1), second = lay_out(model, 2, 5, 1);

  CHECK(second.gradient_outbox_bytes == Bytes{0});
  CHECK(first.gradient_inbox_bytes == Bytes{0});
  CHECK(text_of(first.layers[1].output) == "outbox+0");  // not kept: relu's backward does not run
  CHECK(first.saved_bytes == Bytes{0});
  CHECK_FALSE(second.layers[0].runs_input_gradient);
}

TEST_CASE(
    "a tied pair in one segment shares its weights and has two gradients, of which one is summed into the other") {
  LayerDefinition user = linear("b", 16, "a");
  user.tie = "a.weight";
  const Model model("tied",
                    {source("x", "values", 16), linear("a", 16, "x"), user, source("targets", "target_values", 16),
                     layer("loss", "mean_squared_error", {"b", "targets"})});

  const Segment whole = lay_out(model, 0, 5, 1);

  REQUIRE(whole.parameters.size() == 4);  // a.weight, a.bias, b.weight, b.bias
  CHECK(whole.parameters[2].weight_offset == whole.parameters[0].weight_offset);
  CHECK(whole.parameters[0].gradient_offset == 0);
  CHECK(whole.parameters[3].gradient_offset == 1024 + 64);       // b.bias follows a.bias
  CHECK(whole.parameters[2].gradient_offset == 1024 + 64 + 64);  // the use that is summed into a's comes last
  CHECK_FALSE(whole.parameters[2].updated);
  CHECK(whole.parameters[0].updated);
  CHECK(whole.weight_bytes == Bytes{1024 + 64 + 64});           // 16 x 16 x 4, and two biases
  CHECK(whole.gradient_bytes == Bytes{1024 + 64 + 1024 + 64});  // every use has its own

  const Segment second = lay_out(model, 2, 5, 1);
  CHECK(second.weight_bytes == Bytes{1024 + 64});  // a replica where the owner is elsewhere
  CHECK(second.parameters[0].updated);
}
