#pragma once

// The main job: what an original says about a text, stored once (a baseline), and how far quantized
// candidates are from it (records). Formats: docs/formats/baseline.md. Metrics: docs/metrics.md.

#include <filesystem>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "bitgauge/engine.h"
#include "bitgauge/importance.h"
#include "bitgauge/progress.h"
#include "bitgauge/record.h"
#include "bitgauge/stats.h"
#include "bitgauge/text.h"

namespace bitgauge {

struct BaselineOptions {
    std::vector<std::filesystem::path> texts;
    Protocol protocol;
    std::string precision = "auto";  // of states: auto, f16, bf16, f32 (auto: docs/metrics.md)
    uint32_t ubatch_tokens = 0;  // per decode; 0: as llama-perplexity, less for huge vocabularies
    EngineOptions engine;
    Isolation isolation;
};

struct BaselineSummary {
    MeasureRecord identity;   // baseline, protocol and corpus are filled
    uint64_t bytes = 0;       // of the folder
    uint64_t peer_bytes = 0;  // of llama-perplexity's file of the same positions
    bool was_complete = false;
};

// Makes (or goes on making) the baseline of `original` over the texts in folder `out`. Errors:
// kInput for a text that is too short or another baseline in the folder; kEnvironment;
// kInterrupted.
BaselineSummary make_baseline(const std::filesystem::path& original,
                              const std::filesystem::path& out, const BaselineOptions& options,
                              Progress& progress);

// How many scored positions of a complete baseline have no finite logits, because weights of the
// original hold NaN or infinity, or because its states overflow the precision they are kept in.
uint64_t nonfinite_positions(const std::filesystem::path& baseline);

// llama-perplexity's `_logits_` base file (--kl-divergence-base), read into a baseline folder.
// `original` may be empty: then tokenizer and tensors cannot be checked against candidates.
// Both ranges (16 and 24 nats) are read alike.
BaselineSummary import_peer_baseline(const std::filesystem::path& peer_file,
                                     const std::filesystem::path& original,
                                     const std::filesystem::path& out, Progress& progress);

// Writes a baseline of the protocol llama-perplexity as its base file. `range_nats`: 16 as
// llama.cpp, 24 as ik_llama.cpp. One that was imported is written as it came.
void export_peer_baseline(const std::filesystem::path& baseline,
                          const std::filesystem::path& peer_file, double range_nats,
                          Progress& progress);

struct MeasureOptions {
    EngineOptions engine;
    Isolation isolation;
    bool again = false;  // measure although a record is there
    std::optional<SequentialPlan> until_decided;
    uint64_t seed = 1;           // of the order of looks
    std::filesystem::path work;  // for states of candidates; default: inside the baseline
    // Takes each new record before the work that led to it is deleted.
    std::function<void(const MeasureRecord&)> keep_record;
};

struct MeasureOutcome {
    std::vector<MeasureRecord> records;  // in the order of the files
    std::vector<std::string> failures;   // files that could not be read, one sentence each
    int looks = 0;                       // of --until-decided
    bool settled = true;
    double share_of_positions = 1;  // evaluated, of the baseline's
};

// Finds an earlier record by its key; measure() asks before it works.
using FindRecord = std::function<std::optional<MeasureRecord>(const std::string& key)>;

// Measures `candidates` against the baseline, one model in memory at a time. Errors as above; a
// candidate that is of another model or vocabulary is an Error(kInput) before anything is read.
MeasureOutcome measure(std::span<const std::filesystem::path> candidates,
                       const std::filesystem::path& baseline, const MeasureOptions& options,
                       const FindRecord& find_record, Progress& progress);

struct ImportanceOptions {
    std::vector<std::filesystem::path> texts;
    // Each token is read once: windows of a document do not overlap (without BOS by one token).
    Protocol protocol{.window_tokens = 512, .warmup_tokens = 0};
    bool head =
        false;  // the output head as well, under its tensor's name (the embedding's if tied)
    bool prediction = false;    // the first layer that predicts further tokens (nextn) as well
    bool older_format = false;  // "imatrix.dat"
    int64_t min_expert_tokens =
        0;                       // with protocol.max_windows: go on until every expert saw so many
    uint32_t ubatch_tokens = 0;  // as BaselineOptions
    double checkpoint_seconds = 30;  // at least, from one copy of a whole model's sums to the next
    EngineOptions engine;
    Isolation isolation;
};

struct ImportanceOutcome {
    ImportanceProvenance made;
    uint64_t windows = 0;
    uint32_t window_tokens = 0;  // of the longest
    uint64_t tokens = 0;
    uint64_t tensors = 0;
    int64_t rarest_expert_tokens = -1;  // -1: no experts
    uint64_t bytes = 0;                 // of the file
    std::string evaluation;             // whole or staged, and why; "" when it was there already
};

// Importance of every matrix of `original` over the texts, into `out`. Work in progress lies in
// `<out>.work` and is gone on with. Errors as make_baseline's; kNotFinite where a model's
// activations are NaN or infinite.
ImportanceOutcome measure_importance(const std::filesystem::path& original,
                                     const std::filesystem::path& out,
                                     const ImportanceOptions& options, Progress& progress);

// Runs one job of the file, of those that baselines, measuring, importance and sweeps make, and
// leaves its outcome beside it; run_any_worker() of tasks.h knows all.
// Returns the exit status.
int run_worker(const std::filesystem::path& job_file, Progress& progress);

}  // namespace bitgauge
