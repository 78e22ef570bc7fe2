#pragma once
// Where the buffers of one step lie: from a Placement of its segment to a pointer.

#include <algorithm>
#include <array>
#include <cstddef>
#include <vector>

#include "plan/program.hpp"

namespace tandem {

/// A buffer that holds the bytes [first, end) of its segment's weights or gradients, or of what the worker owns of them or
/// keeps for them.
struct BaseWindow {
  BufferContent content;
  std::int64_t first, end;
  std::byte* base;
};

/// One pointer per content; null where the step uses no such buffer.
struct Bases {
  std::array<std::byte*, kBufferContents> by_content{};
  std::vector<std::byte*> groups{};  ///< of what is kept and leaves the device in between: by Placement::group - 1
  std::vector<BaseWindow> windows{};  ///< what lies bucket by bucket

  std::byte*& of(BufferContent content) { return by_content[static_cast<std::size_t>(content)]; }
  std::byte* of(BufferContent content) const { return by_content[static_cast<std::size_t>(content)]; }
  /// Does the step use any buffer of this content?
  bool has(BufferContent content) const {
    return of(content) != nullptr ||
           std::any_of(windows.begin(), windows.end(), [&](const BaseWindow& row) { return row.content == content; });
  }
};

/// The base of one group; made on first use.
inline std::byte*& base_of(Bases& bases, BufferContent content, std::uint32_t group) {
  if (group == 0) return bases.of(content);
  if (bases.groups.size() < group) bases.groups.resize(group, nullptr);
  return bases.groups[group - 1];
}

/// A tensor of a step: `present` false stands for a null pointer.
struct Slot {
  BufferContent content = BufferContent::workspace;
  std::int64_t offset = 0;
  bool present = false;
  std::uint32_t group = 0;  ///< Placement::group

  /// Throws InvariantError when the step does not use that buffer.
  std::byte* in(const Bases& bases) const;
};

Slot slot_of(const Placement& placement);
inline Slot slot_of(BufferContent content, std::int64_t offset) { return {content, offset, true}; }

}  // namespace tandem
