#include <array>

#include "models/layer.hpp"

namespace tandem {

LayerKind attention_kind();
LayerKind gelu_kind();
LayerKind layer_norm_kind();
LayerKind linear_kind();
LayerKind mean_absolute_error_kind();
LayerKind mean_squared_error_kind();
LayerKind position_embedding_kind();
LayerKind relu_kind();
LayerKind residual_add_kind();
LayerKind softmax_cross_entropy_kind();
LayerKind target_tokens_kind();
LayerKind target_values_kind();
LayerKind token_embedding_kind();
LayerKind tokens_kind();
LayerKind values_kind();

std::span<const LayerKind> layer_kinds() {
  static const std::array kKinds = {
      attention_kind(),
      gelu_kind(),
      layer_norm_kind(),
      linear_kind(),
      mean_absolute_error_kind(),
      mean_squared_error_kind(),
      position_embedding_kind(),
      relu_kind(),
      residual_add_kind(),
      softmax_cross_entropy_kind(),
      target_tokens_kind(),
      target_values_kind(),
      token_embedding_kind(),
      tokens_kind(),
      values_kind(),
  };
  return kKinds;
}

}  // namespace tandem
