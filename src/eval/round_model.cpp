#include <algorithm>
#include <functional>

#include <fmt/format.h>

#include "bitgauge/error.h"
#include "bitgauge/feedback.h"
#include "bitgauge/hardware.h"
#include "bitgauge/qtype.h"

#include "base/files.h"
#include "base/hash.h"
#include "base/units.h"
#include "eval/baseline_folder.h"
#include "eval/encode_corpus.h"
#include "eval/gain_pass.h"
#include "eval/rounding_pass.h"
#include "eval/stage_way.h"
#include "eval/work.h"
#include "gguf/tensor_file.h"

namespace bitgauge {
namespace fs = std::filesystem;
namespace {

constexpr int32_t kOneLayerEach = 1 << 20;
constexpr uint64_t kWantedTokensPerChannel = 4;
constexpr uint32_t kFewestClusters = 5;  // one of them judges

PassShape shape_of(const FeedbackOptions& options, const Protocol& protocol,
                   const Model& vocabulary) {
    PassShape shape = default_shape(protocol.window_tokens, vocabulary.vocabulary());
    if (options.ubatch_tokens > 0) shape.ubatch_tokens = options.ubatch_tokens;
    shape.sequences = std::min(shape.sequences, shape.ubatch_tokens);
    return shape;
}

// Values stand in for the original's in the model that is evaluated, so they are loaded as F32.
EngineOptions engine_of(EngineOptions engine) {
    engine.single_precision = true;
    if (engine.stages == kStagesAuto) engine.stages = kOneLayerEach;
    return engine;
}

std::string identity_of(const std::string& model_hash, const Corpus& corpus,
                        const Protocol& protocol, const FeedbackOptions& options,
                        const PassShape& shape) {
    const EngineDescription engine = describe_engine();
    std::string text = fmt::format(
        "rounding/3 {} {} {} {} {} {} {} {} {} {}", model_hash, corpus.key, protocol.window_tokens,
        protocol.max_windows, protocol.max_scored, shape.sequences, shape.ubatch_tokens,
        engine.llama, engine.ggml, options.importance.empty() ? "" : hash_file(options.importance));
    for (const auto& [tensor, type] : options.types) text += fmt::format(" {}={}", tensor, type);
    return hash_text(text);
}

void require_types(const GgufFile& file, const FeedbackOptions& options) {
    for (const auto& [tensor, name] : options.types) {
        const TensorInfo* info = file.find_tensor(tensor);
        const QType* type = find_type(name);
        if (info != nullptr && type != nullptr && info->shape[0] % type->block_weights == 0)
            continue;
        throw Error(ErrorKind::kInput,
                    info == nullptr
                        ? fmt::format("'{}' has no tensor '{}', for which a type was chosen",
                                      file.shards().front().string(), tensor)
                        : fmt::format("'{}' cannot have the type {}: its rows have {} weights",
                                      tensor, name, info->shape[0]),
                    "are the types those of another model?");
    }
}

uint64_t widest_row(const GgufFile& file, const FeedbackOptions& options) {
    uint64_t widest = 0;
    for (const TensorInfo& tensor : file.tensors()) {
        if (options.types.contains(tensor.name)) widest = std::max(widest, tensor.shape[0]);
    }
    return widest;
}

void require_enough(const Windows& windows, uint64_t tokens, uint64_t widest, Progress& progress) {
    if (windows.n_clusters < kFewestClusters) {
        throw Error(
            ErrorKind::kInput,
            fmt::format("the text has {}, feedback wants {} or more: some of them judge the "
                        "roundings that the others led to",
                        counted(windows.n_clusters, windows.cluster_unit), kFewestClusters),
            "give more text");
    }
    const uint64_t wanted = kWantedTokensPerChannel * widest;
    if (tokens >= wanted) return;
    progress.warn(
        fmt::format("{} of text for rows of {} weights; {} or more are wanted, with fewer "
                    "some matrices are rounded to the nearest",
                    counted(tokens, "token"), widest, counted(wanted, "token")));
}

uint64_t tokens_of(const Windows& windows) {
    uint64_t tokens = 0;
    for (const Window& window : windows.windows) tokens += window.tokens.size();
    return tokens;
}

std::vector<RoundedTensor> reports(const fs::path& folder, const std::vector<std::string>& names) {
    std::vector<RoundedTensor> tensors;
    for (const std::string& name : names) {
        const auto file = open_tensor_file(folder, name);
        tensors.push_back(rounded_tensor_from_json(Json::parse(*file->text(kRoundingReportKey))));
    }
    return tensors;
}

// Everything but what to do, with the windows written.
struct Prepared {
    RoundingJob job;
    uint64_t windows = 0;
    uint64_t tokens = 0;
};

Prepared prepare(const fs::path& original, const fs::path& folder, const FeedbackOptions& options,
                 Progress& progress) {
    Corpus corpus = read_corpus(options.texts);
    const GgufFile file = GgufFile::open(original);
    require_types(file, options);
    const Model vocabulary = Model::load_vocabulary(original);
    Protocol protocol = options.protocol;
    const Windows windows = encode_corpus(corpus, vocabulary, protocol);
    Prepared prepared{.windows = windows.windows.size(), .tokens = tokens_of(windows)};
    require_enough(windows, prepared.tokens, widest_row(file, options), progress);
    const PassShape shape = shape_of(options, protocol, vocabulary);
    const fs::path scratch = folder / "work";
    make_folder(scratch);
    prepared.job = {.model = original,
                    .windows = scratch / "windows.gguf",
                    .folder = folder,
                    .scratch = scratch,
                    .identity = identity_of(identify_model(file, /*with_hash=*/true).content_hash,
                                            corpus, protocol, options, shape),
                    .types = options.types,
                    .importance = options.importance,
                    .moment_bytes = options.moment_bytes > 0 ? options.moment_bytes
                                                             : available_memory().bytes / 4,
                    .shape = shape,
                    .engine = engine_of(options.engine)};
    write_windows(prepared.job.windows, windows);
    return prepared;
}

fs::path kept_rounding(const RoundingJob& job) {
    return job.folder / fmt::format("rounded-{}.json", job.identity);
}

// What an earlier call came to, all tensors of which are still there; else null.
Json earlier_rounding(const RoundingJob& job) {
    if (!fs::exists(kept_rounding(job))) return nullptr;
    Json done = Json::parse(read_text_file(kept_rounding(job)));
    const bool whole = std::ranges::all_of(done.at("tensors"), [&](const std::string& tensor) {
        return open_rounded_tensor(job, tensor).has_value();
    });
    return whole ? done : nullptr;
}

Json run_prepared(RoundingJob& job, const std::function<Json()>& as_json,
                  const FeedbackOptions& options, Progress& progress) {
    job.way =
        choose_way(job.model, job.shape, job.engine, options.isolation, job.scratch, progress);
    return run_job(as_json(), job.scratch, options.isolation, progress);
}

}  // namespace

FeedbackOutcome round_with_feedback(const fs::path& original, const fs::path& folder,
                                    const FeedbackOptions& options, Progress& progress) {
    Prepared prepared = prepare(original, folder, options, progress);
    RoundingJob& job = prepared.job;
    Json done = earlier_rounding(job);
    if (done.is_null()) {
        done = run_prepared(
            job, [&] { return to_json(job); }, options, progress);
        done["evaluation"] = job.way.text;
        write_file_atomically(kept_rounding(job), done.dump());
    }
    fs::remove_all(job.scratch);
    return {.identity = job.identity,
            .windows = prepared.windows,
            .tokens = prepared.tokens,
            .tensors = reports(folder, done.at("tensors")),
            .evaluation = done.at("evaluation")};
}

FeedbackGains measure_feedback_gains(const fs::path& original, const fs::path& folder,
                                     const FeedbackOptions& options,
                                     const std::vector<std::string>& types, Progress& progress) {
    Prepared prepared = prepare(original, folder, options, progress);
    GainJob job{.base = std::move(prepared.job), .types = types};
    std::string all = job.base.identity;
    for (const std::string& type : types) all += " " + type;
    const fs::path kept = folder / fmt::format("gains-{}.json", hash_text(all));
    if (!fs::exists(kept)) {
        const Json found = run_prepared(
            job.base, [&] { return to_json(job); }, options, progress);
        write_file_atomically(kept, found.dump());
    }
    fs::remove_all(job.base.scratch);
    return Json::parse(read_text_file(kept)).get<FeedbackGains>();
}

}  // namespace bitgauge
