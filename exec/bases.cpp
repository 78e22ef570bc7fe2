#include "exec/bases.hpp"

#include "base/error.hpp"

namespace tandem {
namespace {

BufferContent content_of(Place place) {
  switch (place) {
    case Place::inbox: return BufferContent::inbox;
    case Place::outbox: return BufferContent::outbox;
    case Place::saved: return BufferContent::saved;
    case Place::gradient_inbox: return BufferContent::gradient_inbox;
    case Place::gradient_outbox: return BufferContent::gradient_outbox;
    case Place::saved_for_input: return BufferContent::saved_for_input;
    case Place::deferred: return BufferContent::deferred;
    case Place::none:
    case Place::workspace: break;
  }
  return BufferContent::workspace;
}

}  // namespace

std::byte* Slot::in(const Bases& bases) const {
  if (!present) return nullptr;
  const bool in_group = group > 0 && group <= bases.groups.size();
  std::byte* base = group == 0 ? bases.of(content) : in_group ? bases.groups[group - 1] : nullptr;
  if (base == nullptr)
    for (const BaseWindow& window : bases.windows)
      if (window.content == content && window.first <= offset && offset < window.end)
        return window.base + (offset - window.first);
  invariant(base != nullptr, "a step uses the buffers that its tensors lie in");
  return base + offset;
}

Slot slot_of(const Placement& placement) {
  if (placement.place == Place::none) return {};
  return {content_of(placement.place), placement.offset, true, placement.group};
}

}  // namespace tandem
