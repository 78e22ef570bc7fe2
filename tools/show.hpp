#pragma once
// The subjects of `tandem show`, each as text or JSON.

#include <vector>

#include "tools/console.hpp"
#include "tools/options.hpp"

namespace tandem {

void show_models(const Arguments& arguments, Console& console);
void show_layers(const Arguments& arguments, Console& console);
void show_model(const Arguments& arguments, Console& console);
void show_devices(const Arguments& arguments, Console& console);
void show_clusters(const Arguments& arguments, Console& console);
void show_schedules(const Arguments& arguments, Console& console);
void show_schedule(const Arguments& arguments, Console& console);
/// --csv.
std::vector<Flag> schedule_flags();
void show_plan(const Arguments& arguments, Console& console);
void show_layouts(const Arguments& arguments, Console& console);
void show_collectives(const Arguments& arguments, Console& console);
/// --ranks and --bytes.
std::vector<Flag> collective_flags();
void show_program(const Arguments& arguments, Console& console);

}  // namespace tandem
