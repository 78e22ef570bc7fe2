#pragma once
// Cuts a model into what each rank of a stage computes: local layers, and conversions where layouts do not meet.

#include "plan/layouts.hpp"
#include "plan/local_model.hpp"

namespace tandem {

/// A tensor as a rank reads it: conversions of the same tensor to the same layout share a row. For people.
struct ConversionRow {
  std::string tensor, reader;     ///< layer names
  MeshAxis axis;
  AxisLayout from, to;
  std::string collectives;        ///< "all_reduce", "all_gather; backward reduce_scatter", "halo of 1 + 1 rows"
  Bytes bytes;                    ///< of the vector of one micro-batch that its forward, or else backward, moves
};

struct Sharding {
  LocalModel local;
  std::vector<ConversionRow> conversions;
  std::vector<std::size_t> place;  ///< by local LayerId: the whole model's layer that it was made for
};

/// The part of rank `at` (its pipeline and data coordinates do not matter). `whole` is the model that was given to
/// choose_layouts(). Throws InputError where sizes do not divide, saying which; where a part would be empty; where a
/// halo reaches beyond the neighbour's part; and where a tied pair would lie differently.
Sharding shard(const LayoutChoice& choice, const Model& whole, const Mesh& mesh, const Coordinate& at,
               std::int64_t micro_batch_size);

/// First local layer of the stage that begins with the whole model's layer `cut`.
std::size_t local_cut(const Sharding& sharding, std::size_t cut);

/// The runs of one rank of `ranks` in a dimension that may be split in several blocks; uneven parts differ by one.
std::vector<IndexRun> part_of_runs(const std::vector<IndexRun>& runs, std::int64_t blocks, std::uint32_t ranks,
                                   std::uint32_t rank);

}  // namespace tandem
