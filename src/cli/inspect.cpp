#include <filesystem>
#include <memory>
#include <vector>

#include <CLI/CLI.hpp>

#include "bitgauge/gguf.h"

#include "base/json.h"
#include "cli/commands.h"
#include "cli/extracted_recipe.h"
#include "cli/inspection.h"

namespace bitgauge {
namespace {

struct InspectOptions {
    std::vector<std::filesystem::path> files;
    bool recipe = false;
    bool json = false;
};

void print_json(const InspectOptions& options, Console& console) {
    Json files = Json::array();
    for (const auto& path : options.files) {
        const GgufFile file = GgufFile::open(path);
        files.push_back(inspection_json(file));
        if (options.recipe) files.back()["recipe"] = extracted_recipe_json(file);
    }
    const Json record = {{"schema", "bitgauge.inspect/1"}, {"files", files}};
    // names in a model file may be no UTF-8
    console.print(record.dump(2, ' ', false, Json::error_handler_t::replace) + "\n");
}

void print_text(const InspectOptions& options, Console& console) {
    for (const auto& path : options.files) {
        const std::string gap = path == options.files.front() ? "" : "\n";
        const GgufFile file = GgufFile::open(path);
        console.print(gap + (options.recipe ? extracted_recipe_text(file) : inspection_text(file)));
    }
}

}  // namespace

void add_inspect(CLI::App& app, Console& console) {
    auto options = std::make_shared<InspectOptions>();
    CLI::App* command = add_command(app, console, "inspect", "What a GGUF file's header says",
                                    "  bitgauge inspect model-Q4_K_M.gguf\n"
                                    "  bitgauge inspect --json model-00001-of-00003.gguf\n"
                                    "  bitgauge inspect --recipe theirs.gguf > theirs.recipe");
    command->add_option("FILE", options->files, "Model files; of a split one, the first shard")
        ->required()
        ->type_name("");
    command->add_flag("--recipe", options->recipe,
                      "Print the shortest recipe that gives its types, and the nearest presets");
    command->add_flag("--json", options->json, "Print one JSON record of all files");
    command->callback([options, &console] {
        if (options->json) {
            print_json(*options, console);
        } else {
            print_text(*options, console);
        }
    });
}

}  // namespace bitgauge
