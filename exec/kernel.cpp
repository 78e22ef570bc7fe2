#include "exec/kernel.hpp"

#include <algorithm>

#include "base/error.hpp"

namespace tandem {

template <class Real>
Kernel<Real> KernelRow<Real>::of(Pass pass) const {
  switch (pass) {
    case Pass::forward: return forward;
    case Pass::input_gradient: return input_gradient;
    case Pass::weight_gradient: return weight_gradient;
  }
  return nullptr;
}

template <class Real>
const KernelRow<Real>& find_kernels(std::span<const KernelRow<Real>> rows, std::string_view kind) {
  const auto found = std::ranges::lower_bound(rows, kind, {}, &KernelRow<Real>::kind);
  invariant(found != rows.end() && found->kind == kind, "every layer kind but a source has kernels");
  return *found;
}

template struct KernelRow<float>;
template struct KernelRow<double>;
template const KernelRow<float>& find_kernels(std::span<const KernelRow<float>>, std::string_view);
template const KernelRow<double>& find_kernels(std::span<const KernelRow<double>>, std::string_view);

}  // namespace tandem
