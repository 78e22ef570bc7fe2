// The buffers of one micro-batch of a stage on one worker: made first, so that steps can use them, and given their lives
// later.

#include <algorithm>
#include <map>

#include "base/error.hpp"
#include "plan/lowering.hpp"
#include "plan/part_touches.hpp"

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
           {saved_for_input, BufferClass::activation, s.saved_for_input_bytes},
           {deferred, BufferClass::activation, s.deferred_bytes},
           {workspace, BufferClass::workspace, s.forward_workspace},
           {workspace, BufferClass::workspace, s.backward_workspace},
           {workspace, BufferClass::workspace, s.weight_workspace}}};
}

std::size_t slot_of(BufferContent content, Way way) {
  switch (content) {
    case BufferContent::inbox: return 0;
    case BufferContent::outbox: return 1;
    case BufferContent::gradient_inbox: return 2;
    case BufferContent::gradient_outbox: return 3;
    case BufferContent::saved: return 4;
    case BufferContent::saved_for_input: return 5;
    case BufferContent::deferred: return 6;
    default: return 7 + static_cast<std::size_t>(way);
  }
}

/// Collects what one part touches.
class Touched {
 public:
  void note(const std::vector<Touch>& touches) {
    for (const Touch& touch : touches) {
      const auto [at, is_new] = all_.emplace(std::pair(content_of(touch.at.place), touch.at.group), touch.access);
      if (!is_new && at->second != touch.access) at->second = Access::read_write;
    }
  }
  using Key = std::pair<BufferContent, std::uint32_t>;  ///< content and group
  const std::map<Key, Access>& all() const { return all_; }

 private:
  std::map<Key, Access> all_;
};

const std::vector<SegmentPart>& parts_of(const Segment& segment, Way way) {
  if (way == Way::forward) return segment.forward_parts;
  return way == Way::backward ? segment.backward_parts : segment.weight_parts;
}

/// Does this way write what lies there first?
bool fills(Way way, BufferContent content) {
  using enum BufferContent;
  if (content == workspace) return true;
  if (way == Way::forward) return content == saved || content == saved_for_input || content == outbox;
  return way == Way::backward && (content == gradient_outbox || content == deferred);
}

bool is_kept(BufferContent content) {
  using enum BufferContent;
  return content == inbox || content == saved || content == saved_for_input;
}

}  // namespace

BufferContent content_of(Place place) {
  switch (place) {
    case Place::inbox: return BufferContent::inbox;
    case Place::outbox: return BufferContent::outbox;
    case Place::saved: return BufferContent::saved;
    case Place::saved_for_input: return BufferContent::saved_for_input;
    case Place::deferred: return BufferContent::deferred;
    case Place::gradient_inbox: return BufferContent::gradient_inbox;
    case Place::gradient_outbox: return BufferContent::gradient_outbox;
    default: break;
  }
  invariant(place == Place::workspace, "a tensor that is used lies somewhere");
  return BufferContent::workspace;
}

/// The first part to touch a buffer that this way fills is its writer.
PartUses uses_of_parts(const Segment& segment, const Model& local, Way way) {
  const auto& parts = parts_of(segment, way);
  std::map<Touched::Key, bool> filled;
  PartUses uses;
  for (std::size_t part = 0; part < parts.size(); ++part) {
    Touched touched;
    if (way == Way::backward && part == segment.first_gradient_part()) touched.note(touches_of(segment.backward_copies));
    for (const PassItem& item : parts[part].items) touched.note(touches_of(segment, local, item));
    if (way == Way::forward && part + 1 == parts.size()) touched.note(touches_of(segment.forward_copies));
    uses.emplace_back();
    for (auto [key, access] : touched.all()) {
      const auto [content, group] = key;
      if (fills(way, content) && !filled[key]) access = Access::write;
      else if (access == Access::write) access = Access::read_write;  // adds to what is there
      if (!fills(way, content) && is_kept(content)) access = Access::read;
      filled[key] = true;
      uses.back().push_back({content, access, group});
    }
  }
  return uses;
}

namespace {

bool touches(const PartUses& uses, std::size_t part, BufferContent content) {
  return std::any_of(uses[part].begin(), uses[part].end(),
                     [&](const PartUse& use) { return use.content == content && use.group == 0; });
}

}  // namespace

StepId LoweredStage::first_use(Way way, std::uint32_t batch, BufferContent content) const {
  for (std::size_t i = 0; i < parts(way); ++i)
    if (touches(uses(way), i, content)) return part(way, batch, i);
  return first(way, batch);
}

StepId LoweredStage::last_use_of_backward(std::uint32_t batch, BufferContent content) const {
  for (const Way way : {Way::weight, Way::backward})
    for (std::size_t i = parts(way); i-- > 0;)
      if (touches(uses(way), i, content)) return part(way, batch, i);
  return last(Way::backward, batch);
}

/// Does the holder's own rank run this stage for the micro-batch, too?
bool Lowering::is_neighbour(const Holder& holder, std::uint32_t stage, std::uint32_t batch) const {
  return stage < stage_total() && holders_[holder_of(stage, batch)].rank == holder.rank;
}

void Lowering::make_buffers(const Holder& holder, LoweredStage& stage) {
  const auto kinds = local_buffers(*stage.layout);
  const std::uint32_t before = holder.stage - 1, after = holder.stage + 1;  // of the first: none
  for (std::uint32_t batch = 0; batch < batches(); ++batch)
    for (const LocalBuffer& local : kinds) {
      const bool shared = (local.content == BufferContent::outbox && is_neighbour(holder, after, batch)) ||
                          (local.content == BufferContent::gradient_outbox && is_neighbour(holder, before, batch));
      const bool runs = holders_[holder_of(holder.stage, batch)] == holder;
      stage.buffers.push_back(!runs || shared || local.bytes.count == 0
                                  ? kNone<BufferId>
                                  : buffer(stage, local.kind, local.content, local.bytes, batch));
    }
}

BufferId& Lowering::buffer_slot(LoweredStage& stage, std::uint32_t batch, BufferContent content, Way way) const {
  return stage.buffers[batch * kLocalBuffers + slot_of(content, way)];
}

BufferId Lowering::local_buffer(LoweredStage& stage, std::uint32_t batch, BufferContent content, Way way) const {
  const BufferId id = buffer_slot(stage, batch, content, way);
  invariant(id != kNone<BufferId>, "a buffer in use has bytes");
  return id;
}

/// Tensors that never leave the worker: what is kept for backward, and the workspaces.
void Lowering::add_local_buffers(LoweredStage& stage, std::uint32_t batch) {
  using enum BufferContent;
  const auto during = [&](BufferContent content, Way way, StepId first, StepId last) {
    const BufferId local = buffer_slot(stage, batch, content, way);
    if (local == kNone<BufferId>) return;
    builder_.allocate(local, first, Moment::start);
    builder_.release(local, last, Moment::end);
  };
  for (const BufferContent content : {saved, saved_for_input})
    during(content, Way::forward, stage.first(Way::forward, batch), stage.last_use_of_backward(batch, content));
  during(deferred, Way::backward, stage.first_use(Way::backward, batch, deferred),
         stage.last_use_of_backward(batch, deferred));
  for (const Way way : {Way::forward, Way::backward, Way::weight})
    if (stage.parts(way) > 0) during(workspace, way, stage.first(way, batch), stage.last(way, batch));
}

}  // namespace tandem
