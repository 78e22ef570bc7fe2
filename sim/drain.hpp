#pragma once
// Working lists that are emptied over and over, and keep their memory.

#include <cstddef>
#include <vector>

namespace tandem {

/// Handles the entries of a list in their order, among them those that are added meanwhile, and empties it.
template <class Entry, class Act>
void drain(std::vector<Entry>& entries, Act act) {
  for (std::size_t i = 0; i < entries.size(); ++i) act(entries[i]);
  entries.clear();
}

}  // namespace tandem
