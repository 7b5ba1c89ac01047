#include "sweep/shared_texts.h"

#include <fmt/format.h>

#include "bitgauge/error.h"

#include "base/files.h"

namespace bitgauge {
namespace fs = std::filesystem;
namespace {

constexpr double kImportanceShare = 0.4, kSweepShare = 0.3, kHeldOutShare = 0.3;
constexpr double kMuchOverlap = 0.01;

std::vector<fs::path> write_part(const Corpus& part, const fs::path& path, const char* purpose) {
    if (part.documents.empty()) {
        throw Error(ErrorKind::kInput,
                    fmt::format("the texts have too few documents to leave some for {}", purpose),
                    "add texts (-t), or name the text for verification with --held-out");
    }
    write_corpus(part, path);
    return {path};
}

void warn_of_overlap(const TextOverlap& overlap, Progress& progress) {
    if (overlap.share <= kMuchOverlap) return;
    progress.warn(fmt::format(
        "{:.1f} % of the held-out text's runs of 13 words stand in the other texts as well, for "
        "example '{}': what is measured there flatters",
        100 * overlap.share, overlap.examples.empty() ? "" : overlap.examples.front()));
}

Corpus joined(const std::vector<fs::path>& a, const std::vector<fs::path>& b) {
    std::vector<fs::path> all = a;
    all.insert(all.end(), b.begin(), b.end());
    return read_corpus(all);
}

}  // namespace

StepTexts share_texts(const std::vector<fs::path>& texts, const std::vector<fs::path>& held_out,
                      bool with_importance, const fs::path& folder, Progress& progress) {
    make_folder(folder);
    const double shares[] = {with_importance ? kImportanceShare : 0, kSweepShare,
                             held_out.empty() ? kHeldOutShare : 0};
    const auto parts = split_corpus(read_corpus(texts), shares);
    StepTexts steps{.held_out = held_out};
    if (with_importance) {
        steps.importance = write_part(parts[0], folder / "importance.jsonl", "importance");
    }
    steps.sweep = write_part(parts[1], folder / "sweep.jsonl", "the sweep");
    if (held_out.empty()) {
        steps.held_out = write_part(parts[2], folder / "held-out.jsonl", "verification");
    }
    steps.overlap =
        text_overlap(joined(steps.importance, steps.sweep), read_corpus(steps.held_out));
    warn_of_overlap(steps.overlap, progress);
    return steps;
}

}  // namespace bitgauge
