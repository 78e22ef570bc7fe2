#include "timeline/intervals.hpp"

#include <algorithm>

namespace tandem {

Intervals united(std::vector<Span> spans) {
  const auto earlier = [](const Span& a, const Span& b) { return a.start < b.start; };
  if (!std::is_sorted(spans.begin(), spans.end(), earlier)) std::sort(spans.begin(), spans.end(), earlier);
  Intervals result;
  for (const Span& span : spans) {
    if (span.end <= span.start) continue;
    if (result.empty() || result.back().end < span.start) result.push_back(span);
    else result.back().end = std::max(result.back().end, span.end);
  }
  return result;
}

Picoseconds total(const Intervals& intervals) {
  Picoseconds sum;
  for (const Span& span : intervals) sum += length_of(span);
  return sum;
}

Intervals gaps(const Intervals& intervals, const Span& within) {
  Intervals result;
  Picoseconds cursor = within.start;
  for (const Span& span : intervals) {
    const Picoseconds until = std::min(span.start, within.end);
    if (cursor < until) result.push_back({cursor, until});
    cursor = std::max(cursor, span.end);
  }
  if (cursor < within.end) result.push_back({cursor, within.end});
  return result;
}

Picoseconds overlap(const Intervals& a, const Intervals& b) {
  Picoseconds sum;
  for (std::size_t i = 0, j = 0; i < a.size() && j < b.size();) {
    const Picoseconds start = std::max(a[i].start, b[j].start), end = std::min(a[i].end, b[j].end);
    if (start < end) sum += end - start;
    if (a[i].end < b[j].end) ++i;
    else ++j;
  }
  return sum;
}

}  // namespace tandem
