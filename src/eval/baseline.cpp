#include <algorithm>

#include <fmt/format.h>

#include "bitgauge/error.h"
#include "bitgauge/eval.h"

#include "base/files.h"
#include "base/hash.h"
#include "eval/baseline_folder.h"
#include "eval/baseline_reader.h"
#include "eval/corpus_identity.h"
#include "eval/encode_corpus.h"
#include "eval/log_probability_rows.h"
#include "eval/work.h"

namespace bitgauge {
namespace fs = std::filesystem;
namespace {

constexpr size_t kShardPositions = 4096;                  // of states
constexpr uint64_t kShardRowBytes = uint64_t{256} << 20;  // of log-probabilities

// Whole batches whose scored positions are about `positions`.
uint32_t windows_per_shard(const Windows& windows, uint32_t sequences, size_t positions) {
    const size_t per_window =
        std::max<size_t>(1, windows.scored_positions() / windows.windows.size());
    const auto batches = std::max<size_t>(1, positions / (per_window * sequences));
    return static_cast<uint32_t>(batches) * sequences;
}

StatePrecision choose_precision(const BaselineOptions& options, const ModelHead& head) {
    if (options.precision != "auto") return state_precision_by_name(options.precision);
    if (options.engine.single_precision) return StatePrecision::kF32;
    return state_precision_by_name(natural_state_precision(head.tensor().type_id));
}

ProtocolIdentity protocol_identity(const Protocol& protocol, const PassShape& shape,
                                   bool adds_bos) {
    const bool peer = protocol.kind == Protocol::Kind::kLlamaPerplexity;
    return {.name = peer ? "llama-perplexity" : "documents",
            .window_tokens = protocol.window_tokens,
            .warmup_tokens = peer ? protocol.window_tokens / 2 : protocol.warmup_tokens,
            .adds_bos = adds_bos,
            .sequences_per_batch = shape.sequences,
            .tokens_per_ubatch = shape.ubatch_tokens};
}

std::string baseline_key(const BaselineManifest& m) {
    const auto& [name, window, warmup, bos, sequences, ubatch] = m.identity.protocol;
    return hash_text(fmt::format(
        "{} {} {} {} {} {} {} {} {} {} {} {}{}", BaselineManifest::kSchema,
        m.identity.baseline.original.content_hash, m.identity.corpus.key, m.identity.corpus.windows,
        m.identity.corpus.scored_tokens, name, window, warmup, bos, sequences, ubatch,
        m.identity.baseline.precision, m.single_precision ? " single precision" : ""));
}

// One window has no uncertainty; who asks for one (--max-windows 1) knows.
void require_two_windows(const Windows& windows, const Protocol& protocol) {
    if (windows.windows.size() >= 2 || protocol.max_windows == 1) return;
    throw Error(
        ErrorKind::kInput,
        fmt::format("the text is too short: its {} tokens fill one window of up to {} tokens, "
                    "two are needed",
                    windows.windows.front().tokens.size(), protocol.window_tokens),
        "give more text or make the windows shorter (--window)");
}

// Everything known before the model is evaluated.
BaselineManifest plan_baseline(const fs::path& original, const BaselineOptions& options,
                               Windows& windows) {
    Corpus corpus = read_corpus(options.texts);
    const GgufFile file = GgufFile::open(original);
    const ModelHead head(original);
    const Model vocabulary = Model::load_vocabulary(original);
    Protocol protocol = options.protocol;
    windows = encode_corpus(corpus, vocabulary, protocol);
    require_two_windows(windows, protocol);
    PassShape shape = default_shape(protocol.window_tokens, vocabulary.vocabulary());
    if (options.ubatch_tokens > 0) shape.ubatch_tokens = options.ubatch_tokens;
    shape.sequences = std::min(shape.sequences, shape.ubatch_tokens);
    BaselineManifest m;
    m.single_precision = options.engine.single_precision;
    m.identity.baseline.kind = "states";
    m.identity.baseline.precision = to_string(choose_precision(options, head));
    m.identity.baseline.original = identify_model(file, /*with_hash=*/true);
    m.identity.protocol = protocol_identity(protocol, shape, vocabulary.adds_bos());
    m.identity.corpus = corpus_identity(corpus, windows);
    m.tokenizer_hash = file.tokenizer_hash();
    m.tensors = tensor_shapes(file);
    m.vocabulary = vocabulary.vocabulary();
    m.width = head.head().width();
    m.windows = windows.windows.size();
    m.windows_per_shard = windows_per_shard(windows, shape.sequences, kShardPositions);
    m.identity.baseline.key = baseline_key(m);
    return m;
}

CaptureJob capture_job(const fs::path& original, const BaselineFolder& folder,
                       const BaselineManifest& m, const EngineOptions& engine) {
    CaptureJob job{.kind = m.has_states() ? CaptureKind::kStates : CaptureKind::kLogProbabilities,
                   .model = original,
                   .windows = folder.windows(),
                   .out = folder.root,
                   .identity = m.identity.baseline.key,
                   .shape = m.pass_shape(),
                   .windows_per_shard = m.windows_per_shard,
                   .noise_floor = m.has_states(),
                   .engine = engine};
    if (m.has_states()) job.precision = state_precision_by_name(m.identity.baseline.precision);
    for (size_t shard = 0; shard < m.shards(); ++shard) job.shards.push_back(shard);
    return job;
}

// States and head do not give this model's logits: log-probabilities are kept instead.
void fall_back(BaselineManifest& m, const Windows& windows, const HeadCheck& check) {
    const uint64_t row_bytes = 2 * log_probability_row_values(m.vocabulary);
    m.identity.baseline.kind = "log-probabilities";
    m.identity.baseline.precision = "u16 (whole range)";
    m.identity.baseline.head_check_outcome = check.outcome;
    m.windows_per_shard = windows_per_shard(windows, m.identity.protocol.sequences_per_batch,
                                            kShardRowBytes / row_bytes);
}

void keep_report(BaselineManifest& m, const CaptureReport& report) {
    const HeadCheck& check = report.check;
    // what the stored precision alone moves is noise as well
    m.identity.noise_floor_nats = std::max(report.noise_floor_nats, check.self_kld_nats);
    m.head_scale = check.scale;
    m.head_softcap = check.softcap;
    m.identity.baseline.self_kld_nats = check.self_kld_nats;
    m.identity.baseline.evaluation = report.evaluation;
    m.identity.baseline.head_check_max_abs = check.max_abs;
    m.identity.baseline.head_check_outcome = check.outcome;
}

uint64_t folder_bytes(const fs::path& folder) {
    uint64_t bytes = 0;
    for (const auto& entry : fs::directory_iterator(folder)) {
        if (entry.is_regular_file()) bytes += entry.file_size();
    }
    return bytes;
}

BaselineSummary summary_of(const BaselineFolder& folder, const BaselineManifest& m,
                           bool was_complete) {
    const uint64_t row_bytes = 2 * log_probability_row_values(m.vocabulary);
    return {.identity = m.identity,
            .bytes = folder_bytes(folder.root),
            .peer_bytes = m.identity.corpus.scored_tokens * row_bytes,
            .was_complete = was_complete};
}

void evaluate(const fs::path& original, const BaselineFolder& folder, BaselineManifest& m,
              const Windows& windows, const BaselineOptions& options, Progress& progress) {
    if (m.has_states()) {
        const CaptureReport report = run_capture(capture_job(original, folder, m, options.engine),
                                                 options.isolation, progress);
        keep_report(m, report);
        if (report.check.reproduced) return;
        progress.warn(fmt::format("{}: {}; the baseline keeps log-probabilities",
                                  original.filename().string(), report.check.outcome));
        fall_back(m, windows, report.check);
        write_manifest(folder, m);
    }
    run_capture(capture_job(original, folder, m, options.engine), options.isolation, progress);
}

// Whether every file of a complete baseline is there and undamaged.
bool is_whole(const BaselineFolder& folder, const BaselineManifest& m) {
    const std::string& key = m.identity.baseline.key;
    const auto kind = m.has_states() ? CaptureKind::kStates : CaptureKind::kLogProbabilities;
    for (size_t shard = 0; shard < m.shards(); ++shard) {
        if (!shard_is_good(folder.shard(shard), shard_schema(kind), key)) return false;
    }
    return shard_is_good(folder.head(), kHeadSchema, key) &&
           shard_is_good(folder.windows(), kWindowsSchema, "");
}

}  // namespace

BaselineSummary make_baseline(const fs::path& original, const fs::path& out,
                              const BaselineOptions& options, Progress& progress) {
    const BaselineFolder folder{out};
    Windows windows;
    BaselineManifest m = plan_baseline(original, options, windows);
    make_folder(out);
    const auto earlier = earlier_manifest(folder, m);
    if (earlier) m = *earlier;
    if (m.complete && is_whole(folder, m)) return summary_of(folder, m, /*was_complete=*/true);
    m.complete = false;
    write_windows(folder.windows(), windows);
    if (!shard_is_good(folder.head(), kHeadSchema, m.identity.baseline.key)) {
        write_head_file(original, folder.head(), m.identity.baseline.key);
    }
    write_manifest(folder, m);
    evaluate(original, folder, m, windows, options, progress);
    m.complete = true;
    write_manifest(folder, m);
    for (const char* left : {"job.json", "job.json.outcome"}) fs::remove(out / left);
    return summary_of(folder, m, /*was_complete=*/false);
}

}  // namespace bitgauge
