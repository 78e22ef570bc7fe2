// The buffers of one micro-batch on one worker: made first, so that steps can use them, and given their lives later.

#include <map>

#include "base/error.hpp"
#include "plan/lowering.hpp"

namespace tandem {
namespace {

struct LocalBuffer {
  BufferContent content;
  BufferClass kind;
  Bytes bytes;
};

/// In the order of LoweredStage::buffers.
std::array<LocalBuffer, kLocalBuffers> local_buffers(const Segment& s) {
  using enum BufferContent;
  return {{{inbox, s.keeps_inbox ? BufferClass::activation : BufferClass::message, s.inbox_bytes},
           {outbox, BufferClass::message, s.outbox_bytes},
           {gradient_inbox, BufferClass::message, s.gradient_inbox_bytes},
           {gradient_outbox, BufferClass::message, s.gradient_outbox_bytes},
           {saved, BufferClass::activation, s.saved_bytes},
           {workspace, BufferClass::workspace, s.forward_workspace},
           {workspace, BufferClass::workspace, s.backward_workspace}}};
}

std::size_t slot_of(BufferContent content, bool forward) {
  switch (content) {
    case BufferContent::inbox: return 0;
    case BufferContent::outbox: return 1;
    case BufferContent::gradient_inbox: return 2;
    case BufferContent::gradient_outbox: return 3;
    case BufferContent::saved: return 4;
    default: return forward ? 5 : 6;
  }
}

/// Collects what one part touches.
class Touched {
 public:
  void read(const Placement& placement) { note(placement, Access::read); }
  void write(const Placement& placement) { note(placement, Access::write); }
  const std::map<BufferContent, Access>& all() const { return all_; }

 private:
  void note(const Placement& placement, Access access) {
    if (placement.place == Place::none) return;
    const auto [at, is_new] = all_.emplace(content_of(placement.place), access);
    if (!is_new && at->second != access) at->second = Access::read_write;
  }
  std::map<BufferContent, Access> all_;
};

void touch(const LayerPlan& layer, const Kept& kept, const PassItem& item, Touched& touched) {
  const bool forward = item.pass == Pass::forward;
  for (std::size_t i = 0; i < layer.inputs.size(); ++i)
    if (forward ? item.reads(i) : kept.inputs[i]) touched.read(layer.inputs[i]);
  for (const Placement& extra : layer.extra) forward ? touched.write(extra) : touched.read(extra);
  if (forward) {
    touched.write(layer.output);
    touched.write(layer.scratch);
    return;
  }
  if (kept.output) touched.read(layer.output);
  touched.read(layer.output_gradient);
  touched.write(item.pass == Pass::input_gradient ? layer.input_gradient_scratch : layer.weight_gradient_scratch);
  if (item.pass != Pass::input_gradient) return;
  for (const Placement& gradient : layer.input_gradients) touched.write(gradient);
}

void touch(const std::vector<BoundaryCopy>& copies, Touched& touched) {
  for (const BoundaryCopy& copy : copies) {
    touched.read(copy.from);
    touched.write(copy.to);
  }
}

}  // namespace

BufferContent content_of(Place place) {
  switch (place) {
    case Place::inbox: return BufferContent::inbox;
    case Place::outbox: return BufferContent::outbox;
    case Place::saved: return BufferContent::saved;
    case Place::gradient_inbox: return BufferContent::gradient_inbox;
    case Place::gradient_outbox: return BufferContent::gradient_outbox;
    default: break;
  }
  invariant(place == Place::workspace, "a tensor that is used lies somewhere");
  return BufferContent::workspace;
}

/// The first part to touch a buffer that this direction fills is its writer.
std::vector<std::vector<std::pair<BufferContent, Access>>> uses_of_parts(const Segment& segment, const Model& local,
                                                                            bool forward) {
  const auto& parts = forward ? segment.forward_parts : segment.backward_parts;
  using enum BufferContent;
  const auto fills = [forward](BufferContent content) {
    if (content == workspace) return true;
    return forward ? content == saved || content == outbox : content == gradient_outbox;
  };
  std::map<BufferContent, bool> filled;
  std::vector<std::vector<std::pair<BufferContent, Access>>> uses;
  for (std::size_t part = 0; part < parts.size(); ++part) {
    Touched touched;
    if (!forward && part == 0) touch(segment.backward_copies, touched);
    for (const PassItem& item : parts[part].items) {
      const LayerPlan& layer = segment.layers[item.layer];
      touch(layer, local.layer(layer.layer).kept, item, touched);
    }
    if (forward && part + 1 == parts.size()) touch(segment.forward_copies, touched);
    uses.emplace_back();
    for (auto [content, access] : touched.all()) {
      if (fills(content) && !filled[content]) access = Access::write;
      else if (access == Access::write) access = Access::read_write;  // adds to what a message brought
      if (!fills(content) && (content == inbox || content == saved)) access = Access::read;
      filled[content] = true;
      uses.back().emplace_back(content, access);
    }
  }
  return uses;
}

void Lowering::make_buffers(LoweredStage& worker) {
  const auto kinds = local_buffers(*worker.layout);
  for (std::uint32_t batch = 0; batch < batches(); ++batch)
    for (const LocalBuffer& local : kinds)
      worker.buffers.push_back(local.bytes.count == 0 ? kNone<BufferId>
                                                      : buffer(worker, local.kind, local.content, local.bytes, batch));
}

BufferId Lowering::local_buffer(const LoweredStage& worker, std::uint32_t batch, BufferContent content,
                                bool forward) const {
  const BufferId id = worker.buffers[batch * kLocalBuffers + slot_of(content, forward)];
  invariant(id != kNone<BufferId>, "a buffer in use has bytes");
  return id;
}

/// Tensors that never leave the worker: what is kept for backward, and the workspaces.
void Lowering::add_local_buffers(LoweredStage& worker, std::uint32_t batch) {
  const auto during = [&](std::size_t slot, StepId first, StepId last) {
    const BufferId local = worker.buffers[batch * kLocalBuffers + slot];
    if (local == kNone<BufferId>) return;
    builder_.allocate(local, first, Moment::start);
    builder_.release(local, last, Moment::end);
  };
  during(4, worker.first_forward(batch), worker.last_backward(batch));
  during(5, worker.first_forward(batch), worker.last_forward(batch));
  during(6, worker.first_backward(batch), worker.last_backward(batch));
}

}  // namespace tandem
