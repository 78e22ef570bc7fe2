#pragma once
// Quantiles of a sample, by one stated definition.

#include <span>

namespace tandem {

/// Linear interpolation between order statistics: with n values sorted ascending, v[h] at h = q (n - 1), where a
/// fractional h lies between its neighbours (definition 7 of Hyndman and Fan, 1996; NumPy's default).
/// `q` is from 0 to 1. Reorders `values`, which must not be empty.
double quantile(std::span<double> values, double q);

inline double median(std::span<double> values) { return quantile(values, 0.5); }

}  // namespace tandem
