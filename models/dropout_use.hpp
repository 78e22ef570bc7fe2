#pragma once
// Whether a model drops values at the rates of its configuration, and what backward knows the masks by.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tandem {

enum class DropoutUse : std::uint8_t {
  off,         ///< rates of configurations are not used; a model file's layers are as it says
  recomputed,  ///< backward makes every mask again
  stored,      ///< backward reads masks that forward has stored, and attention's dropped probabilities (2205.05198)
};

std::string_view name_of(DropoutUse use);
/// By name, in the order of the enumeration.
std::vector<std::string> dropout_use_names();
std::optional<DropoutUse> find_dropout_use(std::string_view name);

}  // namespace tandem
