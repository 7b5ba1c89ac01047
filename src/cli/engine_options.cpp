#include "cli/engine_options.h"

#include <filesystem>

namespace bitgauge {

void add_engine_options(CLI::App& command, EngineOptions& options) {
    command.add_option("--threads", options.threads, "Threads (0: one per core)")
        ->type_name("N")
        ->capture_default_str()
        ->group("Evaluation");
    command.add_option("--gpu-layers", options.gpu_layers, "Layers on an accelerator (-1: all)")
        ->type_name("N")
        ->capture_default_str()
        ->group("Evaluation");
}

Isolation this_program() {
    return {.program = std::filesystem::read_symlink("/proc/self/exe")};
}

}  // namespace bitgauge
