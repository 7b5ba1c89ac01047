#include "eval/baseline_difference.h"

#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/units.h"

namespace bitgauge {
namespace {

constexpr size_t kHashDigits = 8;

std::string model_text(const ModelIdentity& model) {
    return fmt::format("'{}' ({}, content {})", model.file, format_bytes(model.size_bytes),
                       model.content_hash.substr(0, kHashDigits));
}

std::string corpus_text(const CorpusIdentity& corpus) {
    std::vector<std::string> names;
    names.reserve(corpus.files.size());
    for (const auto& file : corpus.files) names.push_back(file.name);
    return fmt::format("{} (content {})",
                       names.empty() ? "imported" : fmt::format("{}", fmt::join(names, ", ")),
                       corpus.key.substr(0, kHashDigits));
}

std::string protocol_text(const ProtocolIdentity& protocol) {
    return fmt::format("{} with windows of {} tokens, {} of them context", protocol.name,
                       protocol.window_tokens, protocol.warmup_tokens);
}

std::string extent_text(const BaselineManifest& m) {
    return fmt::format("{} windows of the text", m.identity.corpus.windows);
}

std::string calls_text(const ProtocolIdentity& protocol) {
    return fmt::format("{} sequences and {} tokens per call", protocol.sequences_per_batch,
                       protocol.tokens_per_ubatch);
}

}  // namespace

std::string baseline_difference(const BaselineManifest& its, const BaselineManifest& wanted) {
    const auto& a = its.identity;
    const auto& b = wanted.identity;
    const auto differ = [](const char* what, const std::string& one, const std::string& other) {
        return fmt::format("{} {}, not {}", what, one, other);
    };
    if (a.baseline.original.content_hash != b.baseline.original.content_hash) {
        return differ("its original is", model_text(a.baseline.original),
                      model_text(b.baseline.original));
    }
    if (a.corpus.key != b.corpus.key) {
        return differ("its text is", corpus_text(a.corpus), corpus_text(b.corpus));
    }
    if (protocol_text(a.protocol) != protocol_text(b.protocol)) {
        return differ("its protocol is", protocol_text(a.protocol), protocol_text(b.protocol));
    }
    if (a.corpus.windows != b.corpus.windows) {
        return differ("it has", extent_text(its), extent_text(wanted));
    }
    if (calls_text(a.protocol) != calls_text(b.protocol)) {
        return differ("it was made with", calls_text(a.protocol), calls_text(b.protocol));
    }
    return differ("its states are kept as", a.baseline.precision, b.baseline.precision);
}

}  // namespace bitgauge
