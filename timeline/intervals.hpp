#pragma once
// Sets of instants as sorted, disjoint spans: what busy, idle and exposed time are computed with.

#include <vector>

#include "plan/timeline.hpp"

namespace tandem {

/// Ascending, disjoint, none empty; each holds its start and not its end.
using Intervals = std::vector<Span>;

constexpr Picoseconds length_of(const Span& span) { return span.end - span.start; }
/// The union of spans in any order, which may overlap or be empty.
Intervals united(std::vector<Span> spans);
Picoseconds total(const Intervals& intervals);
/// What `intervals` leave uncovered of `within`.
Intervals gaps(const Intervals& intervals, const Span& within);
/// The time that both sets cover.
Picoseconds overlap(const Intervals& a, const Intervals& b);

}  // namespace tandem
