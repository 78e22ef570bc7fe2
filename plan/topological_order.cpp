#include <fmt/format.h>

#include <algorithm>
#include <queue>

#include "base/error.hpp"
#include "plan/verify.hpp"

namespace tandem {
namespace {

constexpr std::uint32_t kRan = ~0u;

/// Kahn's algorithm over steps, with the two steps of a message, and all of a collective, run as one.
class Sorter {
 public:
  explicit Sorter(const Program& program) : program_(program), missing_(program.step_count(), 0) {
    count_and_link();
  }
  std::vector<StepId> run();

 private:
  void count_and_link();
  /// The steps that run together with `id`, itself among them.
  void find_partners(StepId id, std::vector<StepId>& partners) const {
    partners.clear();
    const StepKind kind = program_.step(id).kind;
    if (is_compute(kind) || is_copy(kind)) partners.push_back(id);
    if (is_message_end(kind)) partners = {program_.message(id).send, program_.message(id).receive};
    if (kind == StepKind::collective)
      for (const CollectiveMember& member : program_.members(program_.collective(id))) partners.push_back(member.step);
  }
  bool is_last(StepId id) const {
    const Stream& stream = program_.stream(program_.step(id).stream);
    return index_of(id) + 1 == index_of(stream.first) + stream.count;
  }
  bool is_first(StepId id) const { return id == program_.stream(program_.step(id).stream).first; }
  void finish(StepId id);
  void offer(StepId id);
  bool ran(StepId id) const { return missing_[index_of(id)] == kRan; }
  std::vector<StepId> first_waiting() const;
  StepId blocker(StepId id, const std::vector<StepId>& first_waiting) const;
  StepId edge_blocker(StepId id) const;
  [[noreturn]] void report_cycle() const;

  const Program& program_;
  std::vector<std::uint32_t> missing_;  ///< predecessors that have not run; ~0 once it has run itself
  std::vector<std::uint32_t> offset_, later_;
  std::priority_queue<std::uint32_t, std::vector<std::uint32_t>, std::greater<>> queue_;
  std::vector<StepId> order_;
  std::vector<StepId> offered_, together_;  ///< of offer() and run(), kept for their memory
};

/// Partners become ready together: the last of them to lose its last predecessor offers the first of them.
void Sorter::offer(StepId id) {
  if (missing_[index_of(id)] != 0) return;
  if (const StepKind kind = program_.step(id).kind; is_compute(kind) || is_copy(kind)) return queue_.push(index_of(id));
  find_partners(id, offered_);
  if (std::all_of(offered_.begin(), offered_.end(), [this](StepId step) { return missing_[index_of(step)] == 0; }))
    queue_.push(index_of(*std::min_element(offered_.begin(), offered_.end())));
}

void Sorter::count_and_link() {
  const auto count = static_cast<std::uint32_t>(program_.step_count());
  offset_.assign(count + 2, 0);
  for (std::uint32_t i = 0; i < count; ++i) {
    const auto id = static_cast<StepId>(i);
    missing_[i] = static_cast<std::uint32_t>(program_.after(id).size()) + !is_first(id);
    for (const StepId earlier : program_.after(id)) ++offset_[index_of(earlier) + 2];
  }
  for (std::size_t i = 2; i < offset_.size(); ++i) offset_[i] += offset_[i - 1];
  later_.resize(offset_.back());
  for (std::uint32_t i = 0; i < count; ++i)
    for (const StepId earlier : program_.after(static_cast<StepId>(i))) later_[offset_[index_of(earlier) + 1]++] = i;
}

void Sorter::finish(StepId id) {
  missing_[index_of(id)] = kRan;
  order_.push_back(id);
}

std::vector<StepId> Sorter::run() {
  const auto count = static_cast<std::uint32_t>(program_.step_count());
  order_.reserve(count);
  const auto release = [this](StepId id) {
    const auto drop = [this](std::uint32_t later) {
      --missing_[later];
      offer(static_cast<StepId>(later));
    };
    for (std::uint32_t at = offset_[index_of(id)]; at < offset_[index_of(id) + 1]; ++at) drop(later_[at]);
    if (!is_last(id)) drop(index_of(id) + 1);
  };
  for (std::uint32_t i = 0; i < count; ++i) offer(static_cast<StepId>(i));
  while (!queue_.empty()) {
    const auto id = static_cast<StepId>(queue_.top());
    queue_.pop();
    if (missing_[index_of(id)] == kRan) continue;  // offered by several of its steps
    find_partners(id, together_);
    for (const StepId step : together_) finish(step);
    for (const StepId step : together_) release(step);
  }
  if (order_.size() != count) report_cycle();
  return std::move(order_);
}

/// By stream: the first step that has not run, which all later ones of the stream wait for.
std::vector<StepId> Sorter::first_waiting() const {
  std::vector<StepId> first(program_.streams().size(), kNone<StepId>);
  for (auto i = static_cast<std::uint32_t>(missing_.size()); i-- > 0;)
    if (missing_[i] != kRan) first[index_of(program_.steps()[i].stream)] = static_cast<StepId>(i);
  return first;
}

StepId Sorter::edge_blocker(StepId id) const {
  const auto after = program_.after(id);
  const auto open = std::find_if(after.begin(), after.end(), [this](StepId earlier) { return !ran(earlier); });
  return open == after.end() ? kNone<StepId> : *open;
}

/// Something that `id` waits for and that has not run; it waits for what any step that runs with it waits for.
StepId Sorter::blocker(StepId id, const std::vector<StepId>& first_waiting) const {
  std::vector<StepId> together;
  find_partners(id, together);
  for (const StepId end : together) {
    if (const StepId first = first_waiting[index_of(program_.step(end).stream)]; first != end) return first;
    if (const StepId open = edge_blocker(end); open != kNone<StepId>) return open;
  }
  invariant(false, "a step that never ran waits for another one");
  return id;
}

void Sorter::report_cycle() const {
  const std::vector<StepId> waiting = first_waiting();
  std::vector<StepId> path;
  auto at = *std::find_if(waiting.begin(), waiting.end(), [](StepId id) { return id != kNone<StepId>; });
  auto seen = path.end();
  while (seen == path.end()) {
    path.push_back(at);
    at = blocker(at, waiting);
    seen = std::find(path.begin(), path.end(), at);  // short: at most two steps of each stream
  }
  std::string text;
  constexpr std::ptrdiff_t kShown = 12;
  for (auto step = seen; step != path.end() && step - seen < kShown; ++step)
    text += fmt::format("{} waits for ", program_.describe(*step));
  if (path.end() - seen > kShown) text += fmt::format("{} more steps, then ", path.end() - seen - kShown);
  throw InputError(fmt::format("the order dead-locks: {}{}", text, program_.describe(at)));
}

}  // namespace

std::vector<StepId> topological_order(const Program& program) { return Sorter(program).run(); }

}  // namespace tandem
