#include "tests/catch.hpp"
#include "tests/models/definitions.hpp"

using namespace tandem;

namespace {

Flops products(const Model& model, Pass pass) {
  Flops total;
  for (std::uint32_t i = 0; i < model.layer_count(); ++i) total += product_flops(model.work(static_cast<LayerId>(i), pass, 1));
  return total;
}

}  // namespace

TEST_CASE("the published convolutional networks have exactly their published parameters") {
  // conv 6 (25 + 1), 16 (150 + 1); linear 120 (400 + 1), 84 (120 + 1), 10 (84 + 1)
  CHECK(load_model("lenet").parameter_count() == 156 + 2416 + 48'120 + 10'164 + 850);
  CHECK(load_model("alexnet").parameter_count() == 61'100'840);   // torchvision.models.alexnet
  CHECK(load_model("vgg16").parameter_count() == 138'357'544);    // torchvision.models.vgg16
  CHECK(load_model("resnet50").parameter_count() == 25'557'032);  // torchvision.models.resnet50
}

TEST_CASE("the small convolutional networks have the parameters that their sizes give") {
  // conv 16 (27 + 1), 16 (144 + 1), 32 (144 + 1), 32 (288 + 1); linear 64 (512 + 1), 8 (64 + 1)
  CHECK(load_model("vgg-nano").parameter_count() == 448 + 2320 + 4640 + 9248 + 32'832 + 520);
  // conv 16 27, twice 16 144, 32 16, 32 144, 32 288; norms of 3 16 and 3 32 channels, two each; linear 8 (32 + 1)
  CHECK(load_model("resnet-nano").parameter_count() == 432 + 4608 + 512 + 4608 + 9216 + 96 + 192 + 264);
}

TEST_CASE("ResNet-50 takes 4.09 billion multiply-adds an image") {
  const auto model = load_model("resnet50");

  CHECK(products(model, Pass::forward) == Flops{2 * 4'089'184'256});  // fvcore's count for torchvision's
  CHECK(products(model, Pass::weight_gradient) == products(model, Pass::forward));
}

TEST_CASE("VGG-16 takes 15.47 billion multiply-adds an image") {
  // 3 x 3 convolutions: positions * 9 * in * out, by block of one resolution; then the linear layers
  const std::int64_t at_224 = 50'176L * 9 * (3 * 64 + 64 * 64), at_112 = 12'544L * 9 * (64 * 128 + 128 * 128);
  const std::int64_t at_56 = 3'136L * 9 * (128 * 256 + 2 * 256 * 256), at_28 = 784L * 9 * (256 * 512 + 2 * 512 * 512);
  const std::int64_t at_14 = 196L * 9 * 3 * 512 * 512, rows = 25'088 * 4096 + 4096 * 4096 + 4096 * 1000;

  const auto sum = at_224 + at_112 + at_56 + at_28 + at_14 + rows;

  CHECK(sum == 15'470'264'320);
  CHECK(products(load_model("vgg16"), Pass::forward) == Flops{2 * sum});
}

TEST_CASE("ResNet-50 ends in 2,048 features of 7 by 7 positions") {
  const auto model = load_model("resnet50");

  CHECK(model.layer(find_layer(model, "maxpool")).output.dims == std::vector<std::int64_t>{64, 56, 56});
  CHECK(model.layer(find_layer(model, "layer4.1.relu3")).output.dims == std::vector<std::int64_t>{2048, 7, 7});
  CHECK(model.layer(find_layer(model, "avgpool")).output.dims == std::vector<std::int64_t>{2048});
}

TEST_CASE("the small networks' channels, classes and features divide by eight") {
  for (const auto* name : {"vgg-nano", "resnet-nano"}) {
    const auto model = load_model(name);
    for (const auto& layer : model.layers()) {
      const bool of_data = layer.kind->inputs == 0 || layer.kind->is_loss;
      if (!of_data) CHECK(layer.output.dims[0] % 8 == 0);
    }
  }
}
