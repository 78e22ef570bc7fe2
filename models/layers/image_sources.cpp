// The sources of images and of the classes that the loss wants.

#include "models/layers/parts.hpp"

namespace tandem {

namespace {

constexpr AttributeSpec kImages[] = {
    {"channels", {}, 1, kLargestSize, "colours"},
    {"height", {}, 1, kLargestSize, "rows"},
    {"width", {}, 1, kLargestSize, "columns"},
};
constexpr AttributeSpec kClasses[] = {
    {"classes", {}, 2, kLargestSize, "number of different classes"},
};

TensorSpec image(const Attributes& attributes, std::span<const TensorSpec>) {
  return float_tensor({attributes.integer("channels"), attributes.integer("height"), attributes.integer("width")});
}

TensorSpec one_class(const Attributes&, std::span<const TensorSpec>) {
  return {.dims = {}, .type = ElementType::int32};
}

std::vector<LayoutRule> rules(const Attributes&, std::span<const TensorSpec>, const TensorSpec&) {
  return {{.name = "height", .inputs = {}, .output = split(1), .parameters = {}, .local_sizes = {"height"}},
          {.name = "width", .inputs = {}, .output = split(2), .parameters = {}, .local_sizes = {"width"}}};
}

}  // namespace

LayerKind images_kind() {
  return {.name = "images",
          .meaning = "source of images [channels, height, width]",
          .attributes = kImages,
          .inputs = 0,
          .output = image,
          .parameters = no_parameters,
          .kept = keeps_nothing,
          .work = source_work,
          .rules = rules};
}

LayerKind target_class_kind() {
  return {.name = "target_class",
          .meaning = "source of the class that the loss wants of each sample",
          .attributes = kClasses,
          .inputs = 0,
          .is_target = true,
          .output = one_class,
          .parameters = no_parameters,
          .kept = keeps_nothing,
          .work = source_work};
}

}  // namespace tandem
