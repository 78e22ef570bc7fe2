// The order in which a segment's passes run, cut into parts where a collective stands between them.

#include "plan/region_share.hpp"
#include "plan/segment_layout.hpp"

namespace tandem {

/// Where an offloaded unit begins or ends, so does a part; what runs again for a range stays together.
void SegmentLayout::add_item(std::vector<SegmentPart>& parts, PassItem item, std::vector<Times>& times) {
  const auto& before = parts.back().items;
  const bool together = before.empty() || item.again || item.region != Region::all;
  if (!together && unit_[before.back().layer] != unit_[item.layer]) parts.emplace_back();
  parts.back().items.push_back(item);
  times[item.layer].touch(clock_++);
}

bool SegmentLayout::is_halo_with_join(std::size_t exchange) const {
  if (exchange + 2 >= segment_.last || !is_exchange(id(exchange))) return false;
  const Layer& join = model_.layer(id(exchange + 1));
  return collective(id(exchange))->forward == CollectiveKind::halo_exchange && join.kind == &halo_join_kind() &&
         join.inputs[1] == id(exchange);
}

/// The joins of the halos that lead from this exchange to a window: of rows, of columns, or of both, where the columns that
/// are sent hold the rows that have come, so the corners. Empty: it leads to none.
std::vector<LayerId> SegmentLayout::joins_before_window(std::size_t exchange) const {
  std::vector<LayerId> joins;
  std::size_t reader = exchange;
  for (; is_halo_with_join(exchange); exchange = reader + 1) {
    joins.push_back(id(exchange + 1));
    reader = exchange + 2;
    if (model_.layer(id(reader)).inputs[0] != joins.back()) return {};
    if (model_.layer(id(reader)).kind != &halo_send_kind()) break;
  }
  const bool slides = std::all_of(joins.begin(), joins.end(), [&](LayerId join) {
    return slides_over(model_, id(reader), model_.layer(join).attributes.integer("dimension"));
  });
  return slides ? joins : std::vector<LayerId>{};
}

/// What of an output can be computed when `arrived` of its halos have, by what of it needs none, along each one's
/// dimension. Of two halos the second starts when the first has arrived: half of what needs neither is left for it.
OutputRectangle SegmentLayout::ready(LayerId layer, const std::vector<LayerId>& joins, std::size_t arrived) const {
  const auto& dims = model_.layer(layer).output.dims;
  const bool is_join = model_.layer(layer).kind == &halo_join_kind();
  OutputRectangle rectangle{{0, dims.at(kImageRows)}, {0, dims.at(kImageColumns)}};
  for (std::size_t halo = arrived; halo < joins.size(); ++halo) {
    const bool rows = model_.layer(joins[halo]).attributes.integer("dimension") == static_cast<std::int64_t>(kImageRows);
    OutputRange& range = rows ? rectangle.rows : rectangle.columns;
    range = is_join ? interior_of_join(model_, joins[halo]) : interior_of_window(model_, layer, joins[halo]);
    if (!is_join && joins.size() == 2 && halo == 0) range.count = (range.count + 1) / 2;
  }
  return rectangle;
}

void SegmentLayout::start_halo(LayerId exchange) {
  const auto part = static_cast<std::uint32_t>(segment_.forward_parts.size() - 1);
  segment_.forward_collectives.push_back({row(exchange), part, options_.overlap ? part + 2 : part + 1});
  segment_.forward_parts.emplace_back();
}

/// What needs no strips, while these travel, then the others in a part of their own. Without overlap all wait, but in the
/// same rectangles: products of other widths differ in their last bits. Returns the window.
std::size_t SegmentLayout::add_regions(std::size_t exchange, const std::vector<LayerId>& joins) {
  std::vector<LayerId> layers = joins;
  layers.push_back(id(index_of(joins.back()) + 1));
  for (std::size_t i = 0; i < layers.size(); ++i) {
    const std::size_t halos = std::min(i + 1, joins.size());  // that the layer's output waits for
    const std::vector<LayerId> waits(joins.begin(), joins.begin() + static_cast<std::ptrdiff_t>(halos));
    for (std::size_t arrived = 0; arrived < halos; ++arrived)
      plan(layers[i]).nest.push_back(ready(layers[i], waits, arrived));
  }
  const auto add = [&](LayerId layer, std::size_t arrived) {
    const bool last = arrived == plan(layer).nest.size();
    add_item(segment_.forward_parts,
             {row(layer), Pass::forward, arrived == 0 ? Region::interior : last ? Region::border : Region::middle},
             forward_times_);
  };
  start_halo(id(exchange));
  for (std::size_t arrived = 0; arrived <= joins.size(); ++arrived) {
    if (arrived > 0 && options_.overlap) segment_.forward_parts.emplace_back();
    if (arrived > 0) add(joins[arrived - 1], arrived);
    if (arrived > 0 && arrived < joins.size()) {
      const std::size_t next = index_of(joins[arrived]) - 1;
      add_item(segment_.forward_parts, {row(id(next - 1)), Pass::forward, Region::all}, forward_times_);
      forward_times_[row(id(next))].touch(clock_++);
      start_halo(id(next));
    }
    for (std::size_t i = arrived; i < layers.size(); ++i) add(layers[i], arrived);
  }
  return index_of(layers.back());
}

void SegmentLayout::order_forward() {
  Segment& s = segment_;
  forward_times_.resize(s.layers.size());
  s.forward_parts.emplace_back();
  clock_ = 0;
  const std::vector<bool> ends = bucket_ends();
  for (std::size_t index = s.first; index < s.last; ++index) {
    const LayerId layer = id(index);
    if (!is_exchange(layer)) {
      if (options_.zero == 3 && ends[row(layer)] && !s.forward_parts.back().items.empty()) s.forward_parts.emplace_back();
      add_item(s.forward_parts, {row(layer), Pass::forward, Region::all}, forward_times_);
      continue;
    }
    forward_times_[row(layer)].touch(clock_++);
    if (!collective(layer)->forward) continue;
    if (const std::vector<LayerId> joins = joins_before_window(index); !joins.empty()) {
      index = add_regions(index, joins);
      continue;
    }
    const auto part = static_cast<std::uint32_t>(s.forward_parts.size() - 1);
    s.forward_collectives.push_back({row(layer), part, part + 1});
    s.forward_parts.emplace_back();
  }
}

/// What need not run before a collective that follows this last part, taken out of it: weight gradients, and what brings
/// the values for them.
std::vector<PassItem> SegmentLayout::take_waiting(std::vector<SegmentPart>& parts) const {
  std::vector<PassItem>& items = parts.back().items;
  if (!options_.overlap) return {};
  const auto first = std::stable_partition(items.begin(), items.end(), [](const PassItem& item) {
    return item.pass != Pass::weight_gradient && !item.again;
  });
  const std::vector<PassItem> waiting(first, items.end());
  items.erase(first, items.end());
  return waiting;
}

/// A collective of gradients follows; weight gradients of this part can wait until it is under way.
void SegmentLayout::close_backward_part(LayerId exchange) {
  auto& parts = segment_.backward_parts;
  const auto part = static_cast<std::uint32_t>(parts.size() - 1);
  const std::vector<PassItem> waiting = take_waiting(parts);
  segment_.backward_collectives.push_back({row(exchange), part, waiting.empty() ? part + 1 : part + 2});
  parts.emplace_back();
  if (waiting.empty()) return;
  for (const PassItem& item : waiting) add_item(parts, item, item.again ? again_times_ : weight_times_);
  parts.emplace_back();
}

/// Those of forward behind this part, where what they work on has been computed again.
void SegmentLayout::repeat_collectives(std::uint32_t forward_part, std::int32_t range) {
  auto& parts = segment_.backward_parts;
  for (const SegmentCollective& entry : segment_.forward_collectives) {
    const LayerId exchange = id(segment_.first + entry.layer);
    if (entry.after_part != forward_part || !repeats(exchange) || range_[row(root(exchange))] != range) continue;
    const auto part = static_cast<std::uint32_t>(parts.size() - 1);
    segment_.backward_collectives.push_back({entry.layer, part, part + 1, true});
    parts.emplace_back();
  }
}

/// The range's layers of F in their order, in parts of their own before its first gradients; these need not wait for a
/// collective of gradients under way. Where weights come bucket by bucket, parts end where those do.
void SegmentLayout::add_again(std::int32_t range) {
  auto& parts = segment_.backward_parts;
  if (!parts.back().items.empty()) parts.emplace_back();
  const auto first = static_cast<std::uint32_t>(parts.size() - 1);
  const std::size_t under_way = segment_.backward_collectives.size();
  const std::vector<bool> ends = bucket_ends();
  for (std::uint32_t forward = 0; forward < segment_.forward_parts.size(); ++forward) {
    for (PassItem item : segment_.forward_parts[forward].items) {
      if (range_[item.layer] != range || !again_[item.layer]) continue;
      if (options_.zero == 3 && ends[item.layer] && !parts.back().items.empty()) parts.emplace_back();
      item.again = true;
      add_item(parts, item, again_times_);
    }
    repeat_collectives(forward, range);
  }
  if (parts.size() == first + 1 && parts.back().items.empty()) return;
  const auto count = static_cast<std::uint32_t>(parts.size()) - first;
  for (std::uint32_t part = first; part < parts.size(); ++part) parts[part].recomputes = true;
  for (std::size_t i = 0; i < under_way; ++i)
    if (std::uint32_t& before = segment_.backward_collectives[i].before_part; before == first) before += count;
  parts.emplace_back();
}

void SegmentLayout::add_input_gradient(LayerId layer) {
  const bool moves = is_exchange(layer) && collective(layer)->backward && requires_gradient(layer);
  if (moves) close_backward_part(layer);
  if (moves) input_times_[row(layer)].touch(clock_++);
  const bool adds = !is_exchange(layer) || gradient_root(model_.layer(layer).inputs[0]) != gradient_root(layer);
  if (model_.needs_gradient(layer) && adds)
    add_item(segment_.backward_parts, {row(layer), Pass::input_gradient, Region::all}, input_times_);
}

/// `reduced`: of the parameters' gradients since the last cut, what is to be reduced. A part ends where a bucket does.
void SegmentLayout::add_weight_gradient(LayerId layer, std::vector<SegmentPart>& parts, Bytes& reduced) {
  if (model_.layer(layer).parameters.empty()) return;
  finish_gathers(layer, parts);
  add_item(parts, {row(layer), Pass::weight_gradient, Region::all}, weight_times_);
  reduced += bytes_in_buckets(layer);
  if (!options_.overlap && options_.zero < 2) return;
  if (reduced < options_.bucket || index_of(layer) == segment_.first) return;
  parts.emplace_back();
  reduced = {};
}

/// What is gathered for a layer's W starts to arrive before its I, where that is in the same way.
void SegmentLayout::order_backward() {
  Segment& s = segment_;
  for (std::vector<Times>* times : {&input_times_, &weight_times_, &again_times_}) times->resize(s.layers.size());
  s.backward_parts.emplace_back();
  clock_ = 0;
  Bytes reduced;
  std::int32_t range = kKeeps;
  const std::vector<bool> ends = bucket_ends();
  const bool parts_input_gradients = options_.split_backward && options_.zero == 3;
  bool ended = false;  // a bucket of weights, since the last part of I
  for (std::size_t index = s.last; index-- > s.first;) {
    const std::int32_t mine = range_[row(id(index))];
    if (mine != kKeeps && mine < gathers_begin_ && mine != range) add_again(range = mine);
    const bool needs = model_.needs_gradient(id(index));
    if (ended && needs && !s.backward_parts.back().items.empty()) s.backward_parts.emplace_back();
    ended = parts_input_gradients && (ends[row(id(index))] || (ended && !needs));
    if (!options_.split_backward) start_gathers(id(index), backward_way());
    add_input_gradient(id(index));
    if (!options_.split_backward) add_weight_gradient(id(index), s.backward_parts, reduced);
  }
  if (options_.split_backward) order_weights(reduced);
  await_gathers(backward_way());
  await_gathers(weight_way());
  for (SegmentPart& part : s.backward_parts)
    part.recomputes |= !part.items.empty() && std::ranges::all_of(part.items, &PassItem::again);
}

/// What is gathered for a layer's W arrives while that of the layer before it is computed.
void SegmentLayout::order_weights(Bytes& reduced) {
  weights_begin_ = clock_;
  segment_.weight_parts.emplace_back();
  std::vector<LayerId> layers;
  for (std::size_t index = segment_.last; index-- > segment_.first;)
    if (!model_.layer(id(index)).parameters.empty()) layers.push_back(id(index));
  for (std::size_t i = 0; i < layers.size(); ++i) {
    start_gathers(layers[i], weight_way());
    if (options_.overlap && i + 1 < layers.size()) start_gathers(layers[i + 1], weight_way());
    add_weight_gradient(layers[i], segment_.weight_parts, reduced);
  }
}

}  // namespace tandem
