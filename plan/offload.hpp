#pragma once
// CPU offloading: which layers' values wait for backward in the host's memory (vDNN, 1602.08124).

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "plan/local_model.hpp"

namespace tandem {

struct Offload {
  enum class Kind : std::uint8_t {
    none,
    all,           ///< what backward needs of every layer, layer by layer (vDNN-all)
    convolutions,  ///< what convolutions read (vDNN-conv)
    dynamic,       ///< the fastest that fits: to be settled by trying plans before lowering (vDNN-dyn)
    stage,         ///< all that a stage keeps of a micro-batch, as one unit: for pipelines
    layers,        ///< what backward needs of the outputs of these layers: `names`
  };
  Kind kind = Kind::none;
  std::vector<std::string> names;
  bool operator==(const Offload&) const = default;
};

/// "none", "all", "convolutions", "dynamic", "stage", "layers:conv1_1,relu1_1". Throws QuantityError.
Offload parse_offload(std::string_view text);

/// The offloaded units of the layers [first, last).
struct OffloadUnits {
  std::vector<std::pair<std::size_t, std::size_t>> ranges;  ///< layers [first, last), ascending and apart
  bool inbox = false;                                       ///< what comes from the stage before, too
};

/// By a rank's own model. A layer that keeps nothing may be among the ranges; it is no unit then. Throws InputError
/// where the policy is dynamic, or names a layer that the model lacks.
OffloadUnits offload_units(const Offload& policy, const LocalModel& local, std::size_t first, std::size_t last);

}  // namespace tandem
