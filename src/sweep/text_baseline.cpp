#include "sweep/text_baseline.h"

#include <fmt/format.h>

namespace bitgauge {
namespace {

constexpr double kEnough = 0.9;  // of what was asked for

void warn_of_little(const TextSlice& slice, uint64_t scored, Progress& progress) {
    if (static_cast<double>(scored) >= kEnough * static_cast<double>(slice.tokens)) return;
    progress.warn(fmt::format(
        "the text has {} positions to score, {} were asked for: {:.1f} times "
        "as much text would do",
        scored, slice.tokens, static_cast<double>(slice.tokens) / static_cast<double>(scored)));
}

}  // namespace

BaselineManifest make_text_baseline(const std::filesystem::path& original,
                                    const std::filesystem::path& folder, const TextSlice& slice,
                                    const EngineOptions& engine, const Isolation& isolation,
                                    Progress& progress) {
    BaselineOptions options{
        .texts = slice.texts, .protocol = slice.protocol, .engine = engine, .isolation = isolation};
    options.protocol.max_scored = slice.tokens;
    make_baseline(original, folder, options, progress);
    BaselineManifest manifest = read_manifest({folder});
    warn_of_little(slice, manifest.identity.corpus.scored_tokens, progress);
    return manifest;
}

}  // namespace bitgauge
