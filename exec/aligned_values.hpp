#pragma once
// A vector whose values start at a multiple of 64 bytes, as kernels want them.

#include <cstddef>
#include <new>
#include <vector>

namespace tandem {

template <class Value>
struct AlignedAllocator {
  using value_type = Value;

  AlignedAllocator() = default;
  template <class Other>
  AlignedAllocator(const AlignedAllocator<Other>&) {}

  Value* allocate(std::size_t count) {
    return static_cast<Value*>(::operator new(count * sizeof(Value), std::align_val_t{64}));
  }
  void deallocate(Value* values, std::size_t) { ::operator delete(values, std::align_val_t{64}); }

  template <class Other>
  bool operator==(const AlignedAllocator<Other>&) const {
    return true;
  }
};

template <class Value>
using AlignedValues = std::vector<Value, AlignedAllocator<Value>>;

}  // namespace tandem
