#pragma once
// Losses of several trainings on the same samples, side by side: as a table and as one chart.

#include <span>
#include <string>
#include <vector>

namespace tandem {

struct LossCurve {
  std::string name;            ///< "gpipe"
  std::vector<double> losses;  ///< by iteration
};

/// All curves have as many iterations, at least one. The table shows about 20 of them, the last one among them; in the
/// chart each curve is drawn with a letter of its own, and `*` where curves meet. Losses that are no number are left
/// out. Lines end with a newline; those of the chart are no longer than `width` (at least 40).
std::string loss_table(std::span<const LossCurve> curves);
std::string loss_chart(std::span<const LossCurve> curves, int width);

}  // namespace tandem
