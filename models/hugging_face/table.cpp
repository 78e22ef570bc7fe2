#include <array>

#include "models/hugging_face/config.hpp"

namespace tandem {

Architecture bert_architecture();
Architecture gpt2_architecture();
Architecture llama_architecture();
Architecture vit_architecture();

std::span<const Architecture> architectures() {
  static const std::array kArchitectures = {
      bert_architecture(),
      gpt2_architecture(),
      llama_architecture(),
      vit_architecture(),
  };
  return kArchitectures;
}

}  // namespace tandem
