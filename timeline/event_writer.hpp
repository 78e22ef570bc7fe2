#pragma once
// The frame of a Chrome trace: events gathered into one JSON array and handed on in pieces. For .cpp files alone.

#include <fmt/compile.h>
#include <fmt/format.h>

#include <algorithm>

#include "timeline/chrome_trace.hpp"

namespace tandem {

/// Whole nanoseconds, the finest that the format keeps; written as microseconds with three decimals.
struct TraceTime {
  std::int64_t nanoseconds;
};

/// Where a slice lies; written as its process, thread and start.
struct TracePlace {
  std::size_t process;
  int thread;
  TraceTime start, end;
  TraceTime length() const { return {end.nanoseconds - start.nanoseconds}; }
  /// The last instant inside of the slice: its end no longer is.
  TracePlace near_end() const { return {process, thread, {std::max(start.nanoseconds, end.nanoseconds - 1)}, end}; }
};

class EventWriter {
 public:
  explicit EventWriter(const TextSink& sink) : sink_(sink) { append(FMT_COMPILE("{{\"traceEvents\":[")); }

  /// One event, an object: `format` is an FMT_COMPILE string.
  template <class Format, class... Values>
  void event(const Format& format, const Values&... values) {
    append(FMT_COMPILE("{}"), first_ ? "\n" : ",\n");
    first_ = false;
    append(format, values...);
    constexpr std::size_t kPiece = 64 * 1024;
    if (text_.size() >= kPiece) flush();
  }

  /// Closes the array; the last call.
  void finish() {
    append(FMT_COMPILE("\n]}}\n"));
    flush();
  }

 private:
  template <class Format, class... Values>
  void append(const Format& format, const Values&... values) {
    fmt::format_to(std::back_inserter(text_), format, values...);
  }
  void flush() {
    sink_({text_.data(), text_.size()});
    text_.clear();
  }

  const TextSink& sink_;
  fmt::memory_buffer text_;
  bool first_ = true;
};

}  // namespace tandem

template <>
struct fmt::formatter<tandem::TraceTime> {
  constexpr auto parse(fmt::format_parse_context& context) { return context.begin(); }
  template <class Context>
  auto format(tandem::TraceTime time, Context& context) const {
    return fmt::format_to(context.out(), FMT_COMPILE("{}.{:03}"), time.nanoseconds / 1000, time.nanoseconds % 1000);
  }
};

template <>
struct fmt::formatter<tandem::TracePlace> {
  constexpr auto parse(fmt::format_parse_context& context) { return context.begin(); }
  template <class Context>
  auto format(const tandem::TracePlace& place, Context& context) const {
    return fmt::format_to(context.out(), FMT_COMPILE("\"pid\":{},\"tid\":{},\"ts\":{}"), place.process, place.thread,
                          place.start);
  }
};
