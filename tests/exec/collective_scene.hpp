#pragma once
// A Program of collectives alone, and its members on threads of their own or all on one.

#include <functional>
#include <optional>
#include <thread>
#include <vector>

#include "exec/transport.hpp"
#include "plan/program_builder.hpp"
#include "plan/verify.hpp"

namespace tandem {

using Vectors = std::vector<std::vector<float>>;  ///< by rank

inline std::byte* bytes_at(std::vector<float>& vector) { return reinterpret_cast<std::byte*>(vector.data()); }

inline CollectiveSpec spec_of(const CollectiveAlgorithm& algorithm, CollectiveShape shape,
                              StreamKind stream = StreamKind::tensor) {
  CollectiveSpec spec{"test", std::move(shape), &algorithm, stream, {}, {}};
  for (std::uint32_t rank = 0; rank < spec.shape.ranks; ++rank) spec.members.push_back(WorkerId{rank});
  spec.payloads.assign(spec.shape.ranks, {BufferContent::gradients, 0});
  return spec;
}

/// `count` collectives of each spec, one micro-batch after the other; workers "rank 0", "rank 1", ...
inline Program program_of_collectives(const std::vector<CollectiveSpec>& specs, std::uint32_t count) {
  ProgramBuilder builder;
  for (std::uint32_t rank = 0; rank < specs.at(0).shape.ranks; ++rank)
    builder.add_worker("rank " + std::to_string(rank), rank, DeviceId{0});
  for (const CollectiveSpec& spec : specs) {
    const CollectiveSpecId id = builder.add_collective_spec(spec);
    for (std::uint32_t batch = 0; batch < count; ++batch) builder.add_collective(id, batch);
  }
  return std::move(builder).finish(count);
}

/// Fractions whose sum depends on the order of additions.
inline Vectors fractions(const CollectiveShape& shape) {
  Vectors vectors(shape.ranks, std::vector<float>(static_cast<std::size_t>(shape.elements())));
  for (std::uint32_t rank = 0; rank < shape.ranks; ++rank)
    for (std::size_t i = 0; i < vectors[rank].size(); ++i)
      vectors[rank][i] = 1.0f / static_cast<float>(1 + 7 * rank + 13 * i);
  return vectors;
}

/// The spec and the rank in its group that a stream's steps belong to.
struct StreamMember {
  std::size_t spec;
  std::uint32_t rank;
};
inline StreamMember member_of(const Program& program, const Stream& stream) {
  return {index_of(program.collective(stream.first).spec), program.group_rank(stream.first)};
}

struct ThreadedCollectives {
  std::optional<Pacing> pacing{};
  StopControl control{};
  /// On the member's thread before its step.
  std::function<void(StepId)> before_step = [](StepId) {};
  std::vector<Transfer> transfers{};  ///< by StepId

  /// One thread per stream, as in a run. `vectors` by spec.
  void run(const Program& program, std::vector<Vectors>& vectors) {
    const Pacer pacer(pacing, control);
    ThreadTransport transport(program, pacer, control);
    transfers.resize(program.step_count());
    std::vector<std::thread> threads;
    for (const Stream& stream : program.streams())
      if (stream.count > 0) threads.emplace_back([&, this] { follow(program, stream, transport, vectors); });
    for (std::thread& thread : threads) thread.join();
  }

 private:
  void follow(const Program& program, const Stream& stream, Transport& transport, std::vector<Vectors>& vectors) try {
    const StreamMember member = member_of(program, stream);
    for (std::uint32_t i = 0; i < stream.count; ++i) {
      const auto step = static_cast<StepId>(index_of(stream.first) + i);
      before_step(step);
      transfers[index_of(step)] = transport.collective(step, bytes_at(vectors[member.spec][member.rank]));
    }
  } catch (const Stopped&) {
  } catch (...) {
    control.fail(std::current_exception());
  }
};

inline void run_collectives_on_one_thread(const Program& program, std::vector<Vectors>& vectors) {
  const std::optional<Pacing> unpaced;
  StopControl control;
  const Pacer pacer(unpaced, control);
  LocalTransport transport(program, pacer);
  for (const StepId step : topological_order(program)) {
    const StreamMember member = member_of(program, program.stream(program.step(step).stream));
    transport.collective(step, bytes_at(vectors[member.spec][member.rank]));
  }
}

}  // namespace tandem
