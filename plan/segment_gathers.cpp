// All-gathers of forward that backward repeats for W: their own part is put in its place and they start before the I that
// stands in front of that W, so that they take its time.

#include "plan/segment_layout.hpp"

namespace tandem {

/// The gather that brings this tensor again, or kKeeps.
std::int32_t SegmentLayout::gather_of(LayerId tensor) const {
  if (!inside(root(tensor))) return kKeeps;
  const std::int32_t range = range_[row(root(tensor))];
  return range >= gathers_begin_ ? range : kKeeps;
}

/// What waits for its last collective is left to finish_gathers().
void SegmentLayout::start_gather(std::int32_t gather, const WayParts& way) {
  const auto waiting = options_.split_backward ? std::vector<PassItem>() : take_waiting(way.parts);
  const auto last = static_cast<std::uint32_t>(std::find(range_.rbegin(), range_.rend(), gather) - range_.rbegin());
  const auto unpacked = static_cast<std::uint32_t>(range_.size() - 1) - last;
  for (std::uint32_t at = 0; at < unpacked; ++at) {
    if (range_[at] != gather) continue;
    if (!is_exchange(id(segment_.first + at))) {
      add_item(way.parts, {at, Pass::forward, Region::all, true}, again_times_);
      continue;
    }
    const auto part = static_cast<std::uint32_t>(way.parts.size() - 1);
    way.collectives.push_back({at, part, part + 1, true});
    way.parts.emplace_back();
  }
  arriving_.emplace(gather, PassItem{unpacked, Pass::forward, Region::all, true});
  for (const PassItem& item : waiting) add_item(way.parts, item, item.again ? again_times_ : weight_times_);
}

/// Of what W of the layer reads.
void SegmentLayout::start_gathers(LayerId reader, const WayParts& way) {
  const Layer& layer = model_.layer(reader);
  for (std::size_t i = 0; i < layer.inputs.size(); ++i) {
    const std::int32_t gather = gather_of(layer.inputs[i]);
    if (gather == kKeeps || !layer.kept.inputs[i] || !runs_backward(reader)) continue;
    const auto number = static_cast<std::size_t>(gather - gathers_begin_);
    if (gathered_[number]) continue;
    gathered_[number] = true;
    start_gather(gather, way);
  }
}

void SegmentLayout::finish_gathers(LayerId reader, std::vector<SegmentPart>& parts) {
  for (const LayerId input : model_.layer(reader).inputs) {
    const auto at = arriving_.find(gather_of(input));
    if (at == arriving_.end()) continue;
    add_item(parts, at->second, again_times_);
    arriving_.erase(at);
  }
}

/// Until the first part that reads what has been gathered.
void SegmentLayout::await_gathers(const WayParts& way) const {
  for (SegmentCollective& entry : way.collectives) {
    if (!entry.again) continue;
    const std::uint32_t reader = row(model_.layer(id(segment_.first + entry.layer)).readers[0]);
    for (std::uint32_t part = entry.after_part + 1; part < way.parts.size(); ++part) {
      const auto& items = way.parts[part].items;
      const bool reads = std::any_of(items.begin(), items.end(),
                                     [&](const PassItem& item) { return item.again && item.layer == reader; });
      if (!reads) continue;
      entry.before_part = part;
      break;
    }
  }
}

}  // namespace tandem
