#pragma once
// Pictures for the terminal: who computed what, when, and what memory it took. Pure ASCII, but for the colours.

#include <span>
#include <string>
#include <vector>

#include "timeline/ride.hpp"

namespace tandem {

struct ChartOptions {
  int width = 80;           ///< columns of the terminal; below kNarrowestChart counts as that
  bool colour = false;      ///< forward blue, backward green, as in the PipeDream paper; the caller knows the terminal
  std::size_t rows = 32;    ///< workers shown of each ride: the first and the last ones when there are more
  std::size_t graphs = 4;   ///< workers whose memory is drawn
};
inline constexpr int kNarrowestChart = 40;

/// The rides one above the other on the same scale of time, a row for each worker's compute stream, with its bubble
/// fraction, a time axis and a legend. No line is longer than the width; each ends with a newline. A column shows the
/// kind of work that covers most of it: digits are forward, letters backward, by the last digit of the micro-batch.
std::string chart(const Program& program, std::span<const Ride> rides, const ChartOptions& options = {});

/// What workers held over time, as stacked classes on one scale for all workers, with the peaks in figures. A column
/// shows the moment in it at which the sum was largest. Of more workers than options.graphs the telling ones are drawn,
/// and a last line says how many are not.
std::string memory_chart(const Program& program, const Ride& ride, const ChartOptions& options = {});
/// The same of these workers.
std::string memory_chart(const Program& program, const Ride& ride, std::span<const WorkerId> workers,
                         const ChartOptions& options = {});

/// All workers, ascending, where there are no more than `limit` (at least 1); else the one with the highest peak, the
/// one with the lowest, the first, the last, and more from the front: `limit` of them.
std::vector<WorkerId> telling_workers(const Timeline& timeline, std::size_t limit);

}  // namespace tandem
