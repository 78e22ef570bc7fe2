#include "plan/segment.hpp"

#include <algorithm>

#include "plan/segment_layout.hpp"

namespace tandem {
namespace {

/// Lays tensors out one after the other; returns the size.
Bytes pack_boundary(const Model& model, const std::vector<LayerId>& tensors, std::int64_t batch,
                    std::vector<BoundaryTensor>& out) {
  std::int64_t offset = 0;
  for (const LayerId tensor : tensors) {
    const Bytes bytes = model.bytes(tensor, batch);
    out.push_back({tensor, offset, bytes});
    offset += aligned_size(bytes);
  }
  return {offset};
}

}  // namespace

const BoundaryTensor* find_tensor(const std::vector<BoundaryTensor>& pack, LayerId tensor) {
  const auto at = std::find_if(pack.begin(), pack.end(), [&](const auto& entry) { return entry.tensor == tensor; });
  return at == pack.end() ? nullptr : &*at;
}

void place_pending(const std::vector<PendingPlacement>& pending, Bytes& size) {
  std::vector<Lifetime> lives;
  for (const PendingPlacement& item : pending) lives.push_back(item.life);
  const Packing packing = pack_lifetimes(lives);
  for (std::size_t i = 0; i < pending.size(); ++i) pending[i].placement->offset = packing.offsets[i];
  size = packing.size;
}

std::vector<LayerId> SegmentLayout::gradients_among(const std::vector<BoundaryTensor>& pack) const {
  std::vector<LayerId> tensors;
  for (const BoundaryTensor& entry : pack)
    if (requires_gradient(entry.tensor)) tensors.push_back(entry.tensor);
  return tensors;
}

void SegmentLayout::add_boundaries() {
  Segment& s = segment_;
  if (s.first > 0) s.inbox_bytes = pack_boundary(model_, model_.crossing(s.first), s.batch, s.inbox);
  if (s.last < model_.layer_count()) s.outbox_bytes = pack_boundary(model_, model_.crossing(s.last), s.batch, s.outbox);
  s.gradient_outbox_bytes = pack_boundary(model_, gradients_among(s.inbox), s.batch, s.gradient_outbox);
  s.gradient_inbox_bytes = pack_boundary(model_, gradients_among(s.outbox), s.batch, s.gradient_inbox);
}

std::uint32_t Segment::first_gradient_part() const {
  std::uint32_t part = 0;
  while (part + 1 < backward_parts.size() && backward_parts[part].recomputes) ++part;
  return part;
}

Segment lay_out_segment(const LocalModel& local, std::size_t first, std::size_t last, std::int64_t batch,
                        const SegmentOptions& options) {
  SegmentLayout layout(local, first, last, batch, options);
  layout.add_boundaries();
  layout.choose_kept();
  layout.choose_units();
  layout.order_forward();
  layout.order_backward();
  layout.place_forward();
  layout.place_backward();
  layout.add_parameters();
  layout.add_buckets();
  return std::move(layout).take();
}

}  // namespace tandem
