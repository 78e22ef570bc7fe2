#pragma once
// `tandem run --dump DIR`: weights, gradients and losses as .npy files, named by layer.

#include <string>

#include "exec/run.hpp"
#include "models/model.hpp"

namespace tandem {

/// Writes DIR/weights/NAME.npy and DIR/gradients/NAME.npy for every parameter ("h.0.attn.qkv.weight.npy"; a tied use has
/// none of its own) and DIR/losses.npy. Makes the folders. Throws InputError where DIR exists and `force` is not set.
void dump_run(const std::string& folder, const Model& model, const RunResult& result, bool force);
/// Refuses early what dump_run() would refuse.
void require_dumpable(const std::string& folder, bool force);

}  // namespace tandem
