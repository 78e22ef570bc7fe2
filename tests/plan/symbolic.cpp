#include "tests/plan/symbolic.hpp"

#include <algorithm>
#include <stdexcept>

namespace tandem {
namespace {

const char* const kPlaces[] = {"none", "inbox", "outbox", "saved", "workspace", "gradient inbox", "gradient outbox"};

std::string text_of(const Placement& at) {
  return std::string(kPlaces[static_cast<std::size_t>(at.place)]) + "+" + std::to_string(at.offset);
}

std::string value_name(LayerId layer) { return "value of " + std::to_string(index_of(layer)); }
std::string gradient_name(LayerId layer) { return "gradient of " + std::to_string(index_of(layer)); }

/// One segment with its buffers.
class Ride {
 public:
  Ride(const Model& model, const Segment& segment) : model_(model), segment_(segment) {}

  void forward();
  void backward();
  void receive(const std::vector<BoundaryTensor>& from, const SymbolicBuffers& sender, Place out, Place in);
  SymbolicBuffers& buffers() { return buffers_; }
  std::vector<std::vector<std::string>>* gradients = nullptr;

 private:
  Bytes bytes(LayerId layer) const { return model_.layer(layer).output.bytes(segment_.batch); }
  std::string extra_name(const LayerPlan& entry, std::size_t i) const {
    return "extra " + std::to_string(i) + " of " + std::to_string(index_of(entry.layer));
  }
  void check_values(const LayerPlan& entry, bool only_kept) const;
  void write_scratch(const Placement& at, const LayerPlan& entry, Pass pass, const std::string& name);
  void check_scratch(const Placement& at, const std::string& name) const;
  void write_input_gradient(const LayerPlan& entry, std::size_t i);
  void run_backward(const LayerPlan& entry);

  const Model& model_;
  const Segment& segment_;
  SymbolicBuffers buffers_;
};

void Ride::check_values(const LayerPlan& entry, bool only_kept) const {
  const Layer& layer = model_.layer(entry.layer);
  for (std::size_t i = 0; i < layer.inputs.size(); ++i)
    if (!only_kept || layer.kept.inputs[i]) buffers_.read(entry.inputs[i], value_name(layer.inputs[i]));
  if (!only_kept || layer.kept.output) buffers_.read(entry.output, value_name(entry.layer));
  for (std::size_t i = 0; i < entry.extra.size(); ++i) buffers_.read(entry.extra[i], extra_name(entry, i));
}

void Ride::write_scratch(const Placement& at, const LayerPlan& entry, Pass pass, const std::string& name) {
  const Bytes size = model_.scratch(entry.layer, pass, segment_.batch);
  if (at.place != Place::none) buffers_.write(at, size, {name});
}

void Ride::check_scratch(const Placement& at, const std::string& name) const {
  if (at.place != Place::none) buffers_.read(at, name);
}

void Ride::forward() {
  for (const LayerPlan& entry : segment_.layers) {
    const Layer& layer = model_.layer(entry.layer);
    write_scratch(entry.scratch, entry, Pass::forward, "scratch F");
    buffers_.write(entry.output, bytes(entry.layer), {value_name(entry.layer)});
    for (std::size_t i = 0; i < entry.extra.size(); ++i)
      buffers_.write(entry.extra[i], layer.kept.extra[i].bytes(segment_.batch), {extra_name(entry, i)});
    check_values(entry, false);  // inputs, too: nothing written above may lie over them
    check_scratch(entry.scratch, "scratch F");
  }
  for (const BoundaryCopy& copy : segment_.forward_copies) buffers_.write(copy.to, copy.bytes, buffers_.at(copy.from));
  for (const BoundaryTensor& out : segment_.outbox) buffers_.read({Place::outbox, out.offset}, value_name(out.tensor));
  buffers_.clear(Place::workspace);
  if (!segment_.keeps_inbox) buffers_.clear(Place::inbox);
}

void Ride::receive(const std::vector<BoundaryTensor>& tensors, const SymbolicBuffers& sender, Place out, Place in) {
  for (const BoundaryTensor& entry : tensors) {
    SymbolicBuffers copy = sender;
    buffers_.write({in, entry.offset}, entry.bytes, copy.at({out, entry.offset}));
  }
}

void Ride::write_input_gradient(const LayerPlan& entry, std::size_t i) {
  const Placement& to = entry.input_gradients[i];
  if (to.place == Place::none) return;
  const LayerId input = model_.layer(entry.layer).inputs[i];
  const std::string part = "I of " + std::to_string(index_of(entry.layer)) + "." + std::to_string(i);
  if (!entry.accumulate[i]) return buffers_.write(to, bytes(input), {gradient_name(input), {part}});
  buffers_.read(to, gradient_name(input));
  buffers_.at(to).sum.push_back(part);
}

void Ride::run_backward(const LayerPlan& entry) {
  const bool loss = model_.layer(entry.layer).kind->is_loss;
  if (!loss) {
    buffers_.read(entry.output_gradient, gradient_name(entry.layer));
    (*gradients)[index_of(entry.layer)] = buffers_.at(entry.output_gradient).sum;
  }
  write_scratch(entry.weight_gradient_scratch, entry, Pass::weight_gradient, "scratch W");
  if (entry.runs_input_gradient) write_scratch(entry.input_gradient_scratch, entry, Pass::input_gradient, "scratch I");
  for (std::size_t i = 0; i < entry.input_gradients.size(); ++i) write_input_gradient(entry, i);
  check_values(entry, true);
  if (!loss) buffers_.read(entry.output_gradient, gradient_name(entry.layer));
  check_scratch(entry.weight_gradient_scratch, "scratch W");
  if (entry.runs_input_gradient) check_scratch(entry.input_gradient_scratch, "scratch I");
}

void Ride::backward() {
  buffers_.clear(Place::outbox);
  for (const BoundaryCopy& copy : segment_.backward_copies) buffers_.write(copy.to, copy.bytes, buffers_.at(copy.from));
  for (auto entry = segment_.layers.rbegin(); entry != segment_.layers.rend(); ++entry)
    if (entry->runs_input_gradient || entry->runs_weight_gradient) run_backward(*entry);
  for (const BoundaryTensor& out : segment_.gradient_outbox)
    buffers_.read({Place::gradient_outbox, out.offset}, gradient_name(out.tensor));
}

}  // namespace

void SymbolicBuffers::write(const Placement& at, Bytes bytes, Symbol symbol) {
  if (at.place == Place::none) throw std::logic_error("writes " + symbol.name + " nowhere");
  auto& slots = slots_[static_cast<std::size_t>(at.place)];
  const std::int64_t end = at.offset + bytes.count;
  for (auto slot = slots.begin(); slot != slots.end() && slot->first < end;)
    slot = slot->second.end > at.offset ? slots.erase(slot) : std::next(slot);
  slots[at.offset] = {end, std::move(symbol)};
}

const Symbol& SymbolicBuffers::read(const Placement& at, const std::string& want) const {
  const auto& slots = slots_[static_cast<std::size_t>(at.place)];
  const auto found = slots.find(at.offset);
  if (found == slots.end()) throw std::logic_error("nothing at " + text_of(at) + ", want " + want);
  if (found->second.symbol.name != want)
    throw std::logic_error(found->second.symbol.name + " at " + text_of(at) + ", want " + want);
  return found->second.symbol;
}

Symbol& SymbolicBuffers::at(const Placement& place) {
  auto& slots = slots_[static_cast<std::size_t>(place.place)];
  const auto found = slots.find(place.offset);
  if (found == slots.end()) throw std::logic_error("nothing at " + text_of(place));
  return found->second.symbol;
}

std::vector<std::vector<std::string>> run_symbolically(const Model& model, const std::vector<Segment>& segments) {
  std::vector<std::vector<std::string>> gradients(model.layer_count());
  std::vector<Ride> rides;
  for (const Segment& segment : segments) rides.emplace_back(model, segment).gradients = &gradients;
  for (std::size_t s = 0; s < rides.size(); ++s) {
    if (s > 0) rides[s].receive(segments[s].inbox, rides[s - 1].buffers(), Place::outbox, Place::inbox);
    rides[s].forward();
  }
  for (std::size_t s = rides.size(); s-- > 0;) {
    if (s + 1 < rides.size())
      rides[s].receive(segments[s].gradient_inbox, rides[s + 1].buffers(), Place::gradient_outbox,
                       Place::gradient_inbox);
    rides[s].backward();
  }
  return gradients;
}

}  // namespace tandem
