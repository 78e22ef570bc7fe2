#pragma once
// Tells AddressSanitizer, where it watches, that a freed block of an arena must not be touched; elsewhere it does
// nothing.

#include <cstddef>

#include "base/units.hpp"

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
#endif

namespace tandem {

inline void forbid_access([[maybe_unused]] std::byte* block, [[maybe_unused]] Bytes size) {
#ifdef __SANITIZE_ADDRESS__
  __asan_poison_memory_region(block, static_cast<std::size_t>(size.count));
#endif
}

inline void allow_access([[maybe_unused]] std::byte* block, [[maybe_unused]] Bytes size) {
#ifdef __SANITIZE_ADDRESS__
  __asan_unpoison_memory_region(block, static_cast<std::size_t>(size.count));
#endif
}

}  // namespace tandem
