#pragma once
// One word for attributes that are often equal: `kernel: 3` for kernel_height and kernel_width, `padding: 1` for all sides.

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "models/layer.hpp"

namespace tandem {

/// The kind's attributes that `word` stands for: those called word_height, word_width, word_top, word_bottom, word_left or
/// word_right, where there are several. Empty where `word` is no shorthand.
std::vector<std::string_view> spelled_out(std::string_view word, const LayerKind& kind);

/// All shorthands of the kind, each once, in the order of its attributes.
std::vector<std::string> shorthands_of(const LayerKind& kind);

}  // namespace tandem
