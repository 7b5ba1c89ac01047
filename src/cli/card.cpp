#include "bitgauge/card.h"

#include <algorithm>
#include <filesystem>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "bitgauge/error.h"
#include "bitgauge/qtype.h"
#include "bitgauge/store.h"

#include "base/files.h"
#include "cli/card_header.h"
#include "cli/commands.h"
#include "gguf/split.h"

namespace bitgauge {
namespace {

namespace fs = std::filesystem;

struct CardArguments {
    fs::path folder;
    fs::path store = "bitgauge.db";
    fs::path output;
    bool force = false;
    CardOptions options;
};

// --- files --------------------------------------------------------------------------------------

bool is_later_shard(const fs::path& path) {
    const auto shard = parse_shard_name(path);
    return shard && shard->number > 1;
}

void require_folder(const fs::path& folder) {
    if (fs::is_directory(folder)) return;
    throw Error(
        ErrorKind::kInput,
        fmt::format("'{}' is {}", folder.string(), fs::exists(folder) ? "no folder" : "not there"),
        "name the folder with a model's GGUF files");
}

// Relative to the folder, in the order of their names; large files lie in folders of their own.
std::vector<fs::path> gguf_paths(const fs::path& folder) {
    require_folder(folder);
    std::vector<fs::path> paths;
    std::error_code failed;
    for (fs::recursive_directory_iterator at(folder, failed), end; at != end;
         at.increment(failed)) {
        const fs::path& path = at->path();
        if (path.extension() != ".gguf" || is_later_shard(path)) continue;
        if (at->is_regular_file()) paths.push_back(path.lexically_relative(folder));
    }
    if (failed) {
        throw Error(ErrorKind::kEnvironment,
                    fmt::format("'{}' could not be read: {}", folder.string(), failed.message()),
                    "check the folder and its permissions");
    }
    std::ranges::sort(paths);
    return paths;
}

// Projectors, adapters and importance are GGUF files, too.
bool is_model(const GgufFile& file) {
    const std::string type = file.text("general.type").value_or("model");
    return type == "model" && file.architecture() != "clip" && !file.tensors().empty();
}

// --- records ------------------------------------------------------------------------------------

CardRecords read_records(const fs::path& path) {
    const Store store(path, Store::Access::kReadOnly);
    return {store.all(), store.all_tasks(), store.all_drifts()};
}

// Of all models that something is recorded of. Reading a file for its hash takes as long as its
// disk needs, so only files that may be one of these are read.
std::set<uint64_t> recorded_sizes(const CardRecords& records) {
    std::set<uint64_t> sizes;
    for (const MeasureRecord& record : records.measured) {
        sizes.insert(record.model.size_bytes);
        sizes.insert(record.baseline.original.size_bytes);
    }
    for (const TaskRecord& record : records.answered) sizes.insert(record.model.size_bytes);
    for (const DriftRecord& record : records.drifted) sizes.insert(record.model.size_bytes);
    return sizes;
}

struct FolderFiles {
    std::vector<CardFile> files;
    CardSayings sayings;  // of the first that says so
};

FolderFiles read_files(const CardArguments& a, const CardRecords& records, Progress& progress) {
    const std::vector<fs::path> paths = gguf_paths(a.folder);
    const std::set<uint64_t> sizes = recorded_sizes(records);
    FolderFiles found;
    progress.begin("reading files", static_cast<int64_t>(paths.size()), "files");
    for (const fs::path& path : paths) {
        const GgufFile file = GgufFile::open(a.folder / path);
        if (is_model(file)) {
            found.files.push_back(card_file(file, path, sizes.contains(file.file_bytes())));
            found.sayings.add(card_sayings(file));
        } else {
            progress.detail(fmt::format("'{}' is no model: left out", path.string()));
        }
        progress.advance(1);
    }
    progress.end();
    if (!found.files.empty()) return found;
    throw Error(ErrorKind::kInput,
                fmt::format("the folder '{}' holds no GGUF model", a.folder.string()),
                "name the folder with a model's GGUF files");
}

// --- the page -----------------------------------------------------------------------------------

// What was given counts; else what the files say.
CardOptions options_of(const CardArguments& a, const CardSayings& sayings, Progress& progress) {
    CardOptions options = a.options;
    options.store = a.store.string();
    const auto take = [](std::string& option, const std::string& said) {
        if (option.empty()) option = said;
    };
    if (options.base_model.empty() && !sayings.base_model.empty()) {
        progress.warn(
            fmt::format("the files say that the model is based on '{}', so that is what "
                        "the page names; --base-model names another",
                        sayings.base_model));
    }
    take(options.base_model, sayings.base_model);
    take(options.license, sayings.license);
    take(options.quantized_by, sayings.quantized_by);
    return options;
}

bool has_command(const CLI::App& app, const std::string& name) {
    return std::ranges::any_of(app.get_subcommands({}), [&](const CLI::App* command) {
        return command->get_name() == name;
    });
}

void require_ours(const CardArguments& a) {
    if (a.force || a.output.empty() || !fs::exists(a.output)) return;
    if (fs::is_regular_file(a.output) && is_model_card(read_text_file(a.output))) return;
    throw Error(
        ErrorKind::kInput,
        fmt::format("'{}' is there and was not written by bitgauge card", a.output.string()),
        "write to another file with -o, or replace it with --force");
}

void run_card(const CardArguments& a, const CLI::App& app, Console& console) {
    require_ours(a);
    const CardRecords records = read_records(a.store);
    const FolderFiles found = read_files(a, records, console.progress());
    CardOptions options = options_of(a, found.sayings, console.progress());
    options.can_run = has_command(app, "run");
    const std::string text = model_card(found.files, records, options);
    if (a.output.empty()) return console.print(text);
    write_file_atomically(a.output, text);
    console.print(fmt::format("wrote {}\n", a.output.string()));
}

void add_head_options(CLI::App& command, CardOptions& o) {
    const auto add = [&command](const char* name, std::string& value, const char* type,
                                const char* help) {
        return command.add_option(name, value, help)->type_name(type)->group("Head");
    };
    add("--title", o.title, "WORDS", "Of the page [the model's name]");
    add("--repo", o.repository, "USER/NAME", "Where the page will stand: commands name it");
    add("--base-model", o.base_model, "USER/NAME", "The original's page [what the files say]");
    add("--license", o.license, "NAME", "As Hugging Face names it [what the files say]");
    add("--quantized-by", o.quantized_by, "NAME", "Who made the files [what they say]");
    add("--pipeline-tag", o.pipeline_tag, "NAME", "What the model is for")->capture_default_str();
}

}  // namespace

void add_card(CLI::App& app, Console& console) {
    auto a = std::make_shared<CardArguments>();
    CLI::App* command =
        add_command(app, console, "card", "The page of a model's files, from records",
                    "  bitgauge card quants/\n"
                    "  bitgauge card quants/ -o quants/README.md --repo user/name-GGUF \\\n"
                    "      --base-model org/name --license apache-2.0");
    command->add_option("DIR", a->folder, "The folder with the GGUF files of one model")
        ->required()
        ->type_name("");
    command->add_option("--store", a->store, "Where the records are")
        ->type_name("FILE")
        ->capture_default_str();
    command
        ->add_option("--baseline", a->options.baseline,
                     "Only records of this baseline; its key or the beginning of it")
        ->type_name("KEY");
    command->add_option("-o,--output", a->output, "Write to this file instead of stdout")
        ->type_name("FILE");
    command->add_flag("--force", a->force, "Replace a file that this command did not write");
    add_head_options(*command, a->options);
    command->callback([a, &app, &console] { run_card(*a, app, console); });
}

}  // namespace bitgauge
