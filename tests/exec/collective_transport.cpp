// Collectives between threads: the bits of one thread, whatever the algorithm, and an end when one member fails.

#include <atomic>
#include <stdexcept>

#include "base/error.hpp"
#include "exec/status_board.hpp"
#include "tests/catch.hpp"
#include "tests/exec/collective_scene.hpp"

using namespace tandem;
using Catch::Contains;

namespace {

constexpr CollectiveKind kKinds[] = {CollectiveKind::all_reduce, CollectiveKind::reduce_scatter,
                                     CollectiveKind::all_gather, CollectiveKind::broadcast, CollectiveKind::all_to_all};

std::uint32_t ranks_per_node(std::uint32_t ranks) { return ranks % 2 == 0 ? 2 : ranks % 3 == 0 ? 3 : 1; }

CollectiveShape shape_of(CollectiveKind kind, std::uint32_t ranks, std::int64_t elements) {
  const std::int64_t size = kind == CollectiveKind::all_to_all ? 2 * ranks * elements : elements;
  return {kind, ranks, ranks_per_node(ranks), equal_bounds(size, ranks)};
}

const CollectiveAlgorithm& ring() { return find_collective_algorithm("ring"); }

/// Three ranks trade two elements with each neighbour; own elements are 2 to 5.
CollectiveShape halo_of_three(CollectiveKind kind) {
  const ElementRange none{};
  return {kind, 3, 1, {0, 0, 0, 8},
          {{none, {6, 2}, none, {4, 2}}, {{0, 2}, {6, 2}, {2, 2}, {4, 2}}, {{0, 2}, none, {2, 2}, none}}};
}

}  // namespace

TEST_CASE("members on threads of their own end with the bits of one thread, for every algorithm up to eight ranks") {
  for (const CollectiveAlgorithm& algorithm : collective_algorithms())
    for (const CollectiveKind kind : kKinds)
      for (std::uint32_t ranks = 1; ranks <= 8; ++ranks)
        for (const std::int64_t elements : {3, 1021}) {
          const CollectiveShape shape = shape_of(kind, ranks, elements);
          if (!algorithm.suits(shape)) continue;
          const Program program = program_of_collectives({spec_of(algorithm, shape)}, 3);
          std::vector<Vectors> together{fractions(shape)}, alone{fractions(shape)};

          ThreadedCollectives().run(program, together);
          run_collectives_on_one_thread(program, alone);

          INFO(algorithm.name << " " << name_of(kind) << " of " << elements << " over " << ranks);
          CHECK(together == alone);
        }
}

TEST_CASE("halos travel between threads as within one") {
  for (const CollectiveKind kind : {CollectiveKind::halo_exchange, CollectiveKind::halo_return}) {
    const CollectiveShape shape = halo_of_three(kind);
    const Program program = program_of_collectives({spec_of(find_collective_algorithm("neighbours"), shape)}, 2);
    std::vector<Vectors> together{fractions(shape)}, alone{fractions(shape)};
    const Vectors given = together[0];

    ThreadedCollectives().run(program, together);
    run_collectives_on_one_thread(program, alone);

    CHECK(together == alone);
    if (kind == CollectiveKind::halo_exchange) CHECK(together[0][0][6] == given[1][2]);  // from_after: to_before of 1
    if (kind == CollectiveKind::halo_return) CHECK(together[0][1][2] == given[0][6]);    // and back
  }
}

TEST_CASE("many all-reduces in a row, on two streams at once, each sum what the one before left") {
  const CollectiveShape shape{CollectiveKind::all_reduce, 2, 1, equal_bounds(7, 2)};
  const Program program =
      program_of_collectives({spec_of(ring(), shape), spec_of(ring(), shape, StreamKind::reduce_gradients)}, 100);
  std::vector<Vectors> vectors(2, Vectors(2, std::vector<float>(7, 1.0f)));

  ThreadedCollectives().run(program, vectors);

  for (const Vectors& of_spec : vectors)
    for (const auto& vector : of_spec) CHECK(vector == std::vector<float>(7, 0x1p100f));  // doubled a hundred times
}

TEST_CASE("an all-reduce of one rank is over at once and leaves its vector as it is") {
  const CollectiveShape shape{CollectiveKind::all_reduce, 1, 1, {0, 5}};
  const Program program = program_of_collectives({spec_of(ring(), shape)}, 1);
  std::vector<Vectors> vectors{fractions(shape)};

  ThreadedCollectives threads;
  threads.run(program, vectors);

  CHECK(vectors[0] == fractions(shape));
  CHECK(threads.transfers[0].ready <= threads.transfers[0].done);
}

TEST_CASE("a member that throws stops the others, which wait for it in whatever round they are") {
  for (const CollectiveAlgorithm& algorithm : collective_algorithms()) {
    const CollectiveShape shape = shape_of(CollectiveKind::all_reduce, 4, 101);
    if (!algorithm.suits(shape)) continue;
    const Program program = program_of_collectives({spec_of(algorithm, shape)}, 2);
    std::vector<Vectors> vectors{fractions(shape)};
    ThreadedCollectives threads;
    threads.before_step = [&](StepId step) {
      if (program.group_rank(step) == 2 && program.step(step).micro_batch == 1) throw std::runtime_error("lost");
    };

    threads.run(program, vectors);  // joins all threads

    CHECK_THROWS_WITH(threads.control.rethrow(), "lost");
  }
}

TEST_CASE("a member's transfer begins when the one it waits for has come") {
  const CollectiveShape shape{CollectiveKind::all_reduce, 2, 1, equal_bounds(9, 2)};
  const Program program = program_of_collectives({spec_of(ring(), shape)}, 1);
  const StepId early = program.members(program.collectives()[0])[0].step;
  const StepId late = program.members(program.collectives()[0])[1].step;
  std::vector<Vectors> vectors{fractions(shape)};
  Instant came_early, came_late;
  std::atomic<bool> first_came{false};
  ThreadedCollectives threads;
  threads.before_step = [&](StepId step) {
    if (step == late) first_came.wait(false);
    (step == early ? came_early : came_late) = now();
    if (step == early) first_came = true, first_came.notify_all();
  };

  threads.run(program, vectors);

  CHECK(came_early <= came_late);
  for (const Transfer& transfer : threads.transfers) {
    CHECK(transfer.ready >= came_late);
    CHECK(transfer.done >= transfer.ready);
  }
}

TEST_CASE("a paced collective ends no sooner than its target after it began") {
  const CollectiveShape shape{CollectiveKind::all_reduce, 2, 1, equal_bounds(9, 2)};
  const Program program = program_of_collectives({spec_of(ring(), shape)}, 1);
  std::vector<Vectors> vectors{fractions(shape)};
  ThreadedCollectives threads;
  threads.pacing = Pacing{.collective = {Picoseconds{3'000'000'000}}};  // 3 ms

  threads.run(program, vectors);

  for (const Transfer& transfer : threads.transfers)
    CHECK(transfer.done - transfer.ready >= std::chrono::milliseconds(3));
  CHECK(Pacer(threads.pacing, threads.control).longest() == std::chrono::milliseconds(3));
}

TEST_CASE("on one thread a collective's members come one directly after the other") {
  const CollectiveShape shape{CollectiveKind::all_reduce, 2, 1, equal_bounds(9, 2)};
  const Program program = program_of_collectives({spec_of(ring(), shape)}, 2);
  const auto first = program.members(program.collectives()[0]), second = program.members(program.collectives()[1]);
  const std::optional<Pacing> unpaced;
  StopControl control;
  const Pacer pacer(unpaced, control);
  LocalTransport transport(program, pacer);
  std::vector<float> vector(9, 1.0f);

  transport.collective(first[0].step, bytes_at(vector));

  CHECK_THROWS_AS(transport.collective(second[0].step, bytes_at(vector)), InvariantError);
}

TEST_CASE("a stall report names the members that have not come to a collective") {
  const CollectiveShape shape{CollectiveKind::all_reduce, 3, 1, equal_bounds(9, 3)};
  const Program program = program_of_collectives({spec_of(ring(), shape)}, 2);
  const auto members = program.members(program.collectives()[1]);
  const auto stream = [&](std::uint32_t rank) { return program.step(members[rank].step).stream; };
  StatusBoard board(program);

  board.runs(stream(0), members[0].step);
  board.runs(stream(1), members[1].step);
  board.runs(stream(2), program.members(program.collectives()[0])[2].step);

  const std::string missing = board.report(now());
  CHECK_THAT(missing, Contains("worker \"rank 0\", collective test of micro-batch 1: waits for "
                               "worker \"rank 2\", collective test of micro-batch 1, since "));
  CHECK_THAT(missing, !Contains("waits for worker \"rank 1\""));

  board.waits(stream(2), members[2].step, program.members(program.collectives()[0])[0].step);
  CHECK_THAT(board.report(now()),
             Contains("\"rank 1\", collective test of micro-batch 1: waits for worker \"rank 2\""));

  board.runs(stream(2), members[2].step);
  CHECK_THAT(board.report(now()), Contains("worker \"rank 0\", collective test of micro-batch 1: runs since "));
}

TEST_CASE("a stall report tells a member that is done with an iteration from one that has not begun it") {
  const CollectiveShape shape{CollectiveKind::broadcast, 3, 1, equal_bounds(9, 3)};
  const Program program = program_of_collectives({spec_of(find_collective_algorithm("tree"), shape)}, 1);
  const auto members = program.members(program.collectives()[0]);
  const auto stream = [&](std::uint32_t rank) { return program.step(members[rank].step).stream; };
  StatusBoard board(program);

  board.rests(stream(2));                    // has ended iteration 0
  board.runs(stream(0), members[0].step);    // is in it; rank 1 has not begun

  CHECK_THAT(board.report(now()), Contains("waits for worker \"rank 1\", collective test of micro-batch 0, since "));
  CHECK_THAT(board.report(now()), !Contains("rank 2"));
}
