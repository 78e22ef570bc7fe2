#pragma once
// How shard() works. Private to plan/.

#include <map>
#include <string>
#include <vector>

#include "plan/conversions.hpp"
#include "plan/shard.hpp"
#include "plan/take_apart.hpp"

namespace tandem {

using AxisLayouts = std::array<AxisLayout, kMeshAxes>;
inline constexpr MeshAxis kDividingAxes[] = {MeshAxis::data, MeshAxis::height, MeshAxis::width, MeshAxis::tensor};

/// Which of the equal parts of a micro-batch's samples a rank works on.
struct SamplePart {
  std::int64_t parts = 1, part = 0;
};

/// A rank's own tensor while its model is being written.
struct LocalTensor {
  std::string name;  ///< of the local layer that writes it
  AxisLayouts layouts{};
  TensorSlice slice{};
};

/// One layer of the rank's model.
struct ShardEntry {
  LayerDefinition definition;
  LocalLayer local;
  std::size_t place;  ///< the whole model's layer that it was made for
};

class ShardBuilder {
 public:
  ShardBuilder(const LayoutChoice& choice, const Model& whole, const Mesh& mesh, const Coordinate& at,
               std::int64_t batch);
  Sharding run() &&;

 private:
  /// What a conversion brings about along one axis.
  struct Change {
    MeshAxis axis;
    AxisLayout from, to;
    bool gradient_is_partial;
    std::string_view reader;
  };

  // shard.cpp
  const LayoutRule& rule(LayerId id, MeshAxis axis) const;
  TensorSlice slice(const std::vector<std::int64_t>& dims, const AxisLayouts& layouts) const;
  void require_divides(LayerId id, MeshAxis axis, const AxisLayout& layout, std::int64_t length,
                       std::string_view what) const;
  void set_local_sizes(LayerId id, LayerDefinition& definition) const;
  static std::vector<std::int64_t> begins(const TensorSlice& slice);
  SamplePart samples_of(const AxisLayouts& layouts) const;
  SamplePart samples_of(LayerId id) const;
  void set_loss_part(LayerId id, Origins& origins) const;
  bool says_loss() const;
  void add_layer(LayerId id, const std::vector<LocalTensor>& inputs, LayerDefinition definition);
  LocalParameter parameter(LayerId id, std::size_t index) const;
  void add_whole_layer(LayerId id);
  void check_ties() const;
  void add(ShardEntry entry);

  // shard_conversions.cpp
  LocalTensor settle_partial(LayerId id, LocalTensor tensor);
  bool moves(LayerId reader, std::size_t input, const AxisLayouts& from, MeshAxis axis) const;
  LocalTensor converted(LayerId reader, std::size_t input, LocalTensor tensor);
  LocalTensor converted(LayerId reader, std::size_t input, Change change, LocalTensor tensor);
  LocalTensor convert(LayerId producer, LocalTensor tensor, const Change& change);
  bool deals(LayerId reader, std::size_t input, const AxisLayouts& from, MeshAxis axis) const;
  LocalTensor dealt(LayerId producer, LocalTensor tensor, const Change& change);
  LocalTensor divided_samples(LayerId producer, LocalTensor tensor, const Change& change);
  LocalTensor exchanged(LocalTensor tensor, const Change& change, std::optional<CollectiveKind> forward,
                        std::optional<CollectiveKind> backward, std::string_view suffix);
  LocalTensor rearranged(LocalTensor tensor, const Change& change, const LayerKind& kind, std::string_view suffix,
                         const std::vector<Division>& divisions);
  Division division(const LocalTensor& tensor, LayerId producer, const AxisLayout& layout, MeshAxis axis) const;
  std::int64_t local_length(const LocalTensor& tensor, LayerId producer, const AxisLayout& layout, MeshAxis axis) const;
  std::vector<std::int64_t> packed_bounds(const LocalTensor& tensor, LayerId producer, const Change& change) const;
  void note(const LocalTensor& tensor, LayerId producer, const Change& change, std::string_view what);

  // shard_halo.cpp
  struct Halo;
  void add_halo_layer(const Halo& halo, std::string_view suffix, const LayerKind& kind, std::vector<std::string> inputs,
                      LocalLayer local);
  void add_halo_exchange(const Halo& halo);
  LocalTensor joined(const Halo& halo, LocalTensor tensor);
  LocalTensor with_halo(LayerId reader, MeshAxis axis, LocalTensor tensor, LayerDefinition& definition);

  const LayoutChoice& choice_;
  const Model& whole_;
  const Mesh& mesh_;
  Coordinate at_;
  std::int64_t batch_;
  std::map<std::string, LayerId> whole_ids_;
  std::vector<LocalTensor> tensors_;  ///< by LayerId of the choice's model
  std::map<std::string, LocalParameter> parameters_;
  std::map<std::string, LocalTensor> known_;  ///< conversions by what they make of which tensor
  std::vector<ShardEntry> entries_;
  std::vector<ConversionRow> conversions_;
  std::size_t place_ = 0;
};

}  // namespace tandem
