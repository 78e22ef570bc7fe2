#include "tools/console.hpp"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <iostream>

#include "base/units.hpp"

namespace tandem {
namespace {

int terminal_width() {
  winsize size{};
  if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) return size.ws_col;
  if (const char* columns = std::getenv("COLUMNS")) {
    try {
      return static_cast<int>(parse_integer(columns, 20, 1000));
    } catch (const QuantityError&) {
      return 80;
    }
  }
  return 80;
}

}  // namespace

Console process_console(std::stop_token stop) {
  const bool out = isatty(STDOUT_FILENO) == 1;
  const char* no_color = std::getenv("NO_COLOR");
  const bool colour = out && (no_color == nullptr || *no_color == '\0');
  return {std::cout, std::cerr, out, isatty(STDERR_FILENO) == 1, colour, terminal_width(), std::move(stop)};
}

Progress::Progress(Console& console, std::string title, std::int64_t total)
    : console_(console), title_(std::move(title)), total_(std::max<std::int64_t>(1, total)) {
  advance(0);
}

void Progress::advance(std::int64_t done, std::string_view note) {
  if (!console_.err_is_terminal) return;
  std::string line = fmt::format("{} {:3d} %  {}", title_, 100 * std::min(done, total_) / total_, note);
  line.resize(std::min<std::size_t>(line.size(), static_cast<std::size_t>(console_.width - 1)));
  console_.err << "\r\033[K" << line << std::flush;
}

Progress::~Progress() {
  if (console_.err_is_terminal) console_.err << "\r\033[K" << std::flush;
}

}  // namespace tandem
