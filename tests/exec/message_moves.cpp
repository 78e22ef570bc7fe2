// Messages without threads: each is moved once, as soon as both its ends are ready.

#include "exec/message_moves.hpp"
#include "plan/verify.hpp"
#include "tests/catch.hpp"
#include "tests/exec/run_scenario.hpp"

using namespace tandem;

TEST_CASE("a message comes out once, with the last step that either of its ends waits for") {
  const Model model = small_mlp();
  const Program program = program_of(model, {.ranks = 2, .micro_batches = 3});
  const Waits waits(program);
  MessageMoves moves(program, waits);
  std::vector<bool> ended(program.step_count());
  std::vector<MessageId> ready;
  const auto require_met = [&](StepId end) {
    for (const StepId earlier : program.after(end)) CHECK(ended[index_of(earlier)]);
    if (end != program.stream(program.step(end).stream).first) CHECK(ended[index_of(end) - 1]);
  };

  for (int iteration = 0; iteration < 2; ++iteration) {
    std::fill(ended.begin(), ended.end(), false);
    std::size_t moved = 0;
    moves.start_iteration(ready);
    const auto move_ready = [&] {
      for (; !ready.empty(); ++moved) {
        const Message& message = program.messages()[index_of(ready.back())];
        ready.pop_back();
        for (const StepId end : {message.send, message.receive}) require_met(end), ended[index_of(end)] = true;
        for (const StepId end : {message.send, message.receive}) moves.ended(end, ready);
      }
    };
    move_ready();
    for (const StepId step : topological_order(program)) {
      if (is_message_end(program.step(step).kind)) {
        CHECK(ended[index_of(step)]);  // nobody waits for longer than it must
        continue;
      }
      ended[index_of(step)] = true;
      moves.ended(step, ready);
      move_ready();
    }
    CHECK(moved == program.messages().size());
  }
}
