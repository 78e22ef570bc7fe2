// Every part of a segment's F and B (or I and W) runs once per micro-batch, all on one of the workers that have it, in
// order, F first, and no weights change in between.

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <span>
#include <tuple>
#include <utility>

#include "base/error.hpp"
#include "plan/verify_parts.hpp"

namespace tandem {
namespace {

constexpr std::uint32_t kNoVersion = ~0u;

/// How many parts have run of a segment and micro-batch, and with which version of the weights; none: none reads them.
struct PartsRun {
  std::uint16_t forward = 0, input_gradient = 0, weight_gradient = 0;
  std::uint32_t version = kNoVersion;
};

struct PartCount {
  std::uint16_t forward, backward, weight;
};

/// A segment that lists no parts has one each.
std::uint16_t count_of(const std::vector<SegmentPart>& parts) {
  invariant(parts.size() < 0xffff, "a segment has fewer than 65535 parts");
  return static_cast<std::uint16_t>(std::max<std::size_t>(parts.size(), 1));
}

bool is_forward(StepKind kind) { return kind == StepKind::forward; }
bool has_input_gradient(StepKind kind) {
  return kind == StepKind::backward || kind == StepKind::input_gradient || kind == StepKind::recompute;
}
/// What is recomputed is a part of B, where that is not split.
bool has_weight_gradient(StepKind kind, const Segment& segment) {
  return kind == StepKind::backward || kind == StepKind::weight_gradient ||
         (kind == StepKind::recompute && segment.weight_parts.empty());
}

/// Name and part of what has not run, "B" or "part 2 of B"; empty where all has.
std::string missing_part(const PartsRun& run, const PartCount& parts) {
  const auto named = [](StepKind kind, std::uint16_t part, std::uint16_t count) {
    return count == 1 ? std::string(name_of(kind)) : fmt::format("part {} of {}", part + 1, name_of(kind));
  };
  if (run.forward < parts.forward) return named(StepKind::forward, run.forward, parts.forward);
  const bool input = run.input_gradient < parts.backward, weight = run.weight_gradient < parts.weight;
  if (input && weight && run.input_gradient == run.weight_gradient)
    return named(StepKind::backward, run.input_gradient, parts.backward);
  if (input) return named(StepKind::input_gradient, run.input_gradient, parts.backward);
  return weight ? named(StepKind::weight_gradient, run.weight_gradient, parts.weight) : "";
}

/// A segment that a worker computes: replicas share segments, and so do the copies of a stage.
struct Duty {
  WorkerId worker;
  SegmentId segment;
  PartCount parts;
  std::size_t first_copy;  ///< of those that run other micro-batches with the same segment: index of the first
  std::map<std::uint32_t, std::uint32_t> open{};  ///< micro-batches between F and the end of backward, by their version
};

PartCount parts_of(const Segment& segment) {
  const std::uint16_t backward = count_of(segment.backward_parts);
  return {count_of(segment.forward_parts), backward,
          segment.weight_parts.empty() ? backward : count_of(segment.weight_parts)};
}

/// What has run, by duty and micro-batch.
class Coverage {
 public:
  explicit Coverage(const Program& program) : program_(program) {
    std::map<std::pair<WorkerId, SegmentId>, std::uint32_t> known;
    std::map<std::pair<std::uint32_t, SegmentId>, std::size_t> copies;  // by the rank of pipeline rank 0
    std::vector<bool> has_worker(program.segments().size(), false);
    for (const StepWork& work : program.works()) {
      const auto [at, is_new] = known.emplace(std::pair(work.worker, work.segment), duties_.size());
      if (is_new) {
        Coordinate first = program.workers()[index_of(work.worker)].at;
        first[MeshAxis::pipeline] = 0;
        const auto copy = copies.emplace(std::pair(program.mesh().rank_of(first), work.segment), duties_.size()).first;
        duties_.push_back({work.worker, work.segment, parts_of(program.segment(work.segment)), copy->second});
      }
      duty_of_.push_back(at->second);
      has_worker[index_of(work.segment)] = true;
    }
    for (std::size_t i = 0; i < has_worker.size(); ++i)
      if (!has_worker[i])
        refuse_program(fmt::format("segment {}, which no worker has, misses F of micro-batch 0", i));
    run_.resize(duties_.size() * program.micro_batches());
    find_versions();
  }

  void run(StepId id) {
    const StepKind kind = program_.step(id).kind;
    if (kind == StepKind::update)
      for_each_version(id, true, [&](std::uint32_t version) {
        if (duty_of(id).open[version] > 0)
          refuse_program(fmt::format("changes weights between an F and its B: {}", program_.describe(id)));
      });
    if (is_forward(kind) || has_input_gradient(kind) || kind == StepKind::weight_gradient) add(id, kind);
  }

  void finish() const {
    const std::size_t batches = program_.micro_batches();
    std::vector<std::size_t> copy_that_ran(run_.size(), kNobody);  // by first copy and micro-batch
    for (std::size_t i = 0; i < run_.size(); ++i) {
      std::size_t& ran = copy_that_ran[duties_[i / batches].first_copy * batches + i % batches];
      if (run_[i].forward == 0) continue;
      if (ran != kNobody) refuse_program(fmt::format("{} and {} both run micro-batch {}", name_of(ran / batches),
                                                     name_of(i / batches), i % batches));
      ran = i;
    }
    for (std::size_t i = 0; i < run_.size(); ++i) {
      const std::size_t duty = i / batches, ran = copy_that_ran[duties_[duty].first_copy * batches + i % batches];
      if (ran != kNobody && ran != i) continue;
      const std::string missing = missing_part(run_[i], duties_[duty].parts);
      if (!missing.empty())
        refuse_program(fmt::format("{} misses {} of micro-batch {}", name_of(duty), missing, i % batches));
    }
  }

 private:
  static constexpr std::size_t kNobody = ~std::size_t{0};
  std::string name_of(std::size_t duty) const {
    return fmt::format("worker \"{}\"", program_.workers()[index_of(duties_[duty].worker)].name);
  }
  /// Gathered for some steps, or fetched from the host.
  bool is_passing(BufferId id) const { return program_.buffers()[index_of(id)].allocated_by != kNone<StepId>; }
  bool holds_weights(BufferId id) const {
    const BufferContent content = program_.spec(id).content;
    return content == BufferContent::weights || content == BufferContent::weight_shard;
  }
  /// What stays is the worker's first, second, ... buffer of these weights, on the device or on the host; what passes has
  /// come from one of them, or leaves for one.
  void find_versions() {
    const auto buffers = static_cast<std::uint32_t>(program_.buffers().size());
    version_.assign(buffers, kNoVersion);
    std::map<std::tuple<WorkerId, SegmentId, BufferContent, std::int64_t, bool>, std::uint32_t> known;
    for (std::uint32_t i = 0; i < buffers; ++i) {
      const auto id = static_cast<BufferId>(i);
      const BufferSpec& spec = program_.spec(id);
      if (holds_weights(id) && !is_passing(id))
        version_[i] = known[{spec.worker, spec.segment, spec.content, spec.first, on_device(spec.kind)}]++;
    }
    for (const bool copies : {true, false})  // a shard may have come from the host before it is gathered
      for (std::uint32_t i = 0; i < program_.step_count(); ++i) {
        const StepKind kind = program_.step(static_cast<StepId>(i)).kind;
        if (copies ? is_copy(kind) : kind == StepKind::own_block) pass_on(program_.uses(static_cast<StepId>(i)));
      }
  }
  void pass_on(std::span<const BufferUse> uses) {
    for (const BufferUse known : uses)
      for (const BufferUse other : uses)
        if (holds_weights(known.id()) && holds_weights(other.id()) && version_[other.buffer] == kNoVersion)
          version_[other.buffer] = version_[known.buffer];
  }
  /// Calls act(version) for the versions of weights that a step reads, or for those that it writes.
  template <class Act>
  void for_each_version(StepId id, bool written, Act act) const {
    for (const BufferUse use : program_.uses(id))
      if (version_[use.buffer] != kNoVersion && (use.mode() != Access::read) == written) act(version_[use.buffer]);
  }
  Duty& duty_of(StepId id) { return duties_[duty_of_[program_.step(id).object]]; }

  void add(StepId id, StepKind kind) {
    const std::uint32_t batch = program_.step(id).micro_batch;
    if (batch >= program_.micro_batches())
      refuse_program(
          fmt::format("there are only {} micro-batches: {}", program_.micro_batches(), program_.describe(id)));
    Duty& duty = duty_of(id);
    PartsRun& run = run_[static_cast<std::size_t>(&duty - duties_.data()) * program_.micro_batches() + batch];
    const PartCount parts = duty.parts;
    if (!is_forward(kind) && run.forward < parts.forward)
      refuse_program(fmt::format("runs before its F: {}", program_.describe(id)));
    for_each_version(id, false, [&](std::uint32_t version) {
      if (run.version == kNoVersion) ++duty.open[run.version = version];
      if (run.version != version)
        refuse_program(fmt::format("uses another version of the weights than its F: {}", program_.describe(id)));
    });
    const auto is_over = [&] { return run.input_gradient == parts.backward && run.weight_gradient == parts.weight; };
    const bool was_over = is_over();
    if (is_forward(kind)) take(id, run.forward);
    if (has_input_gradient(kind)) take(id, run.input_gradient);
    if (has_weight_gradient(kind, program_.segment(duty.segment))) take(id, run.weight_gradient);
    if (!was_over && is_over() && run.version != kNoVersion) --duty.open[run.version];
  }

  /// Parts run once each, in their order.
  void take(StepId id, std::uint16_t& next) const {
    const std::uint32_t part = program_.work(id).part;
    if (part < next) refuse_program(fmt::format("runs twice: {}", program_.describe(id)));
    if (part > next)
      refuse_program(fmt::format("part {} runs before part {}: {}", part + 1, next + 1, program_.describe(id)));
    ++next;
  }

  const Program& program_;
  std::vector<Duty> duties_;
  std::vector<std::uint32_t> duty_of_;  ///< by WorkId
  std::vector<PartsRun> run_;           ///< by duty and micro-batch
  std::vector<std::uint32_t> version_;  ///< by BufferId; none: it holds no weights
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
