#include "plan/timeline.hpp"

#include <algorithm>

namespace tandem {

Picoseconds Timeline::makespan() const {
  if (spans.empty()) return {};
  Span whole = spans.front();
  for (const Span& span : spans) whole = {std::min(whole.start, span.start), std::max(whole.end, span.end)};
  return whole.end - whole.start;
}

}  // namespace tandem
