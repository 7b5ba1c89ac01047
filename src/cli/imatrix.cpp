#include <algorithm>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "bitgauge/error.h"
#include "bitgauge/importance.h"
#include "bitgauge/recipe.h"
#include "bitgauge/text.h"

#include "base/hash.h"
#include "base/json.h"
#include "base/units.h"
#include "cli/commands.h"
#include "cli/imatrix_measure.h"
#include "cli/importance_report.h"

#include "importance/importance_sums.h"

namespace bitgauge {
namespace {

namespace fs = std::filesystem;

constexpr size_t kGramWords = 13;

struct ImatrixArguments {
    std::vector<fs::path> texts;
    fs::path out;
    fs::path audit;
    fs::path model;
    std::vector<fs::path> against;
    std::vector<fs::path> merge;
    int64_t fewest_tokens = 100;
    bool markdown = false;
    bool json = false;
    MeasureImportance measure;
};

void print_record(const Json& record, Console& console) {
    // names in a model file may be no UTF-8
    console.print(record.dump(2, ' ', false, Json::error_handler_t::replace) + "\n");
}

// --- audit --------------------------------------------------------------------------------------

// The tensors that a recipe encodes unless it says otherwise.
std::vector<std::string> tensors_to_encode(const GgufFile& model) {
    const Resolution resolution = resolve(model_header(model), *find_preset("Q8_0"), true);
    std::vector<std::string> names;
    for (const ResolvedTensor& tensor : resolution.tensors) {
        const bool never = tensor.recipe.empty();
        if (!never) names.push_back(tensor.name);
    }
    return names;
}

// As it is written, or beside the importance file.
fs::path found_path(const Importance& file, const std::string& written) {
    std::error_code failed;
    for (const fs::path& path : {fs::path(written), file.path().parent_path() / written,
                                 file.path().parent_path() / fs::path(written).filename()}) {
        if (fs::exists(path, failed)) return path;
    }
    return {};
}

SourceText source_of(const Importance& file, const std::string& written, const std::string& hash) {
    const fs::path path = found_path(file, written);
    if (path.empty()) return {written, SourceText::State::kGone};
    if (hash.empty() || !fs::is_regular_file(path)) {
        return {path.string(), SourceText::State::kUnchecked};
    }
    return {path.string(),
            hash_file(path) == hash ? SourceText::State::kSame : SourceText::State::kChanged};
}

std::vector<SourceText> sources_of(const Importance& file) {
    std::vector<SourceText> sources;
    for (const auto& text : file.made().texts) {
        sources.push_back(source_of(file, text.path, text.content_hash));
    }
    if (!sources.empty()) return sources;
    for (const std::string& dataset : file.datasets()) {
        sources.push_back(source_of(file, dataset, ""));
    }
    return sources;
}

// The texts that the importance was made from: those given, else those the file names.
std::vector<fs::path> importance_texts(const ImatrixArguments& a,
                                       const std::vector<SourceText>& sources, Progress& progress) {
    if (!a.texts.empty()) return a.texts;
    std::vector<fs::path> texts;
    std::vector<std::string> lost;
    for (const SourceText& source : sources) {
        const bool there = source.state == SourceText::State::kSame ||
                           source.state == SourceText::State::kUnchecked;
        if (there) {
            texts.push_back(source.path);
        } else {
            lost.push_back(source.path);
        }
    }
    if (texts.empty()) {
        throw Error(ErrorKind::kInput,
                    fmt::format("no text that '{}' was made from is here as it was{}",
                                a.audit.string(), lost.empty() ? "" : ": " + some_of(lost)),
                    "give it with --text");
    }
    if (!lost.empty()) {
        progress.warn(
            fmt::format("without {}, which importance was made from, too", some_of(lost)));
    }
    return texts;
}

std::vector<OverlapWithText> overlaps_of(const ImatrixArguments& a,
                                         const std::vector<SourceText>& sources,
                                         Progress& progress) {
    std::vector<OverlapWithText> overlaps;
    if (a.against.empty()) return overlaps;
    const Corpus importance = read_corpus(importance_texts(a, sources, progress));
    for (const fs::path& path : a.against) {
        const Corpus evaluation = read_corpus(std::vector<fs::path>{path});
        overlaps.push_back({path.string(), text_overlap(importance, evaluation, kGramWords)});
    }
    return overlaps;
}

void require_sound(const ImatrixArguments& a, const ImportanceContents& contents) {
    if (contents.bad.empty()) return;
    throw Error(ErrorKind::kNotFinite,
                fmt::format("'{}' holds values that are not finite or negative, in {}",
                            a.audit.string(), counted(contents.bad.size(), "tensor")),
                "the model gave no finite numbers when it was measured; measure again");
}

void run_audit(const ImatrixArguments& a, Console& console) {
    const Importance file = Importance::read(a.audit, BadNumbers::kKeep);
    const GgufFile model = GgufFile::open(a.model);
    const auto to_encode = tensors_to_encode(model);
    ImportanceReport report{.file = &file,
                            .model = a.model.filename().string(),
                            .to_encode = to_encode.size(),
                            .fewest_tokens = a.fewest_tokens,
                            .audit = audit_importance(file, model, to_encode),
                            .contents = inspect_contents(file, model),
                            .sources = sources_of(file),
                            .gram_words = kGramWords};
    report.rare = rare_experts(report.audit.coverage, a.fewest_tokens);
    report.overlaps = overlaps_of(a, report.sources, console.progress());
    if (a.json) {
        print_record(importance_json(report), console);
    } else {
        console.print(
            importance_text(report, a.markdown ? Page::Form::kMarkdown : Page::Form::kTerminal));
    }
    require_sound(a, report.contents);
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
    a.measure.options.texts = a.texts;
    if (goes_on) a.measure.options.min_expert_tokens = a.fewest_tokens;
    run_measuring(a.measure, console);
}

void run_imatrix(ImatrixArguments& a, bool goes_on, Console& console) {
    if (!a.audit.empty()) return run_audit(a, console);
    if (!a.merge.empty()) return run_merge(a, console);
    if (!a.measure.original.empty()) return run_measure(a, goes_on, console);
    throw Error(ErrorKind::kInput, "nothing to do was given",
                "name a model to measure, a file to look at with --audit, or files to add with "
                "--merge");
}

void add_audit_options(CLI::App& command, const std::shared_ptr<ImatrixArguments>& a) {
    auto* audit =
        command.add_option("--audit", a->audit, "Say what this importance file covers of a model")
            ->type_name("FILE")
            ->group("Audit");
    auto* model = command.add_option("--model", a->model, "The model it is for")
                      ->type_name("ORIGINAL")
                      ->needs(audit)
                      ->group("Audit");
    audit->needs(model);
    command
        .add_option("--against", a->against,
                    "Evaluation texts: how much of each stands in the importance text, too")
        ->type_name("TEXT")
        ->needs(audit)
        ->group("Audit");
    command
        .add_option(
            "--min-expert-tokens", a->fewest_tokens,
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
    CLI::App* command = add_command(
        app, console, "imatrix", "Measure importance; what a file covers; several as one",
        "  bitgauge imatrix model-BF16.gguf -t calibration.txt -o imatrix.gguf\n"
        "  bitgauge imatrix --audit imatrix.gguf --model model-BF16.gguf\n"
        "  bitgauge imatrix --audit imatrix.gguf --model model-BF16.gguf \\\n"
        "      --text calibration.txt --against wiki.test.raw\n"
        "  bitgauge imatrix --merge a.gguf,b.gguf -o imatrix.gguf");
    command
        ->add_option(
            "-t,--text", a->texts,
            "Text, JSONL or a folder; may be repeated. With --audit: what it was made from "
            "[the texts that the file names]")
        ->type_name("TEXT");
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
