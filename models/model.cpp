#include "models/model.hpp"

#include <fmt/format.h>

namespace tandem {

std::int64_t Model::parameter_count() const {
  Bytes total;
  for (const auto& parameter : parameters_) {
    if (!parameter.tied_to) total += parameter.spec.bytes();
  }
  return total.count / bytes_of(ElementType::float32).count;
}

std::vector<TensorSpec> Model::input_specs(LayerId id) const {
  std::vector<TensorSpec> specs;
  for (const auto input : layer(id).inputs) specs.push_back(layer(input).output);
  return specs;
}

bool Model::needs_gradient(LayerId id) const { return needs_gradient_[index_of(id)]; }

bool Model::runs(LayerId id, Pass pass) const {
  switch (pass) {
    case Pass::forward: return true;
    case Pass::input_gradient: return needs_gradient(id);
    case Pass::weight_gradient: return !layer(id).parameters.empty();
  }
  return false;
}

Work Model::work(LayerId id, Pass pass, std::int64_t batch) const {
  invariant(batch > 0, "a micro-batch holds at least one sample");
  const auto& at = layer(id);
  if (!runs(id, pass)) return {};
  const auto inputs = input_specs(id);
  return at.kind->work({at.attributes, inputs, at.output, samples(id, batch)}, pass);
}

Bytes Model::scratch(LayerId id, Pass pass, std::int64_t batch) const {
  const auto& at = layer(id);
  if (at.kind->scratch == nullptr || !runs(id, pass)) return {};
  const auto inputs = input_specs(id);
  return at.kind->scratch({at.attributes, inputs, at.output, samples(id, batch)}, pass);
}

Flops Model::flops(Pass pass, std::int64_t batch) const {
  Flops total;
  for (std::uint32_t i = 0; i < layers_.size(); ++i) total += work(static_cast<LayerId>(i), pass, batch).flops();
  return total;
}

std::vector<LayerId> Model::crossing(std::size_t cut) const {
  invariant(cut >= 1 && cut < layers_.size(), "a cut has layers on both sides");
  std::vector<LayerId> ids;
  for (std::uint32_t i = 0; i < cut; ++i) {
    const auto& readers = layers_[i].readers;
    if (!readers.empty() && index_of(readers.back()) >= cut) ids.push_back(static_cast<LayerId>(i));
  }
  return ids;
}

bool Model::may_cut(std::size_t cut) const {
  invariant(cut >= 1 && cut < layers_.size(), "a cut has layers on both sides");
  return may_cut_[cut];
}

}  // namespace tandem
