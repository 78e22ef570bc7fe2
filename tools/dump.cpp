#include "tools/dump.hpp"

#include <fmt/format.h>

#include <filesystem>

#include "base/error.hpp"
#include "exec/npy.hpp"

namespace tandem {
namespace {

namespace fs = std::filesystem;

void make_folder(const fs::path& folder) {
  std::error_code error;
  fs::create_directories(folder, error);
  if (error) throw ResourceError(fmt::format("cannot make the folder {}: {}", folder.string(), error.message()));
}

}  // namespace

void require_dumpable(const std::string& folder, bool force) {
  if (folder.empty()) throw InputError("--dump: empty");
  if (fs::exists(folder) && !force) throw InputError("--dump: it exists; --force writes into it", folder);
  if (fs::exists(folder) && !fs::is_directory(folder)) throw InputError("--dump: not a folder", folder);
}

void dump_run(const std::string& folder, const Model& model, const RunResult& result, bool force) {
  require_dumpable(folder, force);
  for (const auto& [name, values] : {std::pair("weights", &result.weights), std::pair("gradients", &result.gradients)}) {
    const fs::path place = fs::path(folder) / name;
    make_folder(place);
    for (std::size_t i = 0; i < values->size(); ++i) {
      const Parameter& parameter = model.parameters()[i];
      if (!parameter.tied_to)
        write_npy((place / (parameter.name + ".npy")).string(), parameter.spec.dims, (*values)[i], true);
    }
  }
  const std::int64_t count = std::ssize(result.losses);
  write_npy((fs::path(folder) / "losses.npy").string(), {&count, 1}, result.losses, true);
}

}  // namespace tandem
