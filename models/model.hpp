#pragma once
// A model: a directed acyclic graph of layers in a fixed topological order, and the shapes and counts that follow.

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/error.hpp"
#include "models/dropout_use.hpp"
#include "models/layer.hpp"

namespace tandem {

enum class ParameterId : std::uint32_t {};

/// One parameter tensor. A tied parameter (a language model's output projection) has no values of its own: it is
/// used by its layer and owned by another.
struct Parameter {
  LayerId layer;
  std::string name;  ///< "h.0.attn.qkv.weight": layer name + "." + the kind's parameter name
  ParameterSpec spec;
  std::optional<ParameterId> tied_to;
};

struct Layer {
  std::string name;
  const LayerKind* kind = nullptr;
  Attributes attributes;
  std::vector<LayerId> inputs;
  std::vector<LayerId> readers;  ///< layers that read this one's output, ascending
  TensorSpec output;
  std::vector<ParameterId> parameters;
  Kept kept;
  Origins origins;  ///< of a rank's part of a layer; a whole model's are empty
};

/// One layer as written by a model file or a builder; inputs name layers, which may stand in any order.
struct LayerDefinition {
  std::string name;
  std::string kind;
  std::vector<std::pair<std::string, double>> attributes = {};
  std::vector<std::string> inputs = {};
  std::optional<std::string> tie = {};  ///< name of the parameter that this layer's `weight` is ("wte.weight")
  TextPosition position = {};           ///< where it was written; `file` is empty where it was built by code
  Origins origins = {};                 ///< of a rank's part of a layer
  const LayerKind* row = nullptr;       ///< a kind that stands in no table of models/; `kind` is its name
};

/// Built once, then never changed. Layers are numbered in topological order: every input has a smaller id, and data
/// sources stand directly before their first reader.
class Model {
 public:
  /// Sorts the graph, infers shapes, names parameters. Throws InputError: unknown kind or attribute, a missing input,
  /// a cycle (printed), shapes that do not suit, a duplicate name, a tie between different shapes, no or two losses, an
  /// output that no layer reads. A definition without inputs that needs one reads the definition before it.
  Model(std::string name, const std::vector<LayerDefinition>& definitions);

  /// The same model with real values stored as `real`: outputs, what is kept, parameters; but no statistics.
  Model stored_as(ElementType real) const;
  ElementType stored() const { return stored_; }

  const std::string& name() const { return name_; }
  std::size_t layer_count() const { return layers_.size(); }
  const Layer& layer(LayerId id) const { return layers_[index_of(id)]; }
  std::span<const Layer> layers() const { return layers_; }
  std::span<const Parameter> parameters() const { return parameters_; }
  const Parameter& parameter(ParameterId id) const { return parameters_[index_of(id)]; }

  /// Of a micro-batch of `batch` samples those that the layer works on: all, or a rank's own (Origins::sample_parts).
  std::int64_t samples(LayerId id, std::int64_t batch) const { return batch / layer(id).origins.sample_parts; }
  /// Of the layer's output, for its samples of a micro-batch of `batch`.
  Bytes bytes(LayerId id, std::int64_t batch) const { return layer(id).output.bytes(samples(id, batch)); }

  /// Trainable values; a tied parameter counts once.
  std::int64_t parameter_count() const;
  /// For the layer's samples of a micro-batch. All zero for a pass that does not run: I where no gradient is needed, W
  /// without parameters.
  Work work(LayerId id, Pass pass, std::int64_t batch) const;
  /// Scratch memory of the kernel of this pass (LayerKind::scratch).
  Bytes scratch(LayerId id, Pass pass, std::int64_t batch) const;
  std::vector<TensorSpec> input_specs(LayerId id) const;
  /// FLOPs of F, or of F, I and W, of the whole model for `batch` samples. The first layers need no input gradient.
  Flops flops(Pass pass, std::int64_t batch) const;
  /// Does I of this layer have to run, that is, does any gradient flow to a parameter before it?
  bool needs_gradient(LayerId id) const;

  /// Layers before `cut` whose outputs are read at or after it, ascending: what a message over this cut carries.
  /// `cut` = index of the first layer after it, 1 .. layer_count() - 1.
  std::vector<LayerId> crossing(std::size_t cut) const;
  /// May the pipeline split here? Not where a data source would be parted from its reader.
  bool may_cut(std::size_t cut) const;

  /// Identifies the structure (not the name): equal for equal graphs. 64 bits.
  std::uint64_t fingerprint() const;

 private:
  bool runs(LayerId id, Pass pass) const;

  std::string name_;
  ElementType stored_ = ElementType::float32;
  std::vector<Layer> layers_;
  std::vector<Parameter> parameters_;
  std::vector<bool> needs_gradient_;  ///< by layer
  std::vector<bool> may_cut_;         ///< by the first layer after the cut
};

/// What stands for one kernel in tables of measured times: kind, pass and shapes, such as
/// "linear F 4x64x128 -> 4x64x512". Equal signatures do equal work. `batch`: samples of a micro-batch.
std::string kernel_signature(const Model& model, LayerId id, Pass pass, std::int64_t batch);
/// The same of a layer that stands in no model.
std::string kernel_signature(const Layer& layer, std::span<const TensorSpec> inputs, Pass pass, std::int64_t batch);

/// A zoo name ("gpt-nano"), a model file (*.yaml), or a Hugging Face config.json. Throws InputError.
Model load_model(const std::string& name_or_path, DropoutUse dropout = DropoutUse::off);
std::vector<std::string> zoo_names();

}  // namespace tandem
