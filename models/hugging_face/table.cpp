#include <array>

#include "models/hugging_face/config.hpp"

namespace tandem {

Architecture gpt2_architecture();

std::span<const Architecture> architectures() {
  static const std::array kArchitectures = {
      gpt2_architecture(),
  };
  return kArchitectures;
}

}  // namespace tandem
