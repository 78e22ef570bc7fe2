#pragma once
// Where a command writes: results to `out`, progress and warnings to `err`, and what the terminal can show.

#include <cstdint>
#include <iosfwd>
#include <stop_token>
#include <string>
#include <string_view>

namespace tandem {

struct Console {
  std::ostream& out;
  std::ostream& err;
  bool out_is_terminal = false;
  bool err_is_terminal = false;
  bool colour = false;    ///< a terminal, and NO_COLOR is not set
  int width = 80;         ///< columns of the terminal, or COLUMNS, or 80
  std::stop_token stop;   ///< asked for by Ctrl-C
};

/// The console of this process: standard streams, terminal size, environment.
Console process_console(std::stop_token stop);

/// One line on a terminal's `err` that shows how far long work is; nothing elsewhere. The line is cleared at the end.
class Progress {
 public:
  Progress(Console& console, std::string title, std::int64_t total);
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;
  void advance(std::int64_t done, std::string_view note = {});

 private:
  Console& console_;
  std::string title_;
  std::int64_t total_;
};

}  // namespace tandem
