#include <filesystem>
#include <memory>

#include <CLI/CLI.hpp>

#include "bitgauge/gguf.h"

#include "base/json.h"
#include "cli/commands.h"
#include "cli/difference_report.h"
#include "cli/model_template.h"

namespace bitgauge {
namespace {

struct DiffArguments {
    std::filesystem::path a;
    std::filesystem::path b;
    bool tensors = false;
    bool json = false;
};

void run_diff(const DiffArguments& arguments, Console& console) {
    const GgufFile a = GgufFile::open(arguments.a);
    const GgufFile b = GgufFile::open(arguments.b);
    const auto templates = TemplateDifference::of(a, b, console);
    if (!arguments.json) {
        return console.print(difference_text(a, b, arguments.tensors) +
                             (templates ? templates->text() : ""));
    }
    Json record = difference_json(a, b);
    record["template_findings"] = templates ? templates->json() : Json(nullptr);
    console.print(record.dump(2, ' ', false, Json::error_handler_t::replace) + "\n");
}

}  // namespace

void add_diff(CLI::App& app, Console& console) {
    const auto arguments = std::make_shared<DiffArguments>();
    CLI::App* command =
        add_command(app, console, "diff", "Why two files differ: bytes by role, and every key",
                    "  bitgauge diff theirs-Q4_K_M.gguf ours-Q4_K_M.gguf\n"
                    "  bitgauge diff --tensors a.gguf b.gguf");
    command->add_option("A", arguments->a, "A model; of a split one, the first shard")
        ->required()
        ->type_name("");
    command->add_option("B", arguments->b, "Another")->required()->type_name("");
    command->add_flag("--tensors", arguments->tensors, "Also each tensor that differs");
    command->add_flag("--json", arguments->json, "Print one JSON record, tensors and all");
    command->callback([arguments, &console] { run_diff(*arguments, console); });
}

}  // namespace bitgauge
