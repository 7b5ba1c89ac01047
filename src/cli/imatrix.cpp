#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "bitgauge/error.h"
#include "bitgauge/importance.h"

#include "base/hash.h"
#include "base/json.h"
#include "base/units.h"
#include "cli/commands.h"
#include "cli/imatrix_audit.h"
#include "cli/imatrix_measure.h"
#include "cli/importance_report.h"

#include "importance/importance_sums.h"

namespace bitgauge {
namespace {

namespace fs = std::filesystem;

struct ImatrixArguments {
    fs::path out;
    ImportanceAuditRequest audit;
    std::vector<fs::path> merge;
    bool markdown = false;
    bool json = false;
    MeasureImportance measure;
};

void print_record(const Json& record, Console& console) {
    // names in a model file may be no UTF-8
    console.print(record.dump(2, ' ', false, Json::error_handler_t::replace) + "\n");
}

// --- audit --------------------------------------------------------------------------------------

Page::Form form_of(const ImatrixArguments& a) {
    return a.markdown ? Page::Form::kMarkdown : Page::Form::kTerminal;
}

// What is wrong with the numbers is said after the report.
void run_audit(const ImatrixArguments& a, Console& console) {
    const Importance file = Importance::read(a.audit.file, BadNumbers::kKeep);
    const ImportanceReport report = audit_file(file, a.audit, console.progress());
    if (a.json) {
        print_record(importance_json(report), console);
    } else {
        console.print(importance_text(report, form_of(a)));
    }
    require_sound(report);
}

// --- merge --------------------------------------------------------------------------------------

// Added twice, a text would count twice.
void require_different(const std::vector<fs::path>& files) {
    std::map<std::string, fs::path> known;
    for (const fs::path& file : files) {
        const auto [same, is_new] = known.try_emplace(hash_file(file), file);
        if (is_new) continue;
        throw Error(ErrorKind::kInput,
                    fmt::format("'{}' and '{}' have the same content, which would count twice",
                                same->second.string(), file.string()),
                    "name each file once");
    }
}

void warn_of_shared_texts(const ImportanceSums& sums, Progress& progress) {
    std::map<std::string, std::string> known;
    for (const auto& text : sums.made.texts) {
        if (text.content_hash.empty()) continue;
        const auto [same, is_new] = known.try_emplace(text.content_hash, text.path);
        if (!is_new) {
            progress.warn(
                fmt::format("'{}' was measured in two of the files: it counts twice", text.path));
        }
    }
}

ImportanceSums merged_sums(const std::vector<fs::path>& files, Progress& progress) {
    ImportanceSums sums = read_importance_sums(files.front());
    progress.advance(1);
    for (size_t i = 1; i < files.size(); ++i) {
        merge(sums, read_importance_sums(files[i]), files[i].string());
        progress.advance(1);
    }
    return sums;
}

ImportanceFormat format_of(const fs::path& out) {
    return out.extension() == ".dat" ? ImportanceFormat::kOlder : ImportanceFormat::kGguf;
}

void run_merge(const ImatrixArguments& a, Console& console) {
    if (a.out.empty()) {
        throw Error(ErrorKind::kInput, "no file to write was given", "name it with -o");
    }
    require_different(a.merge);
    Progress& progress = console.progress();
    progress.begin("merging", static_cast<int64_t>(a.merge.size()), "files");
    const ImportanceSums sums = merged_sums(a.merge, progress);
    progress.end();
    warn_of_shared_texts(sums, progress);
    write_importance(a.out, sums, format_of(a.out));
    const auto windows = static_cast<uint64_t>(sums.chunks);
    if (a.json) {
        return print_record({{"schema", "bitgauge.imatrix-merge/1"},
                             {"out", a.out.string()},
                             {"files", a.merge.size()},
                             {"tensors", sums.tensors.size()},
                             {"chunks", windows},
                             {"chunk_tokens", sums.chunk_size}},
                            console);
    }
    console.print(fmt::format(
        "wrote {} ({}, {}, {} of {} tokens)\n", a.out.string(), counted(a.merge.size(), "file"),
        counted(sums.tensors.size(), "tensor"), counted(windows, "window"), sums.chunk_size));
}

// --- the command --------------------------------------------------------------------------------

void run_measure(ImatrixArguments& a, bool goes_on, Console& console) {
    a.measure.out = a.out;
    a.measure.json = a.json;
    a.measure.options.texts = a.audit.texts;
    if (goes_on) a.measure.options.min_expert_tokens = a.audit.fewest_tokens;
    run_measuring(a.measure, console);
}

void run_imatrix(ImatrixArguments& a, bool goes_on, Console& console) {
    if (!a.audit.file.empty()) return run_audit(a, console);
    if (!a.merge.empty()) return run_merge(a, console);
    if (!a.measure.original.empty()) return run_measure(a, goes_on, console);
    throw Error(ErrorKind::kInput, "nothing to do was given",
                "name a model to measure, a file to look at with --audit, or files to add with "
                "--merge");
}

void add_audit_options(CLI::App& command, const std::shared_ptr<ImatrixArguments>& a) {
    auto* audit =
        command
            .add_option("--audit", a->audit.file, "Say what this importance file covers of a model")
            ->type_name("FILE")
            ->group("Audit");
    auto* model = command.add_option("--model", a->audit.model, "The model it is for")
                      ->type_name("ORIGINAL")
                      ->needs(audit)
                      ->group("Audit");
    audit->needs(model);
    command
        .add_option("--against", a->audit.against,
                    "Evaluation texts: how much of each stands in the importance text, too")
        ->type_name("PATH")
        ->needs(audit)
        ->group("Audit");
    command
        .add_option(
            "--min-expert-tokens", a->audit.fewest_tokens,
            "With --audit: name experts that fewer tokens reached; measuring: read on after "
            "--max-windows until each was reached by so many")
        ->check(CLI::NonNegativeNumber)
        ->type_name("N")
        ->capture_default_str();
    command.add_flag("--markdown", a->markdown, "Print the audit as Markdown")->group("Audit");
}

void add_merge_options(CLI::App& command, const std::shared_ptr<ImatrixArguments>& a) {
    command
        .add_option("--merge", a->merge,
                    "Add up importance files of one model; one alone is converted")
        ->delimiter(',')
        ->type_name("FILE,FILE")
        ->excludes(command.get_option("--audit"))
        ->group("Merge");
}

}  // namespace

void add_imatrix(CLI::App& app, Console& console) {
    const auto a = std::make_shared<ImatrixArguments>();
    CLI::App* command =
        add_command(app, console, "imatrix", "Measure importance; audit and merge files of it",
                    "  bitgauge imatrix model-BF16.gguf -t calibration.txt -o imatrix.gguf\n"
                    "  bitgauge imatrix --audit imatrix.gguf --model model-BF16.gguf\n"
                    "  bitgauge imatrix --audit imatrix.gguf --model model-BF16.gguf \\\n"
                    "      --text calibration.txt --against wiki.test.raw\n"
                    "  bitgauge imatrix --merge a.gguf,b.gguf -o imatrix.gguf");
    command
        ->add_option(
            "-t,--text", a->audit.texts,
            "Text, JSONL or a folder; may be repeated. With --audit: what it was made from "
            "[the texts that the file names]")
        ->type_name("PATH");
    command
        ->add_option("-o,--out", a->out,
                     "The file to write: GGUF, or llama-imatrix's older format as NAME.dat")
        ->type_name("FILE");
    add_audit_options(*command, a);
    add_merge_options(*command, a);
    command->add_flag("--json", a->json, "Print one JSON record");
    add_measuring_options(*command, a->measure);
    command->callback([a, command, &console] {
        run_imatrix(*a, command->count("--min-expert-tokens") > 0, console);
    });
}

}  // namespace bitgauge
