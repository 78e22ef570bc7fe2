#include <array>

#include "exec/kernel.hpp"

namespace tandem {

KernelRow<float> attention_kernels();
KernelRow<float> average_pool2d_kernels();
KernelRow<float> batch_moments_kernels();
KernelRow<float> batch_norm_kernels();
KernelRow<float> batch_norm_merge_kernels();
KernelRow<float> class_token_kernels();
KernelRow<float> conv2d_kernels();
KernelRow<float> conv2d_winograd_kernels();
KernelRow<float> cross_entropy_from_statistics_kernels();
KernelRow<float> dropout_kernels();
KernelRow<float> erf_gelu_kernels();
KernelRow<float> first_position_kernels();
KernelRow<float> flatten_kernels();
KernelRow<float> gelu_kernels();
KernelRow<float> global_average_pool_kernels();
KernelRow<float> grouped_attention_kernels();
KernelRow<float> image_to_sequence_kernels();
KernelRow<float> layer_norm_kernels();
KernelRow<float> linear_kernels();
KernelRow<float> max_pool2d_kernels();
KernelRow<float> mean_absolute_error_kernels();
KernelRow<float> mean_squared_error_kernels();
KernelRow<float> position_embedding_kernels();
KernelRow<float> relu_kernels();
KernelRow<float> residual_add_kernels();
KernelRow<float> rms_norm_kernels();
KernelRow<float> rotary_kernels();
KernelRow<float> segment_embedding_kernels();
KernelRow<float> softmax_cross_entropy_kernels();
KernelRow<float> swiglu_kernels();
KernelRow<float> tanh_kernels();
KernelRow<float> token_embedding_kernels();
KernelRow<float> vocabulary_statistics_kernels();

template <class Real>
KernelRow<Real> attention_reference();
template <class Real>
KernelRow<Real> average_pool2d_reference();
template <class Real>
KernelRow<Real> batch_moments_reference();
template <class Real>
KernelRow<Real> batch_norm_reference();
template <class Real>
KernelRow<Real> batch_norm_merge_reference();
template <class Real>
KernelRow<Real> class_token_reference();
template <class Real>
KernelRow<Real> conv2d_reference(std::string_view kind = "conv2d");
template <class Real>
KernelRow<Real> cross_entropy_from_statistics_reference();
template <class Real>
KernelRow<Real> dropout_reference();
template <class Real>
KernelRow<Real> erf_gelu_reference();
template <class Real>
KernelRow<Real> first_position_reference();
template <class Real>
KernelRow<Real> flatten_reference();
template <class Real>
KernelRow<Real> gelu_reference();
template <class Real>
KernelRow<Real> global_average_pool_reference();
template <class Real>
KernelRow<Real> grouped_attention_reference();
template <class Real>
KernelRow<Real> image_to_sequence_reference();
template <class Real>
KernelRow<Real> layer_norm_reference();
template <class Real>
KernelRow<Real> linear_reference();
template <class Real>
KernelRow<Real> max_pool2d_reference();
template <class Real>
KernelRow<Real> mean_absolute_error_reference();
template <class Real>
KernelRow<Real> mean_squared_error_reference();
template <class Real>
KernelRow<Real> position_embedding_reference();
template <class Real>
KernelRow<Real> relu_reference();
template <class Real>
KernelRow<Real> residual_add_reference();
template <class Real>
KernelRow<Real> rms_norm_reference();
template <class Real>
KernelRow<Real> rotary_reference();
template <class Real>
KernelRow<Real> segment_embedding_reference();
template <class Real>
KernelRow<Real> softmax_cross_entropy_reference();
template <class Real>
KernelRow<Real> swiglu_reference();
template <class Real>
KernelRow<Real> tanh_reference();
template <class Real>
KernelRow<Real> token_embedding_reference();
template <class Real>
KernelRow<Real> vocabulary_statistics_reference();

std::span<const KernelRow<float>> fast_kernels() {
  static const std::array kRows = {
      attention_kernels(),
      average_pool2d_kernels(),
      batch_moments_kernels(),
      batch_norm_kernels(),
      batch_norm_merge_kernels(),
      class_token_kernels(),
      conv2d_kernels(),
      conv2d_winograd_kernels(),
      cross_entropy_from_statistics_kernels(),
      dropout_kernels(),
      erf_gelu_kernels(),
      first_position_kernels(),
      flatten_kernels(),
      gelu_kernels(),
      global_average_pool_kernels(),
      grouped_attention_kernels(),
      image_to_sequence_kernels(),
      layer_norm_kernels(),
      linear_kernels(),
      max_pool2d_kernels(),
      mean_absolute_error_kernels(),
      mean_squared_error_kernels(),
      position_embedding_kernels(),
      relu_kernels(),
      residual_add_kernels(),
      rms_norm_kernels(),
      rotary_kernels(),
      segment_embedding_kernels(),
      softmax_cross_entropy_kernels(),
      swiglu_kernels(),
      tanh_kernels(),
      token_embedding_kernels(),
      vocabulary_statistics_kernels(),
  };
  return kRows;
}

template <class Real>
std::span<const KernelRow<Real>> reference_kernels() {
  static const std::array kRows = {
      attention_reference<Real>(),
      average_pool2d_reference<Real>(),
      batch_moments_reference<Real>(),
      batch_norm_reference<Real>(),
      batch_norm_merge_reference<Real>(),
      class_token_reference<Real>(),
      conv2d_reference<Real>(),
      conv2d_reference<Real>("conv2d_winograd"),
      cross_entropy_from_statistics_reference<Real>(),
      dropout_reference<Real>(),
      erf_gelu_reference<Real>(),
      first_position_reference<Real>(),
      flatten_reference<Real>(),
      gelu_reference<Real>(),
      global_average_pool_reference<Real>(),
      grouped_attention_reference<Real>(),
      image_to_sequence_reference<Real>(),
      layer_norm_reference<Real>(),
      linear_reference<Real>(),
      max_pool2d_reference<Real>(),
      mean_absolute_error_reference<Real>(),
      mean_squared_error_reference<Real>(),
      position_embedding_reference<Real>(),
      relu_reference<Real>(),
      residual_add_reference<Real>(),
      rms_norm_reference<Real>(),
      rotary_reference<Real>(),
      segment_embedding_reference<Real>(),
      softmax_cross_entropy_reference<Real>(),
      swiglu_reference<Real>(),
      tanh_reference<Real>(),
      token_embedding_reference<Real>(),
      vocabulary_statistics_reference<Real>(),
  };
  return kRows;
}

template std::span<const KernelRow<float>> reference_kernels<float>();
template std::span<const KernelRow<double>> reference_kernels<double>();

}  // namespace tandem
