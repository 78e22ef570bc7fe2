#pragma once
// How lay_out_segment() works, part by part. Private to plan/.

#include <map>
#include <utility>
#include <vector>

#include "base/error.hpp"
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

/// Builds one Segment; the order of the calls in lay_out_segment() is the order in which the parts depend on each
/// other.
class SegmentLayout {
 public:
  SegmentLayout(const Model& model, std::size_t first, std::size_t last, std::int64_t batch) : model_(model) {
    invariant(first < last && last <= model.layer_count(), "a segment has layers");
    segment_.first = first;
    segment_.last = last;
    segment_.batch = batch;
    segment_.layers.resize(last - first);
  }

  void add_boundaries();
  void place_forward();
  void place_backward();
  void add_parameters();
  Segment take() && { return std::move(segment_); }

 private:
  LayerId id(std::size_t index) const { return static_cast<LayerId>(index); }
  bool inside(LayerId layer) const { return index_of(layer) >= segment_.first && index_of(layer) < segment_.last; }
  LayerPlan& plan(LayerId layer) { return segment_.layers[index_of(layer) - segment_.first]; }
  bool runs_backward(LayerId layer) const {
    return model_.needs_gradient(layer) || !model_.layer(layer).parameters.empty();
  }
  bool requires_gradient(LayerId tensor) const { return runs_backward(tensor); }
  std::vector<LayerId> gradients_among(const std::vector<BoundaryTensor>& pack) const;
  bool kept(LayerId tensor) const;
  LayerId last_reader(LayerId tensor) const;
  void place_output(LayerId layer, std::vector<PendingPlacement>& workspace);
  Placement place_gradient(LayerId tensor) const;
  void add_gradient_writers(LayerId layer, std::map<LayerId, bool>& written);
  Placement save(Bytes bytes);

  const Model& model_;
  Segment segment_;
  std::map<LayerId, Placement> values_, gradients_;
};

}  // namespace tandem
