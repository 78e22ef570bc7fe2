#pragma once
// Where the buffers of one step lie: from a Placement of its segment to a pointer.

#include <array>
#include <cstddef>

#include "plan/program.hpp"

namespace tandem {

/// One pointer per content; null where the step uses no such buffer.
struct Bases {
  static constexpr std::size_t kContents = 12;
  std::array<std::byte*, kContents> by_content{};

  std::byte*& of(BufferContent content) { return by_content[static_cast<std::size_t>(content)]; }
  std::byte* of(BufferContent content) const { return by_content[static_cast<std::size_t>(content)]; }
};

/// A tensor of a step: `present` false stands for a null pointer.
struct Slot {
  BufferContent content = BufferContent::workspace;
  std::int64_t offset = 0;
  bool present = false;

  /// Throws InvariantError when the step does not use that buffer.
  std::byte* in(const Bases& bases) const;
};

Slot slot_of(const Placement& placement);
inline Slot slot_of(BufferContent content, std::int64_t offset) { return {content, offset, true}; }

}  // namespace tandem
