#include "models/shorthand.hpp"

#include "models/model_file.hpp"
#include "tests/catch.hpp"
#include "tests/models/definitions.hpp"

using namespace tandem;

namespace {

using Given = std::vector<std::pair<std::string, double>>;

Model with_conv(const Given& attributes) {
  return Model("m", {{.name = "images", .kind = "images", .attributes = {{"channels", 1}, {"height", 9}, {"width", 9}}},
                     {.name = "conv", .kind = "conv2d", .attributes = attributes},
                     {.name = "pool", .kind = "global_average_pool"},
                     linear("y", 2),
                     {.name = "targets", .kind = "target_class", .attributes = {{"classes", 2}}},
                     {.name = "loss", .kind = "softmax_cross_entropy", .inputs = {"y", "targets"}}});
}

double value(const Model& model, std::string_view name) {
  return model.layer(find_layer(model, "conv")).attributes.number(name);
}

std::string refusal(const Given& attributes) {
  return message_of([&] { with_conv(attributes); });
}

std::string file_refusal(const std::string& keys) {
  const std::string text = "model: m\nlayers:\n  - {name: x, kind: images, channels: 1, height: 9, width: 9}\n  - {kind: conv2d, " +
                           keys + "}\n";
  return message_of([&] { read_model_file(parse_yaml(text, "m.yaml")); });
}

}  // namespace

TEST_CASE("one word sets the attributes of all sides") {
  const auto model = with_conv({{"channels", 2}, {"kernel", 3}, {"padding", 1}, {"stride", 2}, {"dilation", 2}});

  for (const auto* name : {"kernel_height", "kernel_width"}) CHECK(value(model, name) == 3);
  for (const auto* name : {"padding_top", "padding_bottom", "padding_left", "padding_right"}) CHECK(value(model, name) == 1);
  for (const auto* name : {"stride_height", "stride_width", "dilation_height", "dilation_width"}) CHECK(value(model, name) == 2);
}

TEST_CASE("a model with shorthands is the model with every attribute spelled out") {
  const auto brief = with_conv({{"channels", 2}, {"kernel", 3}, {"padding", 1}});
  const auto full = with_conv({{"channels", 2}, {"kernel_height", 3}, {"kernel_width", 3}, {"padding_top", 1},
                               {"padding_bottom", 1}, {"padding_left", 1}, {"padding_right", 1}});

  CHECK(brief.fingerprint() == full.fingerprint());
}

TEST_CASE("an attribute that is given by both spellings is refused") {
  CHECK(refusal({{"channels", 2}, {"kernel", 3}, {"kernel_width", 3}}) ==
        R"(error: layer "conv": kernel_width is given twice; got "kernel", want kernel or kernel_width)");
  CHECK_THAT(file_refusal("channels: 2, kernel: 3, padding_top: 1, padding: 1"),
             Catch::StartsWith("m.yaml:4:5: error: layer \"conv2d_1\": padding_top is given twice"));
}

TEST_CASE("a shorthand out of range is refused where it stands") {
  CHECK_THAT(file_refusal("channels: 2, kernel: 0"), Catch::StartsWith("m.yaml:4:41: error: "));
  CHECK_THAT(refusal({{"channels", 2}, {"kernel", 0}}), Catch::Contains("kernel_height is out of range"));
}

TEST_CASE("a misspelt shorthand brings the closest word") {
  CHECK_THAT(refusal({{"channels", 2}, {"kernal", 3}}), Catch::Contains(R"(did you mean "kernel"?)"));
  CHECK_THAT(file_refusal("channels: 2, kernel: 3, padings: 1"), Catch::Contains(R"(did you mean "padding"?)"));
}

TEST_CASE("a kind without sides has no shorthands") {
  CHECK(shorthands_of(find_layer_kind("linear")).empty());
  CHECK(shorthands_of(find_layer_kind("images")).empty());  // its height and width are no sides of a word
  CHECK(shorthands_of(find_layer_kind("conv2d")) == std::vector<std::string>{"kernel", "stride", "padding", "dilation"});
}
