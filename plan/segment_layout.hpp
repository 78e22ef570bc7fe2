#pragma once
// How lay_out_segment() works, part by part. Private to plan/.

#include <algorithm>
#include <cstdint>
#include <limits>
#include <map>
#include <utility>
#include <vector>

#include "base/error.hpp"
#include "plan/conversions.hpp"
#include "plan/segment.hpp"

namespace tandem {

/// A placement in a workspace, whose offset is known once all lifetimes are.
struct PendingPlacement {
  Placement* placement;
  Lifetime life;
};

/// Packs them, sets their offsets, and `size` to the workspace's.
void place_pending(const std::vector<PendingPlacement>& pending, Bytes& size);

/// The tensor's entry, or nullptr.
const BoundaryTensor* find_tensor(const std::vector<BoundaryTensor>& pack, LayerId tensor);

/// When something is first and last touched, in the order of a direction's items.
struct Times {
  std::int64_t first = std::numeric_limits<std::int64_t>::max(), last = -1;
  void touch(std::int64_t time) {
    first = std::min(first, time);
    last = std::max(last, time);
  }
  void join(const Times& other) {
    first = std::min(first, other.first);
    last = std::max(last, other.last);
  }
  bool touched() const { return last >= 0; }
};

/// Builds one Segment; the order of the calls in lay_out_segment() is the order in which the parts depend on each
/// other.
class SegmentLayout {
 public:
  SegmentLayout(const LocalModel& local, std::size_t first, std::size_t last, std::int64_t batch,
                const SegmentOptions& options)
      : local_(local), model_(local.model), options_(options) {
    invariant(first < last && last <= model_.layer_count(), "a segment has layers");
    segment_.first = first;
    segment_.last = last;
    segment_.batch = batch;
    segment_.weight_type = model_.stored();
    segment_.gradient_type = options.float_gradients ? ElementType::float32 : model_.stored();
    segment_.layers.resize(last - first);
  }

  void add_boundaries();
  void choose_kept();
  void choose_units();
  void order_forward();
  void order_backward();
  void place_forward();
  void place_backward();
  void add_parameters();
  void add_buckets();
  Segment take() && { return std::move(segment_); }

 private:
  LayerId id(std::size_t index) const { return static_cast<LayerId>(index); }
  std::uint32_t row(LayerId layer) const { return static_cast<std::uint32_t>(index_of(layer) - segment_.first); }
  bool inside(LayerId layer) const { return index_of(layer) >= segment_.first && index_of(layer) < segment_.last; }
  LayerPlan& plan(LayerId layer) { return segment_.layers[row(layer)]; }
  bool runs_backward(LayerId layer) const {
    return model_.needs_gradient(layer) || !model_.layer(layer).parameters.empty();
  }
  bool requires_gradient(LayerId tensor) const { return runs_backward(tensor); }
  std::vector<LayerId> gradients_among(const std::vector<BoundaryTensor>& pack) const;

  bool is_exchange(LayerId layer) const { return inside(layer) && tandem::is_exchange(*model_.layer(layer).kind); }
  const LayerCollective* collective(LayerId layer) const {
    const auto& found = local_.layers[index_of(layer)].collective;
    return found ? &*found : nullptr;
  }
  /// The tensor in whose place this one lies: itself, unless it is the output of a collective.
  LayerId root(LayerId tensor) const;
  /// The gradient in whose place this one's gathers: that of the last collective of a chain of only readers.
  LayerId gradient_root(LayerId tensor) const;
  /// Who reads in backward what lies here: the recomputed range of its own layer (or no range at all), or others.
  struct Need {
    bool inside = false, outside = false;
    bool any() const { return inside || outside; }
  };
  static constexpr std::int32_t kKeeps = -1;  ///< a layer of no recomputed range
  Need need_of(LayerId root_tensor, std::int32_t range) const;
  bool weights_read(LayerId root_tensor) const;
  bool may_repeat(LayerId exchange) const;
  bool crosses_collective(LayerId root_tensor) const;
  bool is_for_weights(LayerId root_tensor) const;
  void choose_gather(LayerId unpacked);
  bool repeats(LayerId exchange) const;
  void add_again(std::int32_t range);
  void repeat_collectives(std::uint32_t forward_part, std::int32_t range);
  void share_kept();
  Times life_of_value(LayerId root_tensor) const;
  /// What awaits its offsets in backward: in the workspace of B or I, in that of W, and in the deferred buffer.
  struct PendingBackward {
    std::vector<PendingPlacement> workspace, deferred, weights;
  };
  void keep_again(PendingBackward& pending);
  /// Into the deferred buffer where W reads what I has written, else into the workspace of the one that does both.
  void pend(const Times& life, Bytes bytes, Placement& placement, PendingBackward& pending, bool by_weights = false) const;
  void add_item(std::vector<SegmentPart>& parts, PassItem item, std::vector<Times>& times);
  bool is_halo_with_join(std::size_t exchange) const;
  std::vector<LayerId> joins_before_window(std::size_t exchange) const;
  OutputRectangle ready(LayerId layer, const std::vector<LayerId>& joins, std::size_t arrived) const;
  void start_halo(LayerId exchange);
  std::size_t add_regions(std::size_t exchange, const std::vector<LayerId>& joins);
  std::vector<PassItem> take_waiting(std::vector<SegmentPart>& parts) const;
  void close_backward_part(LayerId exchange);
  /// Parts and collectives of B or I, or those of W.
  struct WayParts {
    std::vector<SegmentPart>& parts;
    std::vector<SegmentCollective>& collectives;
  };
  WayParts backward_way() { return {segment_.backward_parts, segment_.backward_collectives}; }
  WayParts weight_way() { return {segment_.weight_parts, segment_.weight_collectives}; }
  std::int32_t gather_of(LayerId tensor) const;
  void start_gathers(LayerId reader, const WayParts& way);
  void start_gather(std::int32_t gather, const WayParts& way);
  void finish_gathers(LayerId reader, std::vector<SegmentPart>& parts);
  void await_gathers(const WayParts& way) const;
  void order_weights(Bytes& reduced);
  void add_input_gradient(LayerId layer);
  void add_weight_gradient(LayerId layer, std::vector<SegmentPart>& parts, Bytes& reduced);
  void place_output(LayerId layer, std::vector<PendingPlacement>& workspace);
  void place_extra(LayerId layer, std::vector<PendingPlacement>& workspace);
  void place_gradients(PendingBackward& pending);
  Times life_of_gradient(LayerId tensor) const;
  void add_gradient_writers(LayerId layer, std::map<LayerId, bool>& written);
  Placement save(LayerId layer, Bytes bytes, bool weights_read);
  bool is_tied(ParameterId parameter) const;
  bool is_in_bucket(ParameterId parameter) const;
  ParameterId home_of(ParameterId parameter) const;
  Bytes bytes_in_buckets(LayerId layer) const;
  std::vector<bool> bucket_ends() const;

  const LocalModel& local_;
  const Model& model_;
  SegmentOptions options_;
  Segment segment_;
  std::int64_t clock_ = 0;
  std::int64_t weights_begin_ = std::numeric_limits<std::int64_t>::max();  ///< with split_backward: W's first time
  std::vector<Times> forward_times_, input_times_, weight_times_, again_times_;  ///< by row
  /// By row: index into SegmentOptions::recompute; from gathers_begin_ on a gather that is repeated; or kKeeps.
  std::vector<std::int32_t> range_;
  std::int32_t gathers_begin_ = 0;
  std::vector<bool> gathered_;                   ///< by gather: it is under way in backward
  std::map<std::int32_t, PassItem> arriving_;    ///< by gather: what reads what has arrived, before the first W
  std::vector<std::uint32_t> unit_;  ///< by row: group of what is kept of it; 0: it stays on the device
  std::vector<bool> saved_, again_;  ///< by row: its output is kept from F; F runs again
  std::map<LayerId, Placement> values_, gradients_;
};

}  // namespace tandem
