#pragma once
// The parts of verify(), each of which proves one thing. Private to plan/.

#include <string>

#include "plan/program.hpp"

namespace tandem {

/// Throws InputError: the program is wrong.
[[noreturn]] void refuse_program(const std::string& problem);

void check_messages(const Program& program);
void check_collectives(const Program& program);
void check_copies(const Program& program);
void check_host_updates(const Program& program);
void check_buffers(const Program& program);
void check_coverage(const Program& program);

}  // namespace tandem
