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

/// Is a halo followed by its join and by a window that reads it? Rows are those of an image's height: a part of a row is
/// no range of memory, so windows behind a halo of columns wait for it.
bool SegmentLayout::is_halo_of_window(std::size_t exchange) const {
  constexpr std::int64_t kHeight = 1;
  if (exchange + 2 >= segment_.last || collective(id(exchange))->forward != CollectiveKind::halo_exchange) return false;
  const Layer &join = model_.layer(id(exchange + 1)), &reader = model_.layer(id(exchange + 2));
  return join.kind == &halo_join_kind() && join.inputs[1] == id(exchange) && reader.inputs[0] == id(exchange + 1) &&
         join.attributes.integer("dimension") == kHeight && slides_over(model_, id(exchange + 2), kHeight);
}

/// The rows that need no strips, while these travel, then the others in a part of their own. Without overlap all wait, but
/// in the same ranges of rows: products of other widths differ in their last bits.
void SegmentLayout::add_interior_and_border(std::size_t exchange) {
  const auto part = static_cast<std::uint32_t>(segment_.forward_parts.size() - 1);
  segment_.forward_collectives.push_back({row(id(exchange)), part, options_.overlap ? part + 2 : part + 1});
  const LayerId join = id(exchange + 1), reader = id(exchange + 2);
  plan(join).interior = interior_of_join(model_, join);
  plan(reader).interior = interior_of_window(model_, reader, join);
  segment_.forward_parts.emplace_back();
  for (const Region region : {Region::interior, Region::border}) {
    if (region == Region::border && options_.overlap) segment_.forward_parts.emplace_back();
    for (const LayerId layer : {join, reader})
      add_item(segment_.forward_parts, {row(layer), Pass::forward, region}, forward_times_);
  }
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
    if (is_halo_of_window(index)) {
      add_interior_and_border(index);
      index += 2;
      continue;
    }
    const auto part = static_cast<std::uint32_t>(s.forward_parts.size() - 1);
    s.forward_collectives.push_back({row(layer), part, part + 1});
    s.forward_parts.emplace_back();
  }
}

/// A collective of gradients follows; weight gradients of this part can wait until it is under way.
void SegmentLayout::close_backward_part(LayerId exchange) {
  auto& parts = segment_.backward_parts;
  const auto part = static_cast<std::uint32_t>(parts.size() - 1);
  std::vector<PassItem> &items = parts.back().items, waiting;
  if (options_.overlap) {
    const auto first = std::stable_partition(items.begin(), items.end(),
                                             [](const PassItem& item) { return item.pass != Pass::weight_gradient; });
    waiting.assign(first, items.end());
    items.erase(first, items.end());
  }
  segment_.backward_collectives.push_back({row(exchange), part, waiting.empty() ? part + 1 : part + 2});
  parts.emplace_back();
  if (waiting.empty()) return;
  for (const PassItem& item : waiting) add_item(parts, item, weight_times_);
  parts.emplace_back();
}

/// The range's layers of F in their order, in parts of their own before its first gradients; these need not wait for a
/// collective of gradients under way. Where weights come bucket by bucket, parts end where those do.
void SegmentLayout::add_again(std::int32_t range) {
  auto& parts = segment_.backward_parts;
  if (!parts.back().items.empty()) parts.emplace_back();
  const auto first = static_cast<std::uint32_t>(parts.size() - 1);
  const std::vector<bool> ends = bucket_ends();
  for (const SegmentPart& part : segment_.forward_parts)
    for (PassItem item : part.items) {
      if (range_[item.layer] != range || !again_[item.layer]) continue;
      if (options_.zero == 3 && ends[item.layer] && !parts.back().items.empty()) parts.emplace_back();
      item.again = true;
      add_item(parts, item, again_times_);
    }
  if (parts.back().items.empty()) return;
  const auto count = static_cast<std::uint32_t>(parts.size()) - first;
  for (std::uint32_t part = first; part < parts.size(); ++part) parts[part].recomputes = true;
  for (SegmentCollective& entry : segment_.backward_collectives)
    if (entry.before_part == first) entry.before_part += count;
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
  add_item(parts, {row(layer), Pass::weight_gradient, Region::all}, weight_times_);
  reduced += bytes_in_buckets(layer);
  if (!options_.overlap && options_.zero < 2) return;
  if (reduced < options_.bucket || index_of(layer) == segment_.first) return;
  parts.emplace_back();
  reduced = {};
}

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
    if (mine != kKeeps && mine != range) add_again(range = mine);
    const bool needs = model_.needs_gradient(id(index));
    if (ended && needs && !s.backward_parts.back().items.empty()) s.backward_parts.emplace_back();
    ended = parts_input_gradients && (ends[row(id(index))] || (ended && !needs));
    add_input_gradient(id(index));
    if (!options_.split_backward) add_weight_gradient(id(index), s.backward_parts, reduced);
  }
  if (!options_.split_backward) return;
  weights_begin_ = clock_;
  s.weight_parts.emplace_back();
  for (std::size_t index = s.last; index-- > s.first;) add_weight_gradient(id(index), s.weight_parts, reduced);
}

}  // namespace tandem
