#include "cli/engine_options.h"

#include <charconv>
#include <filesystem>
#include <optional>
#include <string>

namespace bitgauge {

namespace {

constexpr int32_t kMostStages = 4096;

// "auto", "off" or a number of stages; nothing for anything else.
std::optional<int32_t> stages_by_name(const std::string& text) {
    if (text == "auto") return kStagesAuto;
    if (text == "off") return kStagesOff;
    int32_t stages = 0;
    const char* end = text.data() + text.size();
    const auto [stop, problem] = std::from_chars(text.data(), end, stages);
    const bool number = problem == std::errc() && stop == end;
    return number && stages >= 1 && stages <= kMostStages ? std::optional(stages) : std::nullopt;
}

void add_stages_option(CLI::App& command, EngineOptions& options) {
    command
        .add_option_function<std::string>(
            "--stages",
            [&options](const std::string& text) { options.stages = *stages_by_name(text); },
            "Layers in memory at once: auto, off (all), or in how many stages")
        ->check([](const std::string& text) {
            return stages_by_name(text)
                       ? std::string()
                       : "expected auto, off or a number from 1 to 4096, not '" + text + "'";
        })
        ->type_name("N")
        ->default_str("auto")
        ->group("Evaluation");
}

}  // namespace

void add_device_options(CLI::App& command, EngineOptions& options) {
    command.add_option("--threads", options.threads, "Threads (0: one per core)")
        ->type_name("N")
        ->capture_default_str()
        ->group("Evaluation");
    command.add_option("--gpu-layers", options.gpu_layers, "Layers on an accelerator (-1: all)")
        ->type_name("N")
        ->capture_default_str()
        ->group("Evaluation");
}

void add_engine_options(CLI::App& command, EngineOptions& options) {
    add_device_options(command, options);
    add_stages_option(command, options);
}

std::vector<std::string> kept_types() {
    return {"f32", "f16", "bf16", "q8_0", "q5_1", "q5_0", "q4_1", "q4_0", "iq4_nl"};
}

Isolation this_program() {
    return {.program = std::filesystem::read_symlink("/proc/self/exe")};
}

}  // namespace bitgauge
