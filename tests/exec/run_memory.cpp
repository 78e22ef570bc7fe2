// The memory of a run: the arenas' peaks are those of the memory script, and nothing is left behind.

#include <filesystem>

#include "exec/arena.hpp"
#include "exec/memory_limit.hpp"
#include "plan/memory_script.hpp"
#include "plan/schedule.hpp"
#include "tests/base/temporary_folder.hpp"
#include "tests/catch.hpp"
#include "tests/exec/run_scenario.hpp"

using namespace tandem;

namespace {

class Count {
 public:
  void add(BufferClass kind, std::int64_t bytes) {
    const auto row = static_cast<std::size_t>(kind);
    live_.by_class[row] += Bytes{bytes};
    live_.total += Bytes{bytes};
    peak_.by_class[row] = std::max(peak_.by_class[row], live_.by_class[row]);
    peak_.total = std::max(peak_.total, live_.total);
  }
  const MemoryPeak& peak() const { return peak_; }
  const MemoryPeak& live() const { return live_; }

 private:
  MemoryPeak live_, peak_;
};

/// Peaks from the Program alone: persistent buffers, then the script along each compute stream.
std::vector<Count> walk(const Program& program) {
  std::vector<Count> workers(program.workers().size());
  const auto add = [&](BufferId id, int sign) {
    workers[index_of(program.spec(id).worker)].add(program.spec(id).kind, sign * program.spec(id).bytes.count);
  };
  for (std::uint32_t i = 0; i < program.buffers().size(); ++i)
    if (program.buffers()[i].allocated_by == kNone<StepId>) add(static_cast<BufferId>(i), 1);
  const MemoryScript script(program);
  for (std::uint32_t i = 0; i < program.step_count(); ++i)
    for (const Moment moment : {Moment::start, Moment::end})
      for (const MemoryAction action : script.at(static_cast<StepId>(i), moment)) add(action.id(), action.frees ? -1 : 1);
  return workers;
}

void check_memory(const Timeline& timeline, const std::vector<Count>& want) {
  std::vector<Count> measured(want.size());
  for (const MemoryEvent& event : timeline.memory) measured[index_of(event.worker)].add(event.kind, event.bytes);
  for (std::size_t worker = 0; worker < want.size(); ++worker) {
    CHECK(timeline.peaks[worker] == want[worker].peak());
    CHECK(measured[worker].peak() == want[worker].peak());
    CHECK(measured[worker].live() == want[worker].live());
  }
}

}  // namespace

TEST_CASE("measured peaks are the memory script's, per worker and class") {
  for (const Model& model : {small_mlp(), small_gpt()})
    for (const std::size_t ranks : {1, 2, 4, 8})
      for (const std::string& schedule : suitable_schedules(ranks, 8, 8)) {
        INFO(model.name() << ", " << schedule << ", " << ranks << " ranks");
        const Dataset dataset = small_data(model);
        const Program program = program_of(model, {.schedule = schedule, .ranks = ranks, .micro_batches = 8});

        const RunResult threaded = run_on_threads(program, model, dataset, {.iterations = 2});
        const RunResult single = run_on_one_thread(program, model, dataset, {.iterations = 2});

        for (const RunResult* result : {&threaded, &single})
          for (const Timeline& timeline : result->timelines) check_memory(timeline, walk(program));
      }
}

TEST_CASE("a run's activations are freed at the end of each iteration") {
  const Model model = small_gpt();
  const Dataset dataset = small_data(model);
  const Program program = program_of(model, {.ranks = 2});

  const RunResult result = run_on_threads(program, model, dataset, {.iterations = 2});

  std::vector<Count> left(2);
  for (const MemoryEvent& event : result.timelines[1].memory) left[index_of(event.worker)].add(event.kind, event.bytes);
  for (const BufferClass kind : {BufferClass::activation, BufferClass::workspace, BufferClass::message, BufferClass::stash})
    for (const Count& worker : left) CHECK(worker.live().by_class[static_cast<std::size_t>(kind)] == Bytes{0});
}

TEST_CASE("an arena counts the bytes asked for and reuses freed blocks") {
  Arena arena;

  std::byte* first = arena.allocate(Bytes{100}, BufferClass::activation);
  std::byte* second = arena.allocate(Bytes{65}, BufferClass::workspace);
  arena.release(first);
  std::byte* third = arena.allocate(Bytes{128}, BufferClass::message);

  CHECK(third == first);                                           // 100 and 128 are both blocks of 128
  CHECK(reinterpret_cast<std::uintptr_t>(second) % 64 == 0);
  CHECK(arena.held() == Bytes{256});                               // 128 + 128
  CHECK(arena.live() == Bytes{193});                               // 65 + 128
  CHECK(arena.live(BufferClass::activation) == Bytes{0});
  CHECK(arena.peak().total == Bytes{193});                         // max(100 + 65, 65 + 128)
  CHECK(arena.peak().by_class[static_cast<std::size_t>(BufferClass::activation)] == Bytes{100});
}

TEST_CASE("an arena refuses to free what is not its own, or free already") {
  Arena arena, other;
  std::byte* block = arena.allocate(Bytes{8}, BufferClass::weight);
  std::byte* foreign = other.allocate(Bytes{8}, BufferClass::weight);

  CHECK_THROWS_AS(arena.release(foreign), InvariantError);
  CHECK_THROWS_AS(arena.release(block + 1), InvariantError);
  arena.release(block);
  CHECK_THROWS_AS(arena.release(block), InvariantError);
}

TEST_CASE("an arena gives empty buffers places of their own") {
  Arena arena;

  std::byte* first = arena.allocate(Bytes{0}, BufferClass::gradient);
  std::byte* second = arena.allocate(Bytes{0}, BufferClass::gradient);

  CHECK(first != second);
  CHECK(arena.live() == Bytes{0});
}

TEST_CASE("memory needed is at least the sum of the peaks and whole blocks") {
  const Program program = program_of(small_gpt(), {.ranks = 2});

  Bytes peaks;
  for (const Count& worker : walk(program)) peaks += worker.peak().total;

  CHECK(memory_needed(program) >= peaks);
  CHECK(memory_needed(program).count % 64 == 0);
}

TEST_CASE("a run that needs more memory than the machine has is refused with both figures") {
  const Model model("huge", {{.name = "x", .kind = "values", .attributes = {{"features", 4'000'000}}},
                             {.name = "targets", .kind = "target_values", .attributes = {{"features", 4'000'000}}},
                             {.name = "y", .kind = "linear", .attributes = {{"features", 4'000'000}}, .inputs = {"x"}},
                             {.name = "loss", .kind = "mean_squared_error", .inputs = {"y", "targets"}}});
  const Dataset dataset(model, "", 1);
  const Program program = program_of(model, {.ranks = 1});

  const auto message = message_from<ResourceError>([&] { run_on_threads(program, model, dataset, {}); });

  CHECK_THAT(message, Catch::Contains("the run needs 349 TiB of memory"));  // weight, gradient, two of Adam, two of the
                                                                           // result: 6 (4e6)^2 values, 3.84e14 bytes
  CHECK_THAT(message, Catch::Contains("to spare"));
}

TEST_CASE("memory exactly equal to what is there is enough, one byte more is not") {
  CHECK_NOTHROW(refuse_too_much(Bytes{4096}, Bytes{4096}));
  CHECK_NOTHROW(refuse_too_much(Bytes{4096}, std::nullopt));

  CHECK_THROWS_AS(refuse_too_much(Bytes{4097}, Bytes{4096}), ResourceError);
}

TEST_CASE("available memory is the least of the kernel's figure and the control group's, its file cache left out") {
  const TemporaryFolder root;
  std::filesystem::create_directories(root.file("proc"));
  std::filesystem::create_directories(root.file("sys/fs/cgroup"));
  const auto nothing = available_memory(root.file(""));
  root.write("proc/meminfo", "MemTotal: 9000 kB\nMemAvailable: 8000 kB\n");
  const auto machine = available_memory(root.file(""));
  root.write("sys/fs/cgroup/memory.max", "max\n");
  const auto unlimited = available_memory(root.file(""));
  root.write("sys/fs/cgroup/memory.max", "5000000\n");
  root.write("sys/fs/cgroup/memory.current", "1000000\n");
  root.write("sys/fs/cgroup/memory.stat", "anon 600000\ninactive_file 400000\n");
  const auto limited = available_memory(root.file(""));

  CHECK_FALSE(nothing);
  CHECK(machine == Bytes{8'192'000});    // 8000 x 1024
  CHECK(unlimited == Bytes{8'192'000});
  CHECK(limited == Bytes{4'400'000});    // 5,000,000 - 1,000,000 + 400,000
}
