#pragma once
// A segment: consecutive layers that one step computes, with the place of every tensor that its kernels touch.

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "models/model.hpp"
#include "plan/local_model.hpp"
#include "plan/output_rectangle.hpp"

namespace tandem {

/// The buffer that a tensor lies in; `none`: it is not there (not kept, or no gradient flows).
enum class Place : std::uint8_t {
  none, inbox, outbox,
  saved,            ///< from F until nothing of backward reads it
  workspace,        ///< of one action: F, B, I and W have one each
  gradient_inbox, gradient_outbox,
  saved_for_input,  ///< with split_backward: what I reads and W does not, from F to the end of I
  deferred,         ///< with split_backward: what I's parts wrote and W reads, from the first of them to the end of W
};

struct Placement {
  Place place = Place::none;
  std::int64_t offset = 0;  ///< bytes from the buffer's start, a multiple of kAlignment
  std::uint32_t group = 0;  ///< of `saved`: which of its buffers; 0: what stays on the device, else what leaves it
  bool operator==(const Placement&) const = default;
};
inline constexpr std::int64_t kAlignment = 64;
constexpr std::int64_t aligned_size(Bytes bytes) { return (bytes.count + kAlignment - 1) / kAlignment * kAlignment; }

struct LayerPlan {
  LayerId layer;
  std::vector<Placement> inputs;            ///< values read by F
  Placement output;                         ///< written by F
  std::vector<Placement> extra;             ///< Kept::extra, written by F
  Placement scratch;                        ///< of F, in the forward workspace
  /// Where these values lie during backward, for I, W and F again; none: nothing of backward reads them.
  std::vector<Placement> kept_inputs;
  Placement kept_output;
  std::vector<Placement> kept_extra;
  bool runs_again = false;                  ///< backward computes F again, as it needs what F has not kept
  Placement again_output;                   ///< written by F again; kept_output, unless that is kept from F
  Placement again_scratch;                  ///< of F again, in the backward workspace
  Placement output_gradient;                ///< read by I and W; none: a loss, whose gradient is the seed
  std::vector<Placement> input_gradients;   ///< written by I; none where no gradient is due
  std::vector<bool> accumulate;             ///< per input: I adds to what a later reader has written already
  Placement input_gradient_scratch;         ///< of I, in the backward workspace
  Placement weight_gradient_scratch;        ///< of W, in its workspace (of backward, unless split_backward)
  bool runs_input_gradient = false, runs_weight_gradient = false;
  /// Of F: what needs no halo, and what needs the first of two only; each lies within the next. Empty: no regions.
  std::vector<OutputRectangle> nest{};
};

/// A tensor in a message: packed one after the other, each aligned.
struct BoundaryTensor {
  LayerId tensor;
  std::int64_t offset;
  Bytes bytes;
};

/// A plain copy that a step makes before (backward) or after (forward) its kernels.
struct BoundaryCopy {
  Placement from, to;
  Bytes bytes;
};

struct SegmentParameter {
  ParameterId parameter;
  std::int64_t weight_offset;    ///< bytes into the segment's weights; a tied pair in one segment shares it
  /// Bytes into the segment's gradients; every use has its own. That of an updated one is Segment::in_gradients() of its
  /// weight_offset.
  std::int64_t gradient_offset;
  std::int64_t elements;
  bool updated;                  ///< false: a tied use whose owner is in this segment, so updated there
};

/// What of a layer's output a pass computes: all, or what needs no halo, what needs the first of two, and the rest.
enum class Region : std::uint8_t { all, interior, middle, border };
inline constexpr std::size_t kRegions = 4;

/// One pass of one layer of the segment.
struct PassItem {
  std::uint32_t layer;  ///< index into Segment::layers
  Pass pass;
  Region region = Region::all;
  bool again = false;   ///< F in backward: reads kept_inputs, writes again_output and kept_extra

  /// Only the border of a halo's join needs the strips, which are still under way before.
  bool reads(std::size_t input) const { return region == Region::all || region == Region::border || input == 0; }
};

/// What one step computes of a segment; collectives stand between the parts.
struct SegmentPart {
  std::vector<PassItem> items;
  bool recomputes = false;  ///< of backward: holds F again alone, so it reads no gradient and its step is R
};

/// A layer's collective in one direction: started after a part, awaited before a later one.
struct SegmentCollective {
  std::uint32_t layer;  ///< index into Segment::layers
  std::uint32_t after_part, before_part;
  bool again = false;   ///< of backward or W: F's collective again, on the layer's again_output
};

/// A range of the segment's gradients that is reduced at once, over the ranks of some axes.
struct GradientBucket {
  std::array<bool, kMeshAxes> over{};  ///< by MeshAxis; none: it is not reduced
  std::int64_t offset = 0;             ///< bytes of the weights
  Bytes bytes;                         ///< of the weights
  std::uint32_t ready_part = 0;        ///< of weight_parts, or else of backward_parts: after it the range is complete
  bool tied = false;                   ///< complete only when the uses of a tied parameter have been summed
};

/// How a segment's steps are cut and its gradients reduced.
struct SegmentOptions {
  /// Weight gradients are computed while a collective moves the gradients of inputs, and the interior of a window's
  /// output while its halo travels.
  bool overlap = true;
  Bytes bucket{25'000'000};
  /// I and W are actions of their own: backward_parts hold F again and I alone, weight_parts W. A schedule's B on such
  /// a segment is all of the first, then all of the second.
  bool split_backward = false;
  /// ZeRO's stage: from 2 on buckets end with layers, and tied parameters have buckets of their own; with 3 forward parts
  /// end where buckets do.
  std::int64_t zero = 0;
  bool float_gradients = false;  ///< gradients are float32 whatever weights are
  bool all_in_buckets = false;  ///< buckets hold all parameters, also those that are not reduced
  /// Ranges of layers [first, last), ascending and apart: what their backward needs is not kept but computed again, as
  /// far as nothing outside the range needs it.
  std::vector<std::pair<std::size_t, std::size_t>> recompute{};
  /// Collectives of forward, but for halos, run again in backward: in recomputed ranges, so that nothing is kept for
  /// them; and all-gathers of what W alone reads, of which the rank then keeps its own part (2205.05198).
  bool repeat_collectives = false;
  /// Ranges of layers [first, last), ascending and apart, each an offloaded unit: what backward needs of its layers lies
  /// in a buffer of its own, and parts are cut at its borders.
  std::vector<std::pair<std::size_t, std::size_t>> offload{};
  bool offload_inbox = false;  ///< the inbox is an offloaded unit where backward reads it
};

struct Segment {
  std::uint32_t local_model = 0;    ///< index into the Program's local models
  std::uint32_t stage = 0;
  std::size_t first = 0, last = 0;  ///< layers [first, last)
  std::int64_t batch = 0;           ///< samples per micro-batch
  std::vector<LayerPlan> layers;    ///< in topological order; backward walks them from the end
  std::vector<SegmentPart> forward_parts, backward_parts;  ///< at least one each
  std::vector<SegmentPart> weight_parts;    ///< of W; at least one with split_backward, else none
  std::vector<SegmentCollective> forward_collectives, backward_collectives;
  std::vector<SegmentCollective> weight_collectives;  ///< of weight_parts: F's again
  std::vector<BoundaryTensor> inbox, outbox;                          ///< float tensors only get gradients
  std::vector<BoundaryTensor> gradient_inbox, gradient_outbox;
  std::vector<BoundaryCopy> forward_copies;   ///< into the outbox, after F's kernels
  std::vector<BoundaryCopy> backward_copies;  ///< gradients carried through, before first_gradient_part()'s kernels
  std::vector<SegmentParameter> parameters;
  ElementType weight_type = ElementType::float32, gradient_type = ElementType::float32;
  std::vector<GradientBucket> buckets;        ///< in the order in which backward completes them
  bool keeps_inbox = false;   ///< something of backward reads the inbox
  bool offloads_inbox = false;
  std::vector<Bytes> offloaded_bytes;  ///< of what is kept in group 1, 2, ...
  Bytes saved_bytes, saved_for_input_bytes, deferred_bytes;
  Bytes forward_workspace, backward_workspace, weight_workspace;  ///< the last with split_backward alone
  Bytes inbox_bytes, outbox_bytes, gradient_inbox_bytes, gradient_outbox_bytes;
  Bytes weight_bytes, gradient_bytes;

  std::int64_t weight_size() const { return tandem::bytes_of(weight_type).count; }  ///< bytes of one value
  std::int64_t gradient_size() const { return tandem::bytes_of(gradient_type).count; }
  Bytes bytes_of(const SegmentParameter& row) const { return Bytes{weight_size()} * row.elements; }
  Bytes gradient_bytes_of(const SegmentParameter& row) const { return Bytes{gradient_size()} * row.elements; }
  /// Gradients lie as their weights do: where as many bytes of weights would end, theirs do.
  std::int64_t in_gradients(std::int64_t weights) const { return weights * gradient_size() / weight_size(); }
  /// Index of the first of backward_parts that is not recomputation alone: what waits for arriving gradients.
  std::uint32_t first_gradient_part() const;
};

/// Lays out the layers [first, last) for micro-batches of `batch` samples. Outputs that backward needs lie in `saved`,
/// the others in a workspace planned by their lifetimes; where several layers read one tensor, its gradient is the sum
/// in descending order of readers, also across cuts, so that every partition gives the same bits. A collective is in
/// place: its output lies where its input does, and so do their gradients where it is the only reader.
Segment lay_out_segment(const LocalModel& local, std::size_t first, std::size_t last, std::int64_t batch,
                        const SegmentOptions& options = {});

/// Offsets for intervals of life [birth, death) such that no two alive at once overlap: first fit, largest first.
struct Lifetime {
  std::int64_t birth, death;
  Bytes bytes;
};
struct Packing {
  std::vector<std::int64_t> offsets;
  Bytes size;
};
Packing pack_lifetimes(const std::vector<Lifetime>& lifetimes);

}  // namespace tandem
