#pragma once
// How one value of a tensor is stored: every size in bytes follows from this.

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/units.hpp"

namespace tandem {

/// bfloat16: the upper half of a float32, so 8 bits of significand; uint8: a mask, one value a byte.
enum class ElementType : std::uint8_t { float32, bfloat16, int32, uint8 };

constexpr Bytes bytes_of(ElementType type) {
  switch (type) {
    case ElementType::bfloat16: return {2};
    case ElementType::uint8: return {1};
    case ElementType::float32:
    case ElementType::int32: break;
  }
  return {4};
}

/// Does it hold numbers that gradients flow through?
constexpr bool is_real(ElementType type) { return type == ElementType::float32 || type == ElementType::bfloat16; }

/// The real types by the names that plans give them: "fp32", "bf16".
std::string_view precision_name(ElementType real);
std::optional<ElementType> find_precision(std::string_view name);

}  // namespace tandem
