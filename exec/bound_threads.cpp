#include "exec/bound_threads.hpp"

#include <pthread.h>
#include <sched.h>

#include <thread>
#include <vector>

#include "base/error.hpp"

namespace tandem {
namespace {

std::vector<int> usable() {
  cpu_set_t allowed;
  CPU_ZERO(&allowed);
  std::vector<int> cores;
  if (sched_getaffinity(0, sizeof allowed, &allowed) == 0)
    for (int core = 0; core < CPU_SETSIZE; ++core)
      if (CPU_ISSET(core, &allowed)) cores.push_back(core);
  return cores;
}

void bind_this_thread(int core) {
  cpu_set_t only;
  CPU_ZERO(&only);
  CPU_SET(core, &only);
  pthread_setaffinity_np(pthread_self(), sizeof only, &only);
}

}  // namespace

std::int64_t usable_cores() { return std::max<std::int64_t>(1, static_cast<std::int64_t>(usable().size())); }

void on_bound_threads(std::int64_t threads, const std::function<void(std::int64_t)>& body) {
  invariant(threads > 0, "at least one thread works");
  const std::vector<int> cores = usable();
  std::vector<std::jthread> running;
  running.reserve(static_cast<std::size_t>(threads));
  for (std::int64_t i = 0; i < threads; ++i)
    running.emplace_back([&cores, &body, i] {
      if (!cores.empty()) bind_this_thread(cores[static_cast<std::size_t>(i) % cores.size()]);
      body(i);
    });
}

}  // namespace tandem
