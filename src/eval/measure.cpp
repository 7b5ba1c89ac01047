#include <algorithm>
#include <chrono>
#include <map>
#include <random>

#include <fmt/chrono.h>
#include <fmt/format.h>

#include "bitgauge/error.h"
#include "bitgauge/eval.h"
#include "bitgauge/version.h"

#include "base/files.h"
#include "base/hash.h"
#include "base/interrupt.h"
#include "eval/candidate.h"
#include "eval/positions_file.h"
#include "eval/shard_comparison.h"
#include "eval/summary.h"
#include "eval/work.h"

namespace bitgauge {
namespace fs = std::filesystem;
namespace {

constexpr size_t kGroup = 8;  // candidates that share one pass over the baseline's head

class Measurement {
  public:
    Measurement(const fs::path& baseline, const MeasureOptions& options, Progress& progress)
        : folder_(baseline),
          baseline_(baseline),
          options_(options),
          progress_(progress),
          work_(options.work.empty() ? baseline / "work" : options.work) {}
    ~Measurement() {
        std::error_code ignored;
        fs::remove(work_, ignored);  // when empty
    }

    const BaselineManifest& manifest() const { return baseline_.manifest(); }

    Candidate open(const fs::path& path) const { return open_candidate(path, manifest(), work_); }

    // Evaluates the shards for every candidate; values stand in `values()` afterwards.
    void evaluate(std::span<Candidate> candidates, const std::vector<size_t>& shards) {
        for (size_t at = 0; at < candidates.size(); at += kGroup) {
            const auto group = candidates.subspan(at, std::min(kGroup, candidates.size() - at));
            for (Candidate& candidate : group) capture_candidate(candidate, shards);
            compare_group(group, shards);
        }
        evaluated_.insert(evaluated_.end(), shards.begin(), shards.end());
        std::ranges::sort(evaluated_);
    }

    PositionPlaces places() const {
        PositionPlaces places;
        for (size_t shard : evaluated_) {
            const WindowRange range = shard_range(manifest(), shard);
            append_places(baseline_.windows(), range.first, range.last, places);
        }
        return places;
    }

    PositionValues values_of(const Candidate& candidate) const {
        PositionValues all;
        for (size_t shard : evaluated_) {
            all.append(read_positions(positions_path(candidate, shard)));
        }
        return all;
    }

    double share() const {
        size_t positions = 0;
        for (size_t shard : evaluated_) {
            positions += scored_positions(baseline_.windows(), shard_range(manifest(), shard));
        }
        return static_cast<double>(positions) /
               static_cast<double>(baseline_.windows().scored_positions());
    }

    MeasureRecord record_of(const Candidate& candidate, const PositionPlaces& places) const;

    void forget(const Candidate& candidate) const {
        std::error_code ignored;
        fs::remove_all(candidate.work, ignored);
    }

    const BaselineReader& baseline() const { return baseline_; }

  private:
    static fs::path positions_path(const Candidate& candidate, size_t shard) {
        return shard_path(CaptureKind::kDivergence, candidate.work, shard);
    }
    static fs::path states_path(const Candidate& candidate, size_t shard) {
        return shard_path(CaptureKind::kStates, candidate.work, shard);
    }
    static bool is_compared(const Candidate& candidate, size_t shard) {
        return shard_is_good(positions_path(candidate, shard),
                             shard_schema(CaptureKind::kDivergence), candidate.key);
    }

    CaptureJob job_for(const Candidate& candidate, CaptureKind kind,
                       const std::vector<size_t>& shards) const {
        CaptureJob job{.kind = kind,
                       .baseline = folder_,
                       .model = candidate.path,
                       .windows = BaselineFolder{folder_}.windows(),
                       .out = candidate.work,
                       .identity = candidate.key,
                       .precision = StatePrecision::kF32,
                       .shape = manifest().pass_shape(),
                       .windows_per_shard = manifest().windows_per_shard,
                       .engine = options_.engine};
        for (size_t shard : shards) {
            if (!is_compared(candidate, shard)) job.shards.push_back(shard);
        }
        return job;
    }

    void capture_candidate(Candidate& candidate, const std::vector<size_t>& shards) const {
        throw_if_interrupted();
        if (!candidate.whole_logits) {
            const CaptureJob job = job_for(candidate, CaptureKind::kStates, shards);
            if (job.shards.empty()) return;
            const CaptureReport report = run_capture(job, options_.isolation, progress_);
            progress_.detail(fmt::format("{}: {}", candidate.identity.file, report.check.outcome));
            candidate.whole_logits = !report.check.reproduced;
            candidate.evaluation = report.evaluation;
            if (report.check.reproduced) {
                candidate.head = std::make_unique<ModelHead>(candidate.path, report.check.scale,
                                                             report.check.softcap);
                return;
            }
        }
        const CaptureJob job = job_for(candidate, CaptureKind::kDivergence, shards);
        if (job.shards.empty()) return;
        candidate.evaluation = run_capture(job, options_.isolation, progress_).evaluation;
    }

    void compare_group(std::span<Candidate> group, const std::vector<size_t>& shards) const {
        ShardComparison comparison(baseline_, accelerator());
        progress_.begin("comparing", static_cast<int64_t>(shards.size()), "shards");
        for (size_t shard : shards) {
            throw_if_interrupted();
            std::vector<const Candidate*> due;
            for (const Candidate& candidate : group) {
                if (!is_compared(candidate, shard)) due.push_back(&candidate);
            }
            if (!due.empty()) compare_shard(comparison, due, shard);
            progress_.advance(1);
        }
        progress_.end();
    }

    std::unique_ptr<Device> accelerator() const {
        if (options_.engine.gpu_layers == 0) return nullptr;
        return Device::open(Device::Kind::kAccelerator);
    }

    static void compare_shard(ShardComparison& comparison, std::span<const Candidate* const> due,
                              size_t shard) {
        std::vector<std::unique_ptr<StatesShard>> states;
        for (const Candidate* candidate : due) {
            states.push_back(std::make_unique<StatesShard>(states_path(*candidate, shard),
                                                           StatePrecision::kF32,
                                                           candidate->head->head().width()));
        }
        const std::vector<PositionValues> values = comparison.compare(shard, due, states);
        for (size_t c = 0; c < due.size(); ++c) {
            write_positions(positions_path(*due[c], shard), due[c]->key, values[c]);
            states[c].reset();
            fs::remove(states_path(*due[c], shard));
        }
    }

    fs::path folder_;
    BaselineReader baseline_;
    const MeasureOptions& options_;
    Progress& progress_;
    fs::path work_;
    std::vector<size_t> evaluated_;
};

std::string utc_now() {
    const auto now = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now());
    return fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(now));
}

BuildIdentity build_identity(const EngineOptions& options) {
    const EngineDescription engine = describe_engine();
    return {.bitgauge = kVersion,
            .llama = engine.llama,
            .ggml = engine.ggml,
            .backend = engine.backend,
            .cpu = engine.cpu,
            .threads = resolve_threads(options.threads)};
}

MeasureRecord Measurement::record_of(const Candidate& candidate,
                                     const PositionPlaces& places) const {
    MeasureRecord record = manifest().identity;
    record.key = candidate.key;
    record.created_utc = utc_now();
    record.model = candidate.identity;
    record.build = build_identity(options_.engine);
    record.build.evaluation = candidate.evaluation;
    summarize(values_of(candidate), places, baseline_.windows(), record);
    return record;
}

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

std::vector<size_t> all_shards(size_t n) {
    std::vector<size_t> shards(n);
    for (size_t i = 0; i < n; ++i) shards[i] = i;
    return shards;
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
    const auto start = std::chrono::steady_clock::now();
    Measurement measurement(baseline, options, progress);
    MeasureOutcome outcome;
    std::vector<Candidate> todo;
    std::vector<std::optional<MeasureRecord>> known;
    for (const fs::path& path : paths) {
        Candidate candidate = measurement.open(path);
        const bool look_up = find_record && !options.again && !options.until_decided;
        known.push_back(look_up ? find_record(candidate.key) : std::nullopt);
        if (!known.back()) todo.push_back(std::move(candidate));
    }
    if (options.until_decided) {
        evaluate_until_decided(measurement, todo, options, progress, outcome);
    } else {
        measurement.evaluate(todo, all_shards(measurement.manifest().shards()));
    }
    if (!todo.empty()) outcome.share_of_positions = measurement.share();
    const PositionPlaces places = measurement.places();
    const double elapsed =
        std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
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
