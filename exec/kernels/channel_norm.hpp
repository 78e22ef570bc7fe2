#pragma once
// What the fast kernels of batch_norm and batch_norm_merge share once mean and deviation of the channels are known.

#include "exec/kernels/channels.hpp"

namespace tandem {

/// y = (x - mean) rstd weight + bias, with mean and rstd side by side in extra[0].
void normalise_channels(const KernelArguments<float>& arguments);

/// Sums over a channel, in double from run to run.
struct GradientSums {
  double dy = 0;            ///< of dy
  double dy_deviation = 0;  ///< of dy (x - mean)
};
GradientSums gradient_sums(const KernelArguments<float>& arguments, std::int64_t channel);

/// dweight += sum of dy (x - mean) rstd; dbias += sum of dy.
void add_scale_gradients(const KernelArguments<float>& arguments);

/// dx (+)= scale dy - shift - slope (x - mean) over one channel.
void put_channel_gradient(const KernelArguments<float>& arguments, std::int64_t channel, float scale, float shift,
                          float slope);

}  // namespace tandem
