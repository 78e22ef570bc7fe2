#include <algorithm>

#include <fmt/format.h>

#include "base/error.hpp"
#include "timeline/compare.hpp"
#include "timeline/worker_view.hpp"

namespace tandem {
namespace {

/// Orders are contiguous by stream, so one difference in position names the stream of the predicted step.
std::string difference_of(const Program& program, const std::vector<StepId>& want, const std::vector<StepId>& got) {
  if (got.size() != want.size()) return fmt::format("{} steps instead of {}", got.size(), want.size());
  const auto [expected, found] = std::mismatch(want.begin(), want.end(), got.begin());
  if (expected == want.end()) return {};
  const Stream& stream = program.stream(program.step(*expected).stream);
  const auto place = static_cast<std::size_t>(expected - want.begin()) - index_of(stream.first) + 1;
  return fmt::format("on the {} stream, as step {} of {}: predicted {}; measured {}", name_of(stream.kind), place,
                     stream.count, program.describe(*expected), program.describe(*found));
}

class EdgeCheck {
 public:
  EdgeCheck(const Program& program, const Timeline& run, std::size_t number, EdgeComparison& result)
      : program_(program), run_(run), number_(number), result_(result) {}

  void step(StepId id) {
    const Stream& stream = program_.stream(program_.step(id).stream);
    if (id != stream.first) follows(id, static_cast<StepId>(index_of(id) - 1));
    for (const StepId earlier : program_.after(id)) follows(id, earlier);
    if (program_.step(id).kind == StepKind::receive) arrives(id, program_.message(id).send);
    if (program_.step(id).kind == StepKind::collective && program_.group_rank(id) == 0) meets(id);
  }

 private:
  const Span& span(StepId id) const { return run_.spans[index_of(id)]; }
  void follows(StepId later, StepId earlier) {
    if (span(later).start < span(earlier).end) violated(later, "began", "ended", earlier);
  }
  void arrives(StepId receive, StepId send) {
    if (span(receive).end < span(send).start) violated(receive, "ended", "began", send);
  }
  /// Where each member needs all the others, none ends before the last has begun.
  void meets(StepId member_of_it) {
    const CollectiveKind kind = program_.spec(program_.collective(member_of_it)).shape.kind;
    if (kind == CollectiveKind::broadcast || kind == CollectiveKind::halo_exchange ||
        kind == CollectiveKind::halo_return)
      return;
    const auto members = program_.members(program_.collective(member_of_it));
    const auto starts = [this](const CollectiveMember& member) { return span(member.step).start; };
    const auto ends = [this](const CollectiveMember& member) { return span(member.step).end; };
    const StepId last = std::ranges::max_element(members, {}, starts)->step;
    const StepId first = std::ranges::min_element(members, {}, ends)->step;
    if (span(first).end < span(last).start) violated(first, "ended", "began", last);
  }
  void violated(StepId later, std::string_view did, std::string_view before, StepId earlier) {
    if (result_.violated++ > 0) return;
    result_.first = fmt::format("run {}: {} {} before {} {}", number_, program_.describe(later), did,
                                program_.describe(earlier), before);
  }
  const Program& program_;
  const Timeline& run_;
  std::size_t number_;
  EdgeComparison& result_;
};

}  // namespace

OrderComparison compare_order(const Program& program, const Timeline& predicted, std::span<const Timeline> measured) {
  for (std::size_t run = 0; run < measured.size(); ++run) {
    const std::string difference = difference_of(program, predicted.order, measured[run].order);
    if (!difference.empty()) return {false, fmt::format("run {}: {}", run + 1, difference)};
  }
  return {};
}

EdgeComparison compare_edges(const Program& program, std::span<const Timeline> measured) {
  EdgeComparison result;
  for (std::size_t run = 0; run < measured.size(); ++run) {
    invariant(measured[run].spans.size() == program.step_count(), "the timeline is one of this program");
    EdgeCheck check(program, measured[run], run + 1, result);
    for (std::uint32_t i = 0; i < program.step_count(); ++i) check.step(static_cast<StepId>(i));
  }
  return result;
}

}  // namespace tandem
