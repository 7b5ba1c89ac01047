#include "report/example_records.h"

#include <cmath>
#include <random>
#include <string>

#include "base/units.h"

namespace bitgauge {
namespace {

constexpr size_t kDocuments = 40;
constexpr double kTokensPerDocument = 500;
constexpr const char* kStrata[] = {"prose", "code", "dialogue"};
constexpr double kStratumFactor[] = {0.8, 1.9, 0.6};

struct File {
    const char* publisher;
    const char* label;
    double gib;
    double bits_per_weight;
    double kld_nats;
};

constexpr File kFiles[] = {
    {"atelier", "Q8_0", 3.06, 8.50, 0.0009},       {"atelier", "Q6_K", 2.36, 6.56, 0.0024},
    {"northwind", "Q5_K_M", 2.05, 5.69, 0.0058},   {"northwind", "Q4_K_M", 1.75, 4.85, 0.0142},
    {"harbour", "UD-Q4_K_XL", 1.79, 4.96, 0.0140}, {"northwind", "IQ4_XS", 1.54, 4.27, 0.0215},
    {"harbour", "UD-Q3_K_XL", 1.42, 3.93, 0.0330}, {"northwind", "Q3_K_M", 1.40, 3.87, 0.0471},
    {"atelier", "MXFP4", 1.62, 4.49, 0.0392},      {"ridge", "IQ3_S", 1.24, 3.45, 0.0630},
    {"ridge", "IQ2_M", 1.02, 2.83, 0.1710},        {"harbour", "UD-IQ2_XXS", 0.88, 2.44, 0.3350},
};

// Uniform in [-1, 1), the same on every platform.
double noise(std::mt19937& generator) {
    return static_cast<double>(generator()) / 2147483648.0 - 1.0;
}

Estimate around(double value, double share) {
    return {value, value - std::abs(value) * share, value + std::abs(value) * share};
}

ModelIdentity model_of(const File& file) {
    ModelIdentity model;
    model.publisher = file.publisher;
    model.label = file.label;
    model.file = std::string("Lumen-3B-") + file.label + ".gguf";
    model.name = "Lumen 3B";
    model.architecture = "llama";
    model.content_hash = std::string("5eed") + file.label;
    model.size_bytes = static_cast<uint64_t>(file.gib * kGiB);
    model.parameters = 3'090'000'000;
    model.bits_per_weight = file.bits_per_weight;
    model.type_bytes = {{file.label, model.size_bytes}};
    return model;
}

BaselineIdentity baseline() {
    BaselineIdentity identity;
    identity.key = "a1b2c3d4e5f60718";
    identity.kind = "states";
    identity.precision = "f16";
    identity.original = model_of({"lumen", "BF16", 5.76, 16.0, 0});
    identity.self_kld_nats = 3.1e-8;
    identity.head_check_max_abs = 2e-5;
    identity.head_check_outcome = "equal to libllama's logits up to 2e-05";
    return identity;
}

CorpusIdentity corpus() {
    CorpusIdentity identity;
    identity.key = "c0ffee";
    for (const char* stratum : kStrata) {
        identity.files.push_back({std::string(stratum) + ".txt", stratum, "h", kDocuments / 3});
    }
    identity.documents = kDocuments;
    identity.windows = 48;
    identity.scored_tokens = static_cast<uint64_t>(kDocuments * kTokensPerDocument);
    identity.cluster_unit = "document";
    return identity;
}

// The documents' own difficulty is shared by all files, so pairing has something to gain.
ClusterSeries clusters_of(const File& file, size_t index) {
    std::mt19937 documents(7), own(static_cast<uint32_t>(100 + index));
    ClusterSeries series;
    for (size_t d = 0; d < kDocuments; ++d) {
        const auto stratum = static_cast<uint32_t>(d % 3);
        const double level = kStratumFactor[stratum] * std::exp(0.5 * noise(documents));
        const double kld = file.kld_nats * level * (1 + 0.08 * noise(own));
        series.stratum.push_back(stratum);
        series.tokens.push_back(kTokensPerDocument);
        series.kld_sum.push_back(kld * kTokensPerDocument);
        series.nll_sum.push_back((1.9 + kld / 2) * kTokensPerDocument);
        series.nll_original_sum.push_back(1.9 * kTokensPerDocument);
        series.same_top_sum.push_back((1 - std::sqrt(kld) / 3) * kTokensPerDocument);
    }
    return series;
}

double mean_of(const ClusterSeries& series, int stratum) {
    double sum = 0, tokens = 0;
    for (size_t i = 0; i < series.tokens.size(); ++i) {
        if (stratum >= 0 && series.stratum[i] != static_cast<uint32_t>(stratum)) continue;
        sum += series.kld_sum[i];
        tokens += series.tokens[i];
    }
    return sum / tokens;
}

DivergenceSummary divergence_of(double mean) {
    return {around(mean, 0.04),
            around(mean * 0.35, 0.05),
            around(mean * 2.3, 0.05),
            around(mean * 4.1, 0.06),
            around(mean * 11, 0.08),
            around(mean * 34, 0.15),
            mean * 120,
            mean * 0.01};
}

std::vector<StratumSummary> strata_of(const ClusterSeries& series) {
    std::vector<StratumSummary> strata;
    for (int s = 0; s < 3; ++s) {
        const double kld = mean_of(series, s);
        strata.push_back({kStrata[s], 6500, 13, around(kld, 0.09), around(1 + kld / 2, 0.002),
                          around(1 - std::sqrt(kld) / 3, 0.004)});
    }
    return strata;
}

std::vector<PositionBucket> positions_of(double mean) {
    std::vector<PositionBucket> buckets;
    for (uint32_t first = 64; first < 2048; first *= 2) {
        const double depth = std::log2(first / 64.0);
        buckets.push_back(
            {first, 2 * first - 1, uint64_t{first} * 10, mean * (1.25 - 0.09 * depth)});
    }
    return buckets;
}

// Positions spread like a normal distribution of log10 KLD, a decade wide.
LogHistogram histogram_of(double mean) {
    LogHistogram histogram;
    const double centre = std::log10(mean) - 0.6;
    for (double edge = -8; edge < 1.51; edge += 0.25) histogram.log10_edges.push_back(edge);
    for (size_t i = 0; i + 1 < histogram.log10_edges.size(); ++i) {
        const double z = (histogram.log10_edges[i] + 0.125 - centre) / 0.9;
        histogram.counts.push_back(static_cast<uint64_t>(2200 * std::exp(-z * z / 2)));
    }
    return histogram;
}

void set_figures(MeasureRecord& record) {
    const double mean = mean_of(record.clusters, -1);
    record.kld_nats = divergence_of(mean);
    record.noise_floor_nats = 0.00005;
    record.ppl_original = std::exp(1.9);
    record.ppl_ratio = around(std::exp(mean / 2), mean / 20 + 0.0004);
    record.ln_ppl_ratio = around(mean / 2, 0.1);
    record.ppl = around(record.ppl_original * record.ppl_ratio.value, 0.03);
    record.same_top = around(1 - std::sqrt(mean) / 3, 0.002);
    record.mean_delta_p = around(-mean / 8, 0.2);
    record.rms_delta_p = around(std::sqrt(mean) / 5, 0.03);
    record.strata = strata_of(record.clusters);
    record.by_position = positions_of(mean);
    record.histogram = histogram_of(mean);
}

MeasureRecord record_of(const File& file, size_t index) {
    MeasureRecord record;
    record.key = std::string("record-") + file.label;
    record.created_utc = "2026-11-21T12:00:00Z";
    record.model = model_of(file);
    record.baseline = baseline();
    record.protocol = {"documents", 2048, 64, true, 4, 512};
    record.corpus = corpus();
    record.clusters = clusters_of(file, index);
    record.scored_positions = record.corpus.scored_tokens;
    record.build = {"0.1.0", "0.5.0 (3af988f)", "0.25.3", "CPU", "a processor", 2};
    record.elapsed_s = 61.5;
    set_figures(record);
    return record;
}

}  // namespace

std::vector<MeasureRecord> example_records() {
    std::vector<MeasureRecord> records;
    for (const File& file : kFiles) records.push_back(record_of(file, records.size()));
    MeasureRecord& last = records.back();
    last.nonfinite_positions = 1;
    last.scored_positions -= 1;
    return records;
}

}  // namespace bitgauge
