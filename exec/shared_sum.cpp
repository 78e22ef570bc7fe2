#include "exec/shared_sum.hpp"

#include <atomic>
#include <cmath>
#include <mutex>

#include "base/error.hpp"
#include "base/random.hpp"
#include "exec/bound_threads.hpp"
#include "exec/clock.hpp"

namespace tandem {
namespace {

/// What a term adds: itself to a sum, 1 to a count. A count computes the term too; no term is negative.
template <class Value>
Value contribution(double term) {
  if constexpr (std::is_same_v<Value, double>) return term;
  return term >= 0 ? 1 : 0;
}

/// Calls `add` with the contribution of each term of the range.
template <class Value, class Add>
void for_each_term(const LinearRegression& problem, TermRange range, Add add) {
  std::int64_t sample = range.first % LinearRegression::kSamples;
  for (std::int64_t n = range.first; n < range.last; ++n) {
    add(contribution<Value>(problem.term(sample)));
    if (++sample == LinearRegression::kSamples) sample = 0;
  }
}

template <class Value>
Value sum_of_range(const LinearRegression& problem, TermRange range) {
  Value sum = 0;
  for_each_term<Value>(problem, range, [&sum](Value value) { sum += value; });
  return sum;
}

/// Accumulators that all threads add to, each on a cache line of its own.
template <class Value>
class alignas(64) Unsynchronised {
 public:
  void add(Value value) { total_.store(total_.load(std::memory_order_relaxed) + value, std::memory_order_relaxed); }
  Value total() const { return total_.load(); }

 private:
  std::atomic<Value> total_{0};
};

template <class Value>
class alignas(64) Locked {
 public:
  void add(Value value) {
    const std::lock_guard lock(mutex_);
    total_ += value;
  }
  Value total() const { return total_; }

 private:
  std::mutex mutex_;
  Value total_ = 0;
};

template <class Value>
class alignas(64) Exchanged {
 public:
  void add(Value value) {
    Value seen = total_.load(std::memory_order_relaxed);
    while (!total_.compare_exchange_weak(seen, seen + value, std::memory_order_relaxed)) {
    }
  }
  Value total() const { return total_.load(); }

 private:
  std::atomic<Value> total_{0};
};

template <class Value>
Value accumulate_serially(const SumJob& job) {
  return sum_of_range<Value>(*job.problem, {0, job.terms});
}

template <template <class> class Accumulator, class Value>
Value accumulate_together(const SumJob& job) {
  Accumulator<Value> accumulator;
  on_bound_threads(job.threads, [&](std::int64_t thread) {
    for_each_term<Value>(*job.problem, share_of(job.terms, job.threads, thread),
                         [&accumulator](Value value) { accumulator.add(value); });
  });
  return accumulator.total();
}

template <class Value>
Value accumulate_apart(const SumJob& job) {
  std::vector<Value> sums(static_cast<std::size_t>(job.threads));
  on_bound_threads(job.threads, [&](std::int64_t thread) {
    const TermRange share = share_of(job.terms, job.threads, thread);
    sums[static_cast<std::size_t>(thread)] = sum_of_range<Value>(*job.problem, share);
  });
  Value total = 0;
  for (const Value sum : sums) total += sum;
  return total;
}

void require_valid(const SumJob& job) {
  invariant(job.problem != nullptr && job.terms > 0 && job.threads > 0, "a sum has a problem, terms and threads");
}

template <double (*accumulate)(const SumJob&)>
SharedSum timed(const SumJob& job) {
  require_valid(job);
  const Instant start = now();
  const double sum = accumulate(job);
  return {sum, between(start, now())};
}

template <std::int64_t (*accumulate)(const SumJob&)>
std::int64_t counted(const SumJob& job) {
  require_valid(job);
  return accumulate(job);
}

using Count = std::int64_t;

}  // namespace

LinearRegression::LinearRegression(std::int64_t features, std::uint64_t seed) : features_(features) {
  invariant(features > 0, "a regression has features");
  const auto draw = [seed](const char* name, std::int64_t count) {
    std::vector<double> values(static_cast<std::size_t>(count));
    const std::uint64_t stream = stream_of(name);
    for (std::size_t i = 0; i < values.size(); ++i) values[i] = uniform_at(seed, stream, i);
    return values;
  };
  inputs_ = draw("inputs", kSamples * features);
  weights_ = draw("weights", features);
  targets_ = draw("targets", kSamples);
  for (double& target : targets_) target *= static_cast<double>(features) / 2;  // of the size of a prediction
}

TermRange share_of(std::int64_t terms, std::int64_t threads, std::int64_t thread) {
  const std::int64_t each = terms / threads, more = terms % threads;
  const auto first = [=](std::int64_t i) { return i * each + std::min(i, more); };
  return {first(thread), first(thread + 1)};
}

const SharedSumProgram kSerialSum{timed<accumulate_serially<double>>, counted<accumulate_serially<Count>>};
const SharedSumProgram kUnsynchronisedSum{timed<accumulate_together<Unsynchronised, double>>,
                                          counted<accumulate_together<Unsynchronised, Count>>};
const SharedSumProgram kMutexSum{timed<accumulate_together<Locked, double>>,
                                 counted<accumulate_together<Locked, Count>>};
const SharedSumProgram kAtomicSum{timed<accumulate_together<Exchanged, double>>,
                                  counted<accumulate_together<Exchanged, Count>>};
const SharedSumProgram kPerThreadSum{timed<accumulate_apart<double>>, counted<accumulate_apart<Count>>};

long double reference_sum(const SumJob& job) {
  require_valid(job);
  long double sum = 0, lost = 0;
  for_each_term<double>(*job.problem, {0, job.terms}, [&](long double term) {
    const long double next = sum + term;
    lost += sum >= term ? (sum - next) + term : (term - next) + sum;
    sum = next;
  });
  return sum + lost;
}

}  // namespace tandem
