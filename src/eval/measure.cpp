#include <algorithm>
#include <random>

#include <fmt/format.h>

#include "bitgauge/error.h"
#include "bitgauge/eval.h"

#include "base/clock.h"
#include "base/hash.h"
#include "eval/measurement.h"

namespace bitgauge {
namespace fs = std::filesystem;
namespace {

// Shares of the shards after each look; later looks cost more and decide less.
std::vector<size_t> look_ends(size_t shards, int looks) {
    std::vector<size_t> ends;
    for (int look = 1; look <= looks; ++look) {
        const double x = static_cast<double>(look) / looks;
        const auto end = static_cast<size_t>(std::ceil(static_cast<double>(shards) * x * x));
        if (ends.empty() || end > ends.back()) ends.push_back(std::max<size_t>(1, end));
    }
    return ends;
}

SequentialDecision decide(const Measurement& measurement, std::span<const Candidate> candidates,
                          const SequentialPlan& plan) {
    const PositionPlaces places = measurement.places();
    std::vector<std::vector<double>> sums;
    std::vector<double> counts;
    for (const Candidate& candidate : candidates) {
        const ClusterSeries series = cluster_series(measurement.values_of(candidate), places,
                                                    measurement.baseline().windows());
        sums.push_back(series.kld_sum);
        counts = series.tokens;
    }
    return decide_ranking(sums, counts, plan);
}

void evaluate_until_decided(Measurement& measurement, std::span<Candidate> candidates,
                            const MeasureOptions& options, Progress& progress,
                            MeasureOutcome& outcome) {
    std::vector<size_t> order = all_shards(measurement.manifest().shards());
    std::mt19937_64 random(options.seed);
    std::ranges::shuffle(order, random);
    SequentialPlan plan = *options.until_decided;
    const std::vector<size_t> ends = look_ends(order.size(), plan.looks);
    plan.looks = static_cast<int>(ends.size());
    outcome.settled = false;
    for (size_t begin = 0; const size_t end : ends) {
        measurement.evaluate(candidates, {order.begin() + static_cast<ptrdiff_t>(begin),
                                          order.begin() + static_cast<ptrdiff_t>(end)});
        begin = end;
        ++outcome.looks;
        const SequentialDecision decision = decide(measurement, candidates, plan);
        progress.detail(fmt::format("look {} of {}: {} of {} shards, {} pairs open", outcome.looks,
                                    plan.looks, end, order.size(), decision.undecided_pairs));
        outcome.settled = decision.settled;
        if (decision.settled) return;
    }
}

// A record of part of the positions must not be taken for one of all.
std::string partial_key(const std::string& key, double share, uint64_t seed) {
    return hash_text(fmt::format("{} {} {}", key, share, seed));
}

}  // namespace

MeasureOutcome measure(std::span<const fs::path> paths, const fs::path& baseline,
                       const MeasureOptions& options, const FindRecord& find_record,
                       Progress& progress) {
    const double start = steady_seconds();
    Measurement measurement(baseline, options, progress);
    MeasureOutcome outcome;
    std::vector<Candidate> todo;
    std::vector<std::optional<MeasureRecord>> known;
    for (const fs::path& path : paths) {
        Candidate candidate = measurement.open(path);
        const bool look_up = find_record && !options.again && !options.until_decided;
        known.push_back(look_up ? find_record(candidate.key) : std::nullopt);
        if (known.back()) known.back()->model.file = candidate.identity.file;
        if (!known.back()) todo.push_back(std::move(candidate));
    }
    if (options.until_decided) {
        evaluate_until_decided(measurement, todo, options, progress, outcome);
    } else {
        measurement.evaluate(todo, all_shards(measurement.manifest().shards()));
    }
    if (!todo.empty()) outcome.share_of_positions = measurement.share();
    const PositionPlaces places = measurement.places();
    const double elapsed = steady_seconds() - start;
    for (size_t next = 0; auto& record : known) {
        if (!record) {
            record = measurement.record_of(todo[next++], places);
            record->complete = outcome.share_of_positions == 1;
            record->elapsed_s = elapsed / static_cast<double>(todo.size());
            if (!record->complete) {
                record->key = partial_key(record->key, outcome.share_of_positions, options.seed);
            }
            if (options.keep_record) options.keep_record(*record);
        }
        outcome.records.push_back(std::move(*record));
    }
    for (const Candidate& candidate : todo) measurement.forget(candidate);
    return outcome;
}

}  // namespace bitgauge
