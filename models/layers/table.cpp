#include <array>

#include "models/layer.hpp"

namespace tandem {

LayerKind attention_kind();
LayerKind average_pool2d_kind();
LayerKind batch_moments_kind();
LayerKind batch_norm_kind();
LayerKind batch_norm_merge_kind();
LayerKind class_token_kind();
LayerKind conv2d_kind();
LayerKind conv2d_winograd_kind();
LayerKind cross_entropy_from_statistics_kind();
LayerKind dropout_kind();
LayerKind erf_gelu_kind();
LayerKind first_position_kind();
LayerKind flatten_kind();
LayerKind gelu_kind();
LayerKind global_average_pool_kind();
LayerKind grouped_attention_kind();
LayerKind image_to_sequence_kind();
LayerKind images_kind();
LayerKind layer_norm_kind();
LayerKind linear_kind();
LayerKind max_pool2d_kind();
LayerKind mean_absolute_error_kind();
LayerKind mean_squared_error_kind();
LayerKind position_embedding_kind();
LayerKind relu_kind();
LayerKind residual_add_kind();
LayerKind rms_norm_kind();
LayerKind rotary_kind();
LayerKind segment_embedding_kind();
LayerKind softmax_cross_entropy_kind();
LayerKind swiglu_kind();
LayerKind tanh_kind();
LayerKind target_class_kind();
LayerKind target_tokens_kind();
LayerKind target_values_kind();
LayerKind token_embedding_kind();
LayerKind tokens_kind();
LayerKind values_kind();
LayerKind vocabulary_statistics_kind();

std::span<const LayerKind> layer_kinds() {
  static const std::array kKinds = {
      attention_kind(),
      average_pool2d_kind(),
      batch_moments_kind(),
      batch_norm_kind(),
      batch_norm_merge_kind(),
      class_token_kind(),
      conv2d_kind(),
      conv2d_winograd_kind(),
      cross_entropy_from_statistics_kind(),
      dropout_kind(),
      erf_gelu_kind(),
      first_position_kind(),
      flatten_kind(),
      gelu_kind(),
      global_average_pool_kind(),
      grouped_attention_kind(),
      image_to_sequence_kind(),
      images_kind(),
      layer_norm_kind(),
      linear_kind(),
      max_pool2d_kind(),
      mean_absolute_error_kind(),
      mean_squared_error_kind(),
      position_embedding_kind(),
      relu_kind(),
      residual_add_kind(),
      rms_norm_kind(),
      rotary_kind(),
      segment_embedding_kind(),
      softmax_cross_entropy_kind(),
      swiglu_kind(),
      tanh_kind(),
      target_class_kind(),
      target_tokens_kind(),
      target_values_kind(),
      token_embedding_kind(),
      tokens_kind(),
      values_kind(),
      vocabulary_statistics_kind(),
  };
  return kKinds;
}

}  // namespace tandem
