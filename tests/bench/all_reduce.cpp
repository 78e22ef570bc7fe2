// All-reduces between threads, at the bytes of a model's gradients, with a copy of as many bytes beside them. `warm`
// sums the same vectors over and over, `cold` takes turns over more of them than a cache holds. `line` is what a cache
// line takes from one thread to the other and back: it tells how near to each other their cores are.

#include <benchmark/benchmark.h>

#include <atomic>
#include <cstring>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "exec/transport.hpp"
#include "plan/program_builder.hpp"

namespace {

using namespace tandem;

constexpr std::int64_t kElements = 4 << 20;  // 16 MiB
constexpr std::size_t kBytes = kElements * sizeof(float);
constexpr std::size_t kColdSets = 8;         // with two members 256 MiB

Program all_reduce_program(const CollectiveAlgorithm& algorithm, std::uint32_t ranks) {
  ProgramBuilder builder;
  CollectiveSpec spec{"all-reduce", {CollectiveKind::all_reduce, ranks, 1, equal_bounds(kElements, ranks)}, &algorithm,
                      StreamKind::reduce_gradients, {}, {}};
  for (std::uint32_t rank = 0; rank < ranks; ++rank) {
    spec.members.push_back(builder.add_worker("rank " + std::to_string(rank), rank, DeviceId{0}));
    spec.payloads.push_back({BufferContent::gradients, 0});
  }
  builder.add_collective(builder.add_collective_spec(spec), 0);
  return std::move(builder).finish(1);
}

/// Rank 0 on the benchmark's thread, the others on threads of their own; vectors are zero, so that sums stay what they
/// are.
class Members {
 public:
  Members(const CollectiveAlgorithm& algorithm, std::uint32_t ranks, std::size_t sets)
      : program_(all_reduce_program(algorithm, ranks)), sets_(sets) {
    for (std::size_t i = 0; i < sets * ranks; ++i) vectors_.emplace_back(kElements, 0.0f);
  }
  void run(benchmark::State& state) {
    std::vector<std::jthread> others;
    for (std::uint32_t rank = 1; rank < program_.workers().size(); ++rank)
      others.emplace_back([this, rank, count = state.max_iterations] {
        for (benchmark::IterationCount i = 0; i < count; ++i) all_reduce(rank, static_cast<std::size_t>(i));
      });
    std::size_t i = 0;
    for (auto iteration : state) all_reduce(0, i++);
    state.SetBytesProcessed(static_cast<std::int64_t>(kBytes) * state.iterations());
  }

 private:
  void all_reduce(std::uint32_t rank, std::size_t iteration) {
    const StepId step = program_.members(program_.collectives()[0])[rank].step;
    transport_.collective(step, reinterpret_cast<std::byte*>(vectors_[rank * sets_ + iteration % sets_].data()));
  }

  const Program program_;
  const std::size_t sets_;
  const std::optional<Pacing> unpaced_{};
  StopControl control_{};
  const Pacer pacer_{unpaced_, control_};
  ThreadTransport transport_{program_, pacer_, control_};
  std::vector<std::vector<float>> vectors_{};  ///< by rank and set
};

void copy(benchmark::State& state, std::size_t sets) {
  const std::vector<std::vector<float>> from(sets, std::vector<float>(kElements, 1.0f));
  std::vector<std::vector<float>> to(sets, std::vector<float>(kElements, 0.0f));
  std::size_t set = 0;
  for (auto iteration : state) {
    std::memcpy(to[set].data(), from[set].data(), kBytes);
    benchmark::ClobberMemory();
    set = (set + 1) % sets;
  }
  state.SetBytesProcessed(static_cast<std::int64_t>(kBytes) * state.iterations());
}

/// One thread answers what the other writes, spinning.
void pass_line(benchmark::State& state) {
  alignas(64) std::atomic<std::int64_t> ball{0};
  const std::jthread other([&ball] {
    for (std::int64_t seen = 0; seen >= 0; seen = ball.load(std::memory_order_acquire))
      if (seen % 2 == 1) ball.store(seen + 1, std::memory_order_release);
  });
  std::int64_t sent = 0;
  for (auto iteration : state) {
    ball.store(++sent, std::memory_order_release);
    ++sent;
    while (ball.load(std::memory_order_acquire) != sent) {
    }
  }
  ball.store(-1, std::memory_order_release);
}

constexpr int kRepetitions = 21;

void add_all_reduce(const CollectiveAlgorithm& algorithm, std::uint32_t ranks, std::size_t sets) {
  const auto members = std::make_shared<Members>(algorithm, ranks, sets);
  const std::string name = std::string(algorithm.name) + (sets == 1 ? " warm" : " cold");
  benchmark::RegisterBenchmark(name.c_str(), [members](benchmark::State& state) { members->run(state); })
      ->UseRealTime()->Unit(benchmark::kMicrosecond)->MinTime(0.05)->Repetitions(kRepetitions)->ReportAggregatesOnly();
}

void add_copy(std::size_t sets) {
  benchmark::RegisterBenchmark(sets == 1 ? "memcpy warm" : "memcpy cold", copy, sets)
      ->UseRealTime()->Unit(benchmark::kMicrosecond)->MinTime(0.05)->Repetitions(kRepetitions)->ReportAggregatesOnly();
}

}  // namespace

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  benchmark::RegisterBenchmark("line", pass_line)->UseRealTime()->MinTime(0.01)->Repetitions(kRepetitions)->ReportAggregatesOnly();
  for (const std::size_t sets : {std::size_t{1}, kColdSets}) {
    add_copy(sets);
    add_all_reduce(find_collective_algorithm("ring"), 2, sets);
  }
  for (const char* name : {"direct", "halving_doubling", "tree"})
    add_all_reduce(find_collective_algorithm(name), 2, 1);
  benchmark::RunSpecifiedBenchmarks();
}
