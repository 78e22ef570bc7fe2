// The `tandem` program: sets up interrupts and the console, and hands over to run_tandem().
#include <semaphore.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <ctime>
#include <stop_token>
#include <thread>

#include "tools/command.hpp"

namespace {

// A handler can reach nothing else. Blocking the signals instead would not do: OpenBLAS starts threads before main(),
// and those would take them.
sem_t signals_taken;
volatile std::sig_atomic_t last_signal = 0;

void take_signal(int which) {
  last_signal = which;
  sem_post(&signals_taken);
}

/// Leaves a signal alone that the parent ignores, as `nohup` does.
void handle(int which) {
  struct sigaction action {};
  sigaction(which, nullptr, &action);
  if (action.sa_handler == SIG_IGN) return;
  action.sa_handler = take_signal;
  action.sa_flags = SA_RESTART;
  sigaction(which, &action, nullptr);
}

/// Runs on a thread of its own: the first signal asks the run to stop; a second, or two seconds without an end, ends the
/// process.
void watch_signals(std::stop_source source) {
  while (sem_wait(&signals_taken) != 0) {}
  source.request_stop();
  timespec deadline{};
  clock_gettime(CLOCK_REALTIME, &deadline);
  deadline.tv_sec += 2;
  while (sem_timedwait(&signals_taken, &deadline) != 0 && errno == EINTR) {}
  std::_Exit(128 + last_signal);
}

}  // namespace

int main(int count, char** words) {
  const std::stop_source source;
  sem_init(&signals_taken, 0, 0);
  std::thread(watch_signals, source).detach();
  handle(SIGINT);
  handle(SIGTERM);
  tandem::Console console = tandem::process_console(source.get_token());
  return tandem::run_tandem({words + 1, words + count}, console);
}
