#include "models/hugging_face/definition_list.hpp"

#include <fmt/format.h>

namespace tandem {

void want_dividing_heads(const Config& config, std::string_view hidden, std::string_view heads) {
  if (config.integer(hidden) % config.integer(heads) == 0) return;
  config.fail("the heads do not divide the hidden size",
              fmt::format("{} {} and {} {}", hidden, config.integer(hidden), heads, config.integer(heads)),
              fmt::format("{} a multiple of {}", hidden, heads));
}

}  // namespace tandem
