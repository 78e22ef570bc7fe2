#pragma once
// Small value ids instead of pointers: an id is an index into the flat array that owns the objects.

#include <cstdint>
#include <limits>
#include <type_traits>

namespace tandem {

/// The number behind an `enum class` id.
template <class Id>
  requires std::is_enum_v<Id>
constexpr std::uint32_t index_of(Id id) {
  return static_cast<std::uint32_t>(id);
}

/// The value that stands for "no object", in tables where a column may be empty.
template <class Id>
constexpr Id kNone = static_cast<Id>(std::numeric_limits<std::uint32_t>::max());

}  // namespace tandem
