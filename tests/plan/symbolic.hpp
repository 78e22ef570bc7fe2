#pragma once
// Runs segments on symbols instead of numbers: every slot of a buffer holds the name of what was written there, so that
// a value read after it was overwritten, from the wrong place, or summed in another order shows.

#include <map>
#include <string>
#include <vector>

#include "plan/segment.hpp"

namespace tandem {

/// What a slot holds: a tensor's value, or a gradient as the list of its contributions in the order of addition.
struct Symbol {
  std::string name;
  std::vector<std::string> sum = {};
  bool operator==(const Symbol&) const = default;
};

/// The buffers of one segment for one micro-batch. Throws std::logic_error at the first wrong access.
class SymbolicBuffers {
 public:
  void write(const Placement& at, Bytes bytes, Symbol symbol);
  const Symbol& read(const Placement& at, const std::string& want) const;
  Symbol& at(const Placement& place);
  void clear(Place place) { slots_[static_cast<std::size_t>(place)].clear(); }

 private:
  struct Slot {
    std::int64_t end;
    Symbol symbol;
  };
  std::map<std::int64_t, Slot> slots_[9];
};

/// Runs F of every segment in order and B in reverse, with messages between them. Returns, by layer, the contributions
/// to the gradient of its output in order of addition. Throws std::logic_error at the first wrong access.
std::vector<std::vector<std::string>> run_symbolically(const Model& model, const std::vector<Segment>& segments);

}  // namespace tandem
