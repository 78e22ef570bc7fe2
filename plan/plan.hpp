#pragma once
// A plan: every decision about one training job, as plain data that a person can write by hand.

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/units.hpp"
#include "base/yaml.hpp"
#include "models/dropout_use.hpp"
#include "models/model.hpp"
#include "plan/mesh.hpp"

namespace tandem {

/// How linear layers and convolutions divide on the tensor axis.
enum class TensorSplit : std::uint8_t {
  megatron,  ///< columns, then rows; heads; the vocabulary (1909.08053)
  naive,     ///< rows: a sum before each non-linearity
  ulysses,   ///< positions, and heads within attention: weights stay whole (2309.14509)
  best,      ///< whatever is predicted to be cheapest: to be settled by best_layouts() before lowering
};

std::string_view name_of(TensorSplit split);
/// By name, in the order of the enumeration.
std::vector<std::string> tensor_split_names();
std::optional<TensorSplit> find_tensor_split(std::string_view name);

/// What the space axes do where images can no longer be divided.
enum class AfterSpace : std::uint8_t {
  replicated,  ///< every rank computes the rest
  tensor,      ///< the rest is divided as on the tensor axis
  samples,     ///< every rank computes the rest for its share of the micro-batch's samples
};
std::string_view name_of(AfterSpace after);
/// By name, in the order of the enumeration.
std::vector<std::string> after_space_names();
std::optional<AfterSpace> find_after_space(std::string_view name);

/// Whose cores the optimizer's step takes.
enum class UpdateOn : std::uint8_t {
  device,
  host,  ///< and its states, the fp32 master copies among them, never leave the host (ZeRO-Offload, 2101.06840)
};
std::string_view name_of(UpdateOn place);
/// By name, in the order of the enumeration.
std::vector<std::string> update_on_names();
std::optional<UpdateOn> find_update_on(std::string_view name);

enum class OptimizerKind : std::uint8_t { sgd, adam };

struct Optimizer {
  OptimizerKind kind = OptimizerKind::adam;
  double learning_rate = 1e-3;
  double beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8;  ///< of Adam (Kingma and Ba, 2015)
  /// Values per parameter beside weight and gradient: 0 for SGD, 2 for Adam.
  int moments() const { return kind == OptimizerKind::adam ? 2 : 0; }
  /// float32 values that it holds for each parameter: the moments, and the master copy of a weight that is stored in
  /// fewer bits (1710.03740).
  int states(ElementType weight) const { return moments() + (weight == ElementType::float32 ? 0 : 1); }
  /// Of these for `weights` bytes of such weights.
  Bytes state_bytes(ElementType weight, Bytes weights) const {
    return weights * (states(weight) * bytes_of(ElementType::float32).count / bytes_of(weight).count);
  }
};

struct Plan {
  std::string model = "gpt-nano";      ///< zoo name or path
  std::string cluster = "host";        ///< zoo name or path
  std::int64_t pipeline = 1;           ///< pp: pipeline ranks
  std::int64_t replicas = 1;           ///< dp: data-parallel ranks, each with micro-batches of its own
  std::int64_t tensor = 1;             ///< tp
  std::int64_t height = 1, width = 1;  ///< of images: spatial ranks
  TensorSplit tensor_split = TensorSplit::megatron;
  bool sequence_parallel = false;      ///< positions are divided on the tensor axis where layers are not (2205.05198)
  AfterSpace after_space = AfterSpace::replicated;
  bool synchronised_batch_norm = false;  ///< batch statistics over all replicas, not each its own
  /// Layer name -> name of its layout rule on the tensor axis, where it is not the default.
  std::vector<std::pair<std::string, std::string>> layouts;
  /// convolution_algorithms(), of all layers that it suits; empty: the first one, and `offload: dynamic` may choose.
  std::string convolution_algorithm;
  /// Layer name -> name of its algorithm, where it is another.
  std::vector<std::pair<std::string, std::string>> convolutions;
  Bytes bucket{25'000'000};            ///< gradients are reduced in ranges of about this size, the last layers' first
  bool overlap = true;                 ///< collectives run beside computation where they can
  std::int64_t zero = 0;               ///< ZeRO: replicas split 1: optimizer state; 2: gradients, too; 3: weights, too
  std::int64_t shard_ranks = 0;        ///< with zero: consecutive replicas that share one copy; 0: all replicas
  std::int64_t prefetch = 1;           ///< with zero 3: buckets whose weights are gathered ahead of their use
  bool reshard = true;                 ///< with zero 3: weights are freed after forward, and gathered for backward
  std::string collective = "auto";     ///< algorithm (tandem show collectives); auto: the cheapest predicted
  std::string schedule = "1f1b";
  std::int64_t chunks = 2;             ///< stages per rank, for the schedules that let the user choose
  std::int64_t micro_batches = 8;      ///< per iteration
  std::int64_t micro_batch_size = 4;   ///< samples
  std::int64_t window = 2;             ///< messages of one channel that may be under way before its ends must wait
  double memory_reserve = 0;           ///< share of each device's memory left to its allocator's fragmentation
  std::string recompute = "none";      ///< parse_recompute(): what is computed again in backward
  bool repeat_collectives = false;     ///< SegmentOptions::repeat_collectives
  DropoutUse dropout = DropoutUse::off;
  std::string offload = "none";        ///< parse_offload(): what of the activations waits for backward on the host
  std::int64_t offload_staging = 0;    ///< steps that may begin before the first of what leaves must have left
  std::int64_t offload_prefetch = 1;   ///< steps of a worker between a fetch's beginning and the first that needs it
  bool offload_optimizer = false;      ///< the optimizer's states are on the host but for the update
  bool offload_weights = false;        ///< weights and gradients are on the host but around their use, by buckets
  UpdateOn update_on = UpdateOn::device;
  bool float_gradients = false;        ///< gradients are summed and held in float32, however values are stored
  ElementType precision = ElementType::float32;  ///< how weights, activations, gradients and messages are stored
  Optimizer optimizer;
  std::int64_t iterations = 20;
  std::uint64_t seed = 1;              ///< below 2^63
  std::string data;                    ///< text file; empty: the tool's own README
  /// First layer of each stage but the first, ascending; empty: the partitioner decides.
  std::vector<std::string> cuts;
  std::optional<std::uint64_t> model_fingerprint;  ///< of the model that the plan was made for
  /// Where a file has the cuts (one each) and the fingerprint, for messages; empty: not from a file.
  std::vector<TextPosition> cut_places;
  TextPosition fingerprint_place;
};

/// Are the optimizer's states on the host, for good or but for the update?
inline bool keeps_states_on_host(const Plan& plan) {
  return plan.offload_optimizer || plan.update_on == UpdateOn::host;
}

/// The plan's mesh. Throws InputError where it has more workers than can be counted.
Mesh mesh_of(const Plan& plan);
/// Micro-batches of all replicas in one iteration: the global batch is this many times micro_batch_size.
inline std::int64_t global_micro_batches(const Plan& plan) { return plan.micro_batches * plan.replicas; }

/// "5%" or "0.05": a share from 0 to below 1. Throws QuantityError.
double parse_share(std::string_view text);

/// Throws InputError with the place. Unknown keys are refused.
Plan read_plan(const YamlNode& root);
/// read_plan(parse_yaml(write_plan(plan))) gives the plan back, but for the places.
std::string write_plan(const Plan& plan);

/// Layer indices at which stages begin, one fewer than there are stages, from plan.cuts; none where the plan has no cuts. Throws
/// InputError when their number does not suit, when a name is unknown, out of order or not a place where the model may
/// be split, or when the plan was made for another model.
std::vector<std::size_t> resolve_cuts(const Plan& plan, const Model& model);

}  // namespace tandem
