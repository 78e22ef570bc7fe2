// The `tandem` program: sets up interrupts and the console, and hands over to run_tandem().
#include <csignal>
#include <cstdlib>
#include <ctime>
#include <stop_token>
#include <thread>

#include "tools/command.hpp"

namespace {

/// Waits for SIGINT or SIGTERM on a thread of its own: the first asks the run to stop; a second, or two seconds without
/// an end, ends the process.
void watch_signals(std::stop_source source, sigset_t signals) {
  int which = 0;
  sigwait(&signals, &which);
  source.request_stop();
  constexpr timespec kPatience{2, 0};
  sigtimedwait(&signals, nullptr, &kPatience);
  std::_Exit(128 + which);
}

}  // namespace

int main(int count, char** words) {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  const std::stop_source source;
  std::thread(watch_signals, source, signals).detach();
  tandem::Console console = tandem::process_console(source.get_token());
  return tandem::run_tandem({words + 1, words + count}, console);
}
