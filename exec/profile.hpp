#pragma once
// Times every kernel of a Program as it runs, with caches in the state that a run leaves them in.

#include <string>
#include <vector>

#include "exec/run.hpp"
#include "exec/step_work.hpp"

namespace tandem {

/// Every measured time of one kernel, in the order of the calls.
struct KernelTiming {
  std::string signature;  ///< kernel_signature()
  std::vector<Seconds> times;
};

/// Every measured time of steps that are no micro-batch's: zero_gradients, add_gradient and update.
struct StepTiming {
  StepKind kind;
  WorkId work;
  std::vector<Seconds> times;
};

struct KernelProfile {
  std::vector<KernelTiming> kernels;  ///< sorted by signature
  std::vector<StepTiming> steps;      ///< in the order of the Program
};

/// Runs the Program on the calling thread and times each kernel in each of `options.iterations`, after `warm_up` more
/// that are not counted. Data sources count as forward kernels. Errors: as run_on_one_thread.
KernelProfile profile_kernels(const Program& program, const Model& model, const Dataset& dataset,
                              const RunOptions& options, std::int64_t warm_up = 1);

/// run_on_one_thread, told of every kernel.
RunResult run_observed(const Program& program, const Model& model, const Dataset& dataset, const RunOptions& options,
                       KernelObserver observer);

}  // namespace tandem
