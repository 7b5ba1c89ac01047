#include <filesystem>
#include <memory>
#include <vector>

#include "bitgauge/error.h"

#include "cli/commands.h"

namespace bitgauge {
namespace {

struct InspectOptions {
    std::vector<std::filesystem::path> files;
    bool json = false;
};

void inspect(const InspectOptions&, Console&) {
    throw Error(ErrorKind::kEnvironment, "inspect is not there yet");
}

}  // namespace

void add_inspect(CLI::App& app, Console& console) {
    auto options = std::make_shared<InspectOptions>();
    CLI::App* command = add_command(app, console, "inspect", "What a GGUF file's header says",
                                    "  bitgauge inspect model-Q4_K_M.gguf\n"
                                    "  bitgauge inspect --json model-00001-of-00003.gguf");
    command->add_option("FILE", options->files, "Model files; of a split one, the first shard")
        ->required()
        ->type_name("");
    command->add_flag("--json", options->json, "Print one JSON record per file");
    command->callback([options, &console] { inspect(*options, console); });
}

}  // namespace bitgauge
