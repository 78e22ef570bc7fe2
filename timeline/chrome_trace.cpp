#include "timeline/chrome_trace.hpp"

#include <algorithm>
#include <array>

#include "base/json_text.hpp"
#include "timeline/event_writer.hpp"
#include "timeline/worker_view.hpp"

namespace tandem {
namespace {

Picoseconds first_instant(const Timeline& timeline) {
  Picoseconds first = timeline.spans.empty() ? Picoseconds{} : extent_of(timeline).start;
  for (const MemoryEvent& event : timeline.memory) first = std::min(first, event.time);
  return first;
}

std::string_view payload_of(BufferContent content) {
  if (content == BufferContent::outbox) return "activations";
  return content == BufferContent::gradient_outbox ? "activation gradients" : "tied gradients";
}

/// Writes one ride; processes and messages are numbered on from those of the rides before it.
class RideWriter {
 public:
  RideWriter(const Program& program, const Ride& ride, std::size_t number, EventWriter& out)
      : program_(program), ride_(ride), out_(out), zero_(first_instant(ride.timeline)),
        first_process_(number * program.workers().size()), first_message_(number * program.messages().size()) {}

  void write() {
    for (std::size_t i = 0; i < program_.workers().size(); ++i) name_process(i);
    for (const Stream& stream : program_.streams()) write_stream(stream);
    write_memory();
  }

 private:
  std::size_t process_of(WorkerId worker) const { return first_process_ + index_of(worker); }
  TraceTime at(Picoseconds time) const { return {((time - zero_).count + 500) / 1000}; }

  void name_process(std::size_t worker) {
    const std::string name = json_string(fmt::format("{} / {}", ride_.name, program_.workers()[worker].name));
    const std::size_t process = first_process_ + worker;
    describe(process, 0, "process_name", "name", name);
    describe(process, 0, "process_sort_index", "sort_index", process);
  }

  template <class Value>
  void describe(std::size_t process, int thread, std::string_view what, std::string_view key, const Value& value) {
    out_.event(FMT_COMPILE(R"({{"ph":"M","pid":{},"tid":{},"ts":0,"name":"{}","args":{{"{}":{}}}}})"), process, thread,
               what, key, value);
  }

  void write_stream(const Stream& stream) {
    const int thread = static_cast<int>(stream.kind);
    describe(process_of(stream.worker), thread, "thread_name", "name", json_string(name_of(stream.kind)));
    describe(process_of(stream.worker), thread, "thread_sort_index", "sort_index", thread);
    for (std::uint32_t i = 0; i < stream.count; ++i) {
      const auto id = static_cast<StepId>(index_of(stream.first) + i);
      const TracePlace place{process_of(stream.worker), thread, at(span(id).start), at(span(id).end)};
      const Step& step = program_.step(id);
      if (is_compute(step.kind)) write_compute(place, step);
      else if (is_copy(step.kind)) write_copy(place, step, program_.copy(id));
      else if (is_message_end(step.kind)) write_message(place, step, program_.message(id));
      else write_collective(place, step, program_.spec(program_.collective(id)));
    }
  }

  void write_compute(const TracePlace& place, const Step& step) {
    if (is_micro_batch_work(step.kind))
      out_.event(FMT_COMPILE(R"({{"ph":"X",{},"dur":{},"cat":"compute","name":"{}{}","args":{{"micro_batch":{}}}}})"),
                 place, place.length(), name_of(step.kind), step.micro_batch, step.micro_batch);
    else
      out_.event(FMT_COMPILE(R"({{"ph":"X",{},"dur":{},"cat":"compute","name":"{}"}})"), place, place.length(),
                 name_of(step.kind));
  }

  void write_message(const TracePlace& place, const Step& step, const Message& message) {
    const Channel& channel = program_.channels()[index_of(message.channel)];
    const std::string_view payload = payload_of(channel.content);
    out_.event(FMT_COMPILE(R"({{"ph":"X",{},"dur":{},"cat":"message","name":"{} {}","args":{{"bytes":{}}}}})"), place,
               place.length(), payload, step.micro_batch, channel.bytes.count);
    const std::size_t arrow = first_message_ + step.object;
    if (step.kind == StepKind::send)
      out_.event(FMT_COMPILE(R"({{"ph":"s","id":{},{},"cat":"message","name":"{}"}})"), arrow, place, payload);
    else
      out_.event(FMT_COMPILE(R"({{"ph":"f","bp":"e","id":{},{},"cat":"message","name":"{}"}})"), arrow,
                 place.near_end(), payload);
  }

  void write_copy(const TracePlace& place, const Step& step, const CopySpec& copy) {
    out_.event(FMT_COMPILE(R"({{"ph":"X",{},"dur":{},"cat":"copy","name":"{} {}","args":{{"unit":{},"micro_batch":{},)"
                           R"("bytes":{}}}}})"),
               place, place.length(), name_of(step.kind), copy.group, copy.group, step.micro_batch, copy.bytes.count);
  }

  void write_collective(const TracePlace& place, const Step& step, const CollectiveSpec& spec) {
    const std::int64_t bytes = spec.shape.bytes({0, spec.shape.elements()}).count;
    out_.event(FMT_COMPILE(R"({{"ph":"X",{},"dur":{},"cat":"collective","name":{},"args":{{"micro_batch":{},)"
                           R"("algorithm":"{}","members":{},"bytes":{}}}}})"),
               place, place.length(), json_string(spec.name), step.micro_batch, spec.algorithm->name,
               spec.members.size(), bytes);
  }

  void write_memory() {
    const std::vector<MemoryEvent>& events = ride_.timeline.memory;
    std::array<std::int64_t, kBufferClasses> held{};
    for (std::size_t i = 0; i < events.size(); ++i) {
      if (i > 0 && events[i].worker != events[i - 1].worker) held = {};
      held[static_cast<std::size_t>(events[i].kind)] += events[i].bytes;
      const bool last_of_instant = i + 1 == events.size() || events[i + 1].worker != events[i].worker ||
                                   at(events[i + 1].time).nanoseconds != at(events[i].time).nanoseconds;
      if (last_of_instant) write_counters(events[i], held);
    }
  }

  void write_counters(const MemoryEvent& event, const std::array<std::int64_t, kBufferClasses>& held) {
    fmt::memory_buffer values;
    for (std::size_t i = 0; i < kBufferClasses; ++i)
      fmt::format_to(std::back_inserter(values), FMT_COMPILE("{}\"{}\":{}"), i == 0 ? "" : ",",
                     name_of(static_cast<BufferClass>(i)), held[i]);
    out_.event(FMT_COMPILE(R"({{"ph":"C","pid":{},"tid":0,"ts":{},"name":"memory","args":{{{}}}}})"),
               process_of(event.worker), at(event.time), std::string_view(values.data(), values.size()));
  }

  const Span& span(StepId id) const { return ride_.timeline.spans[index_of(id)]; }

  const Program& program_;
  const Ride& ride_;
  EventWriter& out_;
  Picoseconds zero_;
  std::size_t first_process_, first_message_;
};

}  // namespace

void write_chrome_trace(const Program& program, std::span<const Ride> rides, const TextSink& sink) {
  EventWriter out(sink);
  for (std::size_t i = 0; i < rides.size(); ++i) RideWriter(program, rides[i], i, out).write();
  out.finish();
}

}  // namespace tandem
