// Every part of every segment's F and B (or I and W) runs once per micro-batch, in order, F first, and no weights change
// in between.

#include <fmt/format.h>

#include <algorithm>

#include "base/error.hpp"
#include "plan/verify_parts.hpp"

namespace tandem {
namespace {

/// How many parts have run of a segment and micro-batch.
struct PartsRun {
  std::uint16_t forward = 0, input_gradient = 0, weight_gradient = 0;
};

struct PartCount {
  std::uint16_t forward, backward;
};

/// A segment that lists no parts has one each.
std::uint16_t count_of(const std::vector<SegmentPart>& parts) {
  invariant(parts.size() < 0xffff, "a segment has fewer than 65535 parts");
  return static_cast<std::uint16_t>(std::max<std::size_t>(parts.size(), 1));
}

bool is_forward(StepKind kind) { return kind == StepKind::forward; }
bool has_input_gradient(StepKind kind) { return kind == StepKind::backward || kind == StepKind::input_gradient; }
bool has_weight_gradient(StepKind kind) { return kind == StepKind::backward || kind == StepKind::weight_gradient; }

/// Name and part of what has not run, "B" or "part 2 of B"; empty where all has.
std::string missing_part(const PartsRun& run, const PartCount& parts) {
  const auto named = [](StepKind kind, std::uint16_t part, std::uint16_t count) {
    return count == 1 ? std::string(name_of(kind)) : fmt::format("part {} of {}", part + 1, name_of(kind));
  };
  if (run.forward < parts.forward) return named(StepKind::forward, run.forward, parts.forward);
  const bool input = run.input_gradient < parts.backward, weight = run.weight_gradient < parts.backward;
  if (input && weight && run.input_gradient == run.weight_gradient)
    return named(StepKind::backward, run.input_gradient, parts.backward);
  if (input) return named(StepKind::input_gradient, run.input_gradient, parts.backward);
  return weight ? named(StepKind::weight_gradient, run.weight_gradient, parts.backward) : "";
}

/// What has run, by segment and micro-batch.
class Coverage {
 public:
  explicit Coverage(const Program& program)
      : program_(program), run_(program.segments().size() * program.micro_batches()),
        open_(program.segments().size(), 0) {
    for (const Segment& segment : program.segments())
      parts_.push_back({count_of(segment.forward_parts), count_of(segment.backward_parts)});
  }

  void run(StepId id) {
    const StepKind kind = program_.step(id).kind;
    if (kind == StepKind::update && open_[index_of(program_.work(id).segment)] > 0)
      refuse_program(fmt::format("changes weights between an F and its B: {}", program_.describe(id)));
    if (is_forward(kind) || has_input_gradient(kind) || has_weight_gradient(kind)) add(id, kind);
  }

  void finish() const {
    for (std::size_t i = 0; i < run_.size(); ++i) {
      const std::string missing = missing_part(run_[i], parts_[i / program_.micro_batches()]);
      if (!missing.empty())
        refuse_program(fmt::format("{} misses {} of micro-batch {}", worker_with(i / program_.micro_batches()), missing,
                                   i % program_.micro_batches()));
    }
  }

 private:
  void add(StepId id, StepKind kind) {
    const std::uint32_t batch = program_.step(id).micro_batch;
    if (batch >= program_.micro_batches())
      refuse_program(
          fmt::format("there are only {} micro-batches: {}", program_.micro_batches(), program_.describe(id)));
    const std::size_t segment = index_of(program_.work(id).segment);
    PartsRun& run = run_[segment * program_.micro_batches() + batch];
    const PartCount parts = parts_[segment];
    if (!is_forward(kind) && run.forward < parts.forward)
      refuse_program(fmt::format("runs before its F: {}", program_.describe(id)));
    if (is_forward(kind) && run.forward == 0) ++open_[segment];
    const auto is_over = [&] { return run.input_gradient == parts.backward && run.weight_gradient == parts.backward; };
    const bool was_over = is_over();
    if (is_forward(kind)) take(id, run.forward);
    if (has_input_gradient(kind)) take(id, run.input_gradient);
    if (has_weight_gradient(kind)) take(id, run.weight_gradient);
    if (!was_over && is_over()) --open_[segment];
  }

  /// Parts run once each, in their order.
  void take(StepId id, std::uint16_t& next) const {
    const std::uint32_t part = program_.work(id).part;
    if (part < next) refuse_program(fmt::format("runs twice: {}", program_.describe(id)));
    if (part > next)
      refuse_program(fmt::format("part {} runs before part {}: {}", part + 1, next + 1, program_.describe(id)));
    ++next;
  }

  std::string worker_with(std::size_t segment) const {
    for (const StepWork& work : program_.works())
      if (index_of(work.segment) == segment)
        return fmt::format("worker \"{}\"", program_.workers()[index_of(work.worker)].name);
    return fmt::format("segment {}, which no worker has,", segment);
  }

  const Program& program_;
  std::vector<PartsRun> run_;        ///< by segment and micro-batch
  std::vector<PartCount> parts_;     ///< by segment
  std::vector<std::uint32_t> open_;  ///< micro-batches by segment between F and the end of backward
};

}  // namespace

void check_coverage(const Program& program) {
  Coverage coverage(program);
  for (const Stream& stream : program.streams()) {
    if (stream.kind != StreamKind::compute) continue;
    for (std::uint32_t i = 0; i < stream.count; ++i) coverage.run(static_cast<StepId>(index_of(stream.first) + i));
  }
  coverage.finish();
}

}  // namespace tandem
