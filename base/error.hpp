#pragma once
// The kinds of error and their fates: wrong input, our own bug, a failed world, and the answer "no".

#include <source_location>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace tandem {

/// Where in an input a problem stands; line and column count from 1, 0 means "the whole file".
struct TextPosition {
  std::string file;
  int line = 0;
  int column = 0;
};

/// The input is wrong. what() reads `file:line:column: error: problem; got "X", want Y`. Exit 2, nothing written.
class InputError : public std::runtime_error {
 public:
  InputError(const TextPosition& where, std::string_view problem, std::string_view got = {}, std::string_view want = {});
  /// For command lines and values without a file.
  explicit InputError(std::string_view problem, std::string_view got = {}, std::string_view want = {});
};

/// A valid question whose answer is "no": infeasible, outside tolerance. Exit 1.
class NoAnswer : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// Memory, disk or another resource of this machine is short. Exit 3.
class ResourceError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// The run failed: a worker threw, stalled or produced a NaN. Names worker, step and micro-batch. Exit 4.
class RunError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// We are wrong. Exit 70.
class InvariantError : public std::logic_error {
 public:
  using std::logic_error::logic_error;
};

/// Throws InvariantError naming the place when `holds` is false; on in every build.
void invariant(bool holds, std::string_view what, std::source_location where = std::source_location::current());

/// The candidate closest to `word` by edit distance as `; did you mean "X"?`, or "" when none is close.
std::string did_you_mean(std::string_view word, const std::vector<std::string>& candidates);

}  // namespace tandem
