#include "eval/measurement.h"

#include <algorithm>
#include <chrono>
#include <numeric>

#include <fmt/format.h>

#include "base/clock.h"
#include "base/interrupt.h"
#include "eval/positions_file.h"
#include "eval/work.h"

namespace bitgauge {
namespace fs = std::filesystem;
namespace {

constexpr size_t kGroup = 8;  // candidates that share one pass over the baseline's head

fs::path positions_path(const Candidate& candidate, size_t shard) {
    return shard_path(CaptureKind::kDivergence, candidate.work, shard);
}

fs::path states_path(const Candidate& candidate, size_t shard) {
    return shard_path(CaptureKind::kStates, candidate.work, shard);
}

bool is_compared(const Candidate& candidate, size_t shard) {
    return shard_is_good(positions_path(candidate, shard), shard_schema(CaptureKind::kDivergence),
                         candidate.key);
}

void compare_shard(ShardComparison& comparison, std::span<const Candidate* const> due,
                   size_t shard) {
    std::vector<std::unique_ptr<StatesShard>> states;
    for (const Candidate* candidate : due) {
        states.push_back(std::make_unique<StatesShard>(
            states_path(*candidate, shard), StatePrecision::kF32, candidate->head->head().width()));
    }
    const std::vector<PositionValues> values = comparison.compare(shard, due, states);
    for (size_t c = 0; c < due.size(); ++c) {
        write_positions(positions_path(*due[c], shard), due[c]->key, values[c]);
        states[c].reset();
        fs::remove(states_path(*due[c], shard));
    }
}

}  // namespace

Measurement::Measurement(const fs::path& baseline, const MeasureOptions& options,
                         Progress& progress)
    : folder_(baseline),
      baseline_(baseline),
      options_(options),
      progress_(progress),
      work_(options.work.empty() ? baseline / "work" : options.work) {}

Measurement::~Measurement() {
    std::error_code ignored;
    fs::remove(work_, ignored);  // when empty
}

Candidate Measurement::open(const fs::path& path) const {
    return open_candidate(path, manifest(), work_);
}

void Measurement::evaluate(std::span<Candidate> candidates, const std::vector<size_t>& shards) {
    for (size_t at = 0; at < candidates.size(); at += kGroup) {
        const auto group = candidates.subspan(at, std::min(kGroup, candidates.size() - at));
        for (Candidate& candidate : group) capture_candidate(candidate, shards);
        compare_group(group, shards);
    }
    note(shards);
}

void Measurement::compare(std::span<Candidate> candidates, const std::vector<size_t>& shards) {
    for (size_t at = 0; at < candidates.size(); at += kGroup) {
        compare_group(candidates.subspan(at, std::min(kGroup, candidates.size() - at)), shards);
    }
    note(shards);
}

void Measurement::note(const std::vector<size_t>& shards) {
    evaluated_.insert(evaluated_.end(), shards.begin(), shards.end());
    std::ranges::sort(evaluated_);
}

PositionPlaces Measurement::places() const {
    PositionPlaces places;
    for (size_t shard : evaluated_) {
        const WindowRange range = shard_range(manifest(), shard);
        append_places(baseline_.windows(), range.first, range.last, places);
    }
    return places;
}

PositionValues Measurement::values_of(const Candidate& candidate) const {
    PositionValues all;
    for (size_t shard : evaluated_) {
        all.append(read_positions(positions_path(candidate, shard)));
    }
    return all;
}

double Measurement::share() const {
    size_t positions = 0;
    for (size_t shard : evaluated_) {
        positions += scored_positions(baseline_.windows(), shard_range(manifest(), shard));
    }
    return static_cast<double>(positions) /
           static_cast<double>(baseline_.windows().scored_positions());
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

void Measurement::forget(const Candidate& candidate) const {
    std::error_code ignored;
    fs::remove_all(candidate.work, ignored);
}

CaptureJob Measurement::job_for(const Candidate& candidate, CaptureKind kind,
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

void Measurement::capture_candidate(Candidate& candidate, const std::vector<size_t>& shards) const {
    throw_if_interrupted();
    if (!candidate.whole_logits) {
        const CaptureJob job = job_for(candidate, CaptureKind::kStates, shards);
        if (job.shards.empty()) return;
        const CaptureReport report = run_capture(job, options_.isolation, progress_);
        progress_.detail(fmt::format("{}: {}", candidate.identity.file, report.check.outcome));
        candidate.whole_logits = !report.check.reproduced;
        candidate.evaluation = report.evaluation;
        if (report.check.reproduced) {
            candidate.head = std::make_unique<ModelHead>(
                candidate.path, HeadReading{.scale = report.check.scale,
                                            .softcap = report.check.softcap,
                                            .single_precision = options_.engine.single_precision});
            return;
        }
    }
    const CaptureJob job = job_for(candidate, CaptureKind::kDivergence, shards);
    if (job.shards.empty()) return;
    candidate.evaluation = run_capture(job, options_.isolation, progress_).evaluation;
}

void Measurement::compare_group(std::span<Candidate> group,
                                const std::vector<size_t>& shards) const {
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

std::unique_ptr<Device> Measurement::accelerator() const {
    if (options_.engine.gpu_layers == 0) return nullptr;
    return Device::open(Device::Kind::kAccelerator);
}

std::vector<size_t> all_shards(size_t n) {
    std::vector<size_t> shards(n);
    std::iota(shards.begin(), shards.end(), size_t{0});
    return shards;
}

}  // namespace bitgauge
