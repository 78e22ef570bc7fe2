#pragma once
// The message of an InputError, so that a test can compare the whole line.

#include <string>

#include "base/error.hpp"

namespace tandem {

/// What `action` throws as InputError; "accepted" when it throws nothing.
template <class Action>
std::string message_of(Action action) {
  try {
    action();
  } catch (const InputError& error) {
    return error.what();
  }
  return "accepted";
}

}  // namespace tandem
