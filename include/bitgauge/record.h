#pragma once

// One measurement of one candidate against one baseline, with everything needed to repeat it, to
// pair it with others over the same baseline, and to print or plot it: `bitgauge.measure/1`.
//
// Units: nats for divergences and log-likelihoods (natural logarithm), probabilities in [0, 1],
// sizes in bytes. Every Estimate is a 95 % interval over documents (see docs/metrics.md).

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "bitgauge/build_identity.h"
#include "bitgauge/estimate.h"
#include "bitgauge/identity.h"

namespace bitgauge {

struct BaselineIdentity {
    std::string key;        // content key: model, text, protocol, precision
    std::string kind;       // "states", "log-probabilities" or "imported"
    std::string precision;  // "f16", "bf16", "f32", "u16 (16 nats)"
    ModelIdentity original;
    double self_kld_nats = 0;        // KLD of the stored form against the unrounded one
    double head_check_max_abs = 0;   // largest logit difference to libllama's own, first window
    std::string head_check_outcome;  // one sentence
    std::string evaluation;          // as BuildIdentity's
};

struct ProtocolIdentity {
    std::string name;  // "documents" or "llama-perplexity"
    uint32_t window_tokens = 0;
    uint32_t warmup_tokens = 0;  // positions at a window's start that are context only
    bool adds_bos = false;
    uint32_t sequences_per_batch = 0;
    uint32_t tokens_per_ubatch = 0;
};

struct CorpusIdentity {
    struct File {
        std::string name;  // base name
        std::string stratum;
        std::string content_hash;
        uint64_t documents = 0;
    };
    std::string key;  // over all texts in order
    std::vector<File> files;
    uint64_t documents = 0;  // that have at least one scored position
    uint64_t windows = 0;
    uint64_t scored_tokens = 0;
    std::string cluster_unit;  // "document" or "block of N windows"
};

// The distribution over positions of a divergence: point values, each with its interval.
struct DivergenceSummary {
    Estimate mean;
    Estimate median;
    Estimate p90, p95, p99, p999;
    double maximum = 0;
    double naive_standard_error = 0;  // as llama-perplexity prints it: tokens as if independent
};

struct StratumSummary {
    std::string name;
    uint64_t scored_tokens = 0;
    uint64_t documents = 0;
    Estimate kld_nats;
    Estimate ppl_ratio;
    Estimate same_top;
};

struct PositionBucket {
    uint32_t first = 0;  // position within the window, inclusive
    uint32_t last = 0;   // inclusive
    uint64_t scored_tokens = 0;
    double kld_nats = 0;  // mean
};

// Counts of positions by log10 of their divergence; bucket i spans [edges[i], edges[i+1]); values
// below the first edge (also zero and negative) are counted in the first bucket.
struct LogHistogram {
    std::vector<double> log10_edges;
    std::vector<uint64_t> counts;
};

// Sums over the finite scored positions of each cluster: what pairs this record with another of
// the same baseline. All vectors have one entry per cluster, in the order of the corpus.
struct ClusterSeries {
    std::vector<uint32_t> stratum;  // index into strata
    std::vector<double> tokens;
    std::vector<double> kld_sum;
    std::vector<double> nll_sum;
    std::vector<double> nll_original_sum;
    std::vector<double> same_top_sum;
};

struct MeasureRecord {
    static constexpr const char* kSchema = "bitgauge.measure/1";

    std::string key;  // content key: model, baseline, protocol, build; equal keys, equal numbers
    std::string created_utc;  // "2026-11-21T12:00:00Z"
    ModelIdentity model;
    BaselineIdentity baseline;
    ProtocolIdentity protocol;
    CorpusIdentity corpus;

    uint64_t scored_positions = 0;     // finite ones, over which all means are taken
    uint64_t nonfinite_positions = 0;  // left out of every mean, and reported
    bool complete = true;              // false when --until-decided stopped early

    DivergenceSummary kld_nats;
    double noise_floor_nats = 0;  // differences of mean KLD below this mean nothing
    Estimate ppl;
    double ppl_original = 0;
    Estimate ppl_ratio;     // candidate / original, paired
    Estimate ln_ppl_ratio;  // paired
    Estimate same_top;      // share of positions, [0, 1]
    Estimate mean_delta_p;  // p_candidate(next) - p_original(next)
    Estimate rms_delta_p;

    std::vector<StratumSummary> strata;
    std::vector<PositionBucket> by_position;
    LogHistogram histogram;
    ClusterSeries clusters;
    BuildIdentity build;
    double elapsed_s = 0;
    // Further printed statistics of llama-perplexity, by its own names ("99.0% Δp", ...); filled
    // under the protocol of that name.
    std::map<std::string, double> peer_statistics;
};

}  // namespace bitgauge
