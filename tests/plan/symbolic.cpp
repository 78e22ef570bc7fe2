#include "tests/plan/symbolic.hpp"

#include <algorithm>
#include <stdexcept>

namespace tandem {
namespace {

const char* const kPlaces[] = {"none", "inbox", "outbox", "saved", "workspace", "gradient inbox", "gradient outbox",
                               "saved for input", "deferred"};

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
  void check_kept(const LayerPlan& entry) const;
  void check_results(const LayerPlan& entry, const Placement& output, const std::vector<Placement>& extra) const;
  void check_inputs(const LayerPlan& entry, const std::vector<Placement>& inputs) const;
  void run_forward(const LayerPlan& entry, bool again);
  void run_weights(const LayerPlan& entry);
  void run(const PassItem& item);
  void write_scratch(const Placement& at, const LayerPlan& entry, Pass pass, const std::string& name);
  void check_scratch(const Placement& at, const std::string& name) const;
  void write_input_gradient(const LayerPlan& entry, std::size_t i);
  void run_inputs(const LayerPlan& entry);
  void see_gradient(const LayerPlan& entry);

  const Model& model_;
  const Segment& segment_;
  SymbolicBuffers buffers_;
};

void Ride::check_inputs(const LayerPlan& entry, const std::vector<Placement>& inputs) const {
  const Layer& layer = model_.layer(entry.layer);
  for (std::size_t i = 0; i < layer.inputs.size(); ++i) buffers_.read(inputs[i], value_name(layer.inputs[i]));
}

void Ride::check_results(const LayerPlan& entry, const Placement& output, const std::vector<Placement>& extra) const {
  buffers_.read(output, value_name(entry.layer));
  for (std::size_t i = 0; i < extra.size(); ++i) buffers_.read(extra[i], extra_name(entry, i));
}

void Ride::check_kept(const LayerPlan& entry) const {
  const Layer& layer = model_.layer(entry.layer);
  for (std::size_t i = 0; i < layer.inputs.size(); ++i)
    if (layer.kept.inputs[i]) buffers_.read(entry.kept_inputs[i], value_name(layer.inputs[i]));
  if (layer.kept.output) buffers_.read(entry.kept_output, value_name(entry.layer));
  for (std::size_t i = 0; i < entry.kept_extra.size(); ++i) buffers_.read(entry.kept_extra[i], extra_name(entry, i));
}

void Ride::write_scratch(const Placement& at, const LayerPlan& entry, Pass pass, const std::string& name) {
  const Bytes size = model_.scratch(entry.layer, pass, segment_.batch);
  if (at.place != Place::none) buffers_.write(at, size, {name});
}

void Ride::check_scratch(const Placement& at, const std::string& name) const {
  if (at.place != Place::none) buffers_.read(at, name);
}

/// Inputs are looked at last: nothing that it writes may lie over them.
void Ride::run_forward(const LayerPlan& entry, bool again) {
  const Layer& layer = model_.layer(entry.layer);
  const Placement &output = again ? entry.again_output : entry.output, &scratch = again ? entry.again_scratch : entry.scratch;
  const std::vector<Placement>& extra = again ? entry.kept_extra : entry.extra;
  write_scratch(scratch, entry, Pass::forward, "scratch F");
  buffers_.write(output, bytes(entry.layer), {value_name(entry.layer)});
  for (std::size_t i = 0; i < extra.size(); ++i)
    buffers_.write(extra[i], layer.kept.extra[i].bytes(segment_.batch), {extra_name(entry, i)});
  check_inputs(entry, again ? entry.kept_inputs : entry.inputs);
  check_results(entry, output, extra);
  check_scratch(scratch, "scratch F");
}

void Ride::forward() {
  for (const SegmentPart& part : segment_.forward_parts)
    for (const PassItem& item : part.items) run(item);
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

void Ride::see_gradient(const LayerPlan& entry) {
  if (model_.layer(entry.layer).kind->is_loss) return;
  buffers_.read(entry.output_gradient, gradient_name(entry.layer));
  (*gradients)[index_of(entry.layer)] = buffers_.at(entry.output_gradient).sum;
}

void Ride::run_inputs(const LayerPlan& entry) {
  write_scratch(entry.input_gradient_scratch, entry, Pass::input_gradient, "scratch I");
  for (std::size_t i = 0; i < entry.input_gradients.size(); ++i) write_input_gradient(entry, i);
  check_kept(entry);
  see_gradient(entry);
  check_scratch(entry.input_gradient_scratch, "scratch I");
}

void Ride::run_weights(const LayerPlan& entry) {
  write_scratch(entry.weight_gradient_scratch, entry, Pass::weight_gradient, "scratch W");
  check_kept(entry);
  see_gradient(entry);
  check_scratch(entry.weight_gradient_scratch, "scratch W");
}

void Ride::run(const PassItem& item) {
  const LayerPlan& entry = segment_.layers[item.layer];
  if (item.pass == Pass::forward) return run_forward(entry, item.again);
  item.pass == Pass::input_gradient ? run_inputs(entry) : run_weights(entry);
}

/// What each way leaves to nobody is gone before the next.
void Ride::backward() {
  buffers_.clear(Place::outbox);
  for (std::uint32_t part = 0; part < segment_.backward_parts.size(); ++part) {
    if (part == segment_.first_gradient_part())
      for (const BoundaryCopy& copy : segment_.backward_copies)
        buffers_.write(copy.to, copy.bytes, buffers_.at(copy.from));
    for (const PassItem& item : segment_.backward_parts[part].items) run(item);
  }
  for (const BoundaryTensor& out : segment_.gradient_outbox)
    buffers_.read({Place::gradient_outbox, out.offset}, gradient_name(out.tensor));
  for (const Place place : {Place::workspace, Place::saved_for_input, Place::gradient_inbox}) buffers_.clear(place);
  for (const SegmentPart& part : segment_.weight_parts)
    for (const PassItem& item : part.items) run(item);
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
