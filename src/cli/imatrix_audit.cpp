#include "cli/imatrix_audit.h"

#include <string>

#include <fmt/format.h>

#include "bitgauge/error.h"
#include "bitgauge/recipe.h"
#include "bitgauge/text.h"

#include "base/hash.h"
#include "base/units.h"

namespace bitgauge {
namespace {

namespace fs = std::filesystem;

constexpr size_t kGramWords = 13;

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

int64_t first_prediction_layer(const GgufFile& model) {
    const std::string prefix = model.architecture() + ".";
    const int64_t layers = model.integer(prefix + "nextn_predict_layers").value_or(0);
    return layers < 1 ? -1 : model.integer(prefix + "block_count").value_or(0) - layers;
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
std::vector<fs::path> importance_texts(const ImportanceAuditRequest& a,
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
                                a.file.string(), lost.empty() ? "" : ": " + some_of(lost)),
                    "give it with --text");
    }
    if (!lost.empty()) {
        progress.warn(
            fmt::format("without {}, which importance was made from, too", some_of(lost)));
    }
    return texts;
}

std::vector<OverlapWithText> overlaps_of(const ImportanceAuditRequest& a,
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

}  // namespace

ImportanceReport audit_file(const Importance& file, const ImportanceAuditRequest& a,
                            Progress& progress) {
    const GgufFile model = GgufFile::open(a.model);
    const auto to_encode = tensors_to_encode(model);
    ImportanceReport report{.file = &file,
                            .model = a.model.filename().string(),
                            .to_encode = to_encode.size(),
                            .fewest_tokens = a.fewest_tokens,
                            .first_prediction = first_prediction_layer(model),
                            .audit = audit_importance(file, model, to_encode),
                            .contents = inspect_contents(file, model),
                            .sources = sources_of(file),
                            .gram_words = kGramWords};
    report.rare = rare_experts(report.audit.coverage, a.fewest_tokens);
    report.overlaps = overlaps_of(a, report.sources, progress);
    return report;
}

void require_sound(const ImportanceReport& report) {
    if (report.contents.bad.empty()) return;
    throw Error(
        ErrorKind::kNotFinite,
        fmt::format("'{}' holds values that are not finite or negative, in {}",
                    report.file->path().string(), counted(report.contents.bad.size(), "tensor")),
        "the model gave no finite numbers when it was measured; measure again");
}

}  // namespace bitgauge
