#include "eval/candidate.h"

#include <map>
#include <string_view>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "bitgauge/error.h"

#include "base/hash.h"

namespace bitgauge {
namespace {

// Tensors that a quantizer may leave out or add without changing the function of the model that is
// measured: tied heads, tables that libllama computes itself, scales, prediction of further tokens.
bool may_differ(const std::string& name) {
    constexpr std::string_view kParts[] = {"output.weight", "rope_freqs", "rope_factors",
                                           ".nextn.",       ".scale",     "_scale"};
    for (std::string_view part : kParts) {
        if (name.find(part) != std::string::npos) return true;
    }
    return false;
}

[[noreturn]] void refuse(const std::filesystem::path& path, const std::string& why) {
    throw Error(ErrorKind::kInput,
                fmt::format("'{}' is not a quantization of the baseline's original: {}",
                            path.string(), why),
                "make a baseline from this file's own original: bitgauge baseline ORIGINAL.gguf -t "
                "TEXT -o DIR");
}

void require_same_tensors(const GgufFile& file, const BaselineManifest& baseline,
                          const std::filesystem::path& path) {
    std::map<std::string, std::vector<uint64_t>> wanted;
    for (const TensorShape& tensor : baseline.tensors) wanted[tensor.name] = tensor.shape;
    for (const TensorShape& tensor : tensor_shapes(file)) {
        const auto found = wanted.find(tensor.name);
        if (found == wanted.end()) {
            if (may_differ(tensor.name)) continue;
            refuse(path, fmt::format("it has a tensor {} that the original lacks", tensor.name));
        }
        if (found->second != tensor.shape) {
            refuse(path,
                   fmt::format("{} is {} in it and {} in the original", tensor.name,
                               fmt::join(tensor.shape, " x "), fmt::join(found->second, " x ")));
        }
        wanted.erase(found);
    }
    for (const auto& [name, shape] : wanted) {
        if (!may_differ(name)) refuse(path, fmt::format("it lacks the original's tensor {}", name));
    }
}

}  // namespace

void require_comparable(const GgufFile& file, const BaselineManifest& baseline,
                        const std::filesystem::path& path) {
    const ModelIdentity& original = baseline.identity.baseline.original;
    if (!original.architecture.empty() && file.architecture() != original.architecture) {
        refuse(path, fmt::format("its architecture is '{}'; the original's is '{}'",
                                 file.architecture(), original.architecture));
    }
    if (file.vocabulary() != baseline.vocabulary) {
        throw Error(
            ErrorKind::kInput,
            fmt::format("'{}' has a vocabulary of {} tokens; the baseline was made with {}",
                        path.string(), file.vocabulary(), baseline.vocabulary),
            "make a baseline from this file's own original: bitgauge baseline ORIGINAL.gguf "
            "-t TEXT -o DIR");
    }
    if (!baseline.tokenizer_hash.empty() && file.tokenizer_hash() != baseline.tokenizer_hash) {
        throw Error(
            ErrorKind::kInput,
            fmt::format("'{}' has another tokenizer than the baseline's original ({} and {})",
                        path.string(), file.tokenizer_hash().substr(0, 8),
                        baseline.tokenizer_hash.substr(0, 8)),
            "bitgauge inspect shows both; the original may have been updated since: make the "
            "baseline from the same version");
    }
    if (!baseline.tensors.empty()) require_same_tensors(file, baseline, path);
}

Candidate open_candidate(const std::filesystem::path& path, const BaselineManifest& baseline,
                         const std::filesystem::path& work_root) {
    const GgufFile file = GgufFile::open(path);
    require_comparable(file, baseline, path);
    Candidate candidate{.path = path, .identity = identify_model(file, /*with_hash=*/true)};
    const EngineDescription engine = describe_engine();
    candidate.key = hash_text(
        fmt::format("{} {} {} {} {}", MeasureRecord::kSchema, candidate.identity.content_hash,
                    baseline.identity.baseline.key, engine.llama, engine.ggml));
    candidate.work = work_root / candidate.key;
    return candidate;
}

}  // namespace bitgauge
