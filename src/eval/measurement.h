#pragma once

// Candidates measured against one baseline, shard by shard: captured, compared, told as records.

#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "eval/baseline_reader.h"
#include "eval/candidate.h"
#include "eval/divergence_pass.h"
#include "eval/shard_comparison.h"
#include "eval/summary.h"

namespace bitgauge {

// Thread-compatible. `options` and `progress` must outlive it.
class Measurement {
  public:
    Measurement(const std::filesystem::path& baseline, const MeasureOptions& options,
                Progress& progress);
    ~Measurement();
    Measurement(const Measurement&) = delete;
    Measurement& operator=(const Measurement&) = delete;

    const BaselineManifest& manifest() const { return baseline_.manifest(); }
    const BaselineReader& baseline() const { return baseline_; }
    const std::filesystem::path& work() const { return work_; }

    Candidate open(const std::filesystem::path& path) const;

    // Evaluates the shards for every candidate; what comes of it is there for values_of().
    void evaluate(std::span<Candidate> candidates, const std::vector<size_t>& shards);
    // The same for candidates whose shards of states somebody else has captured.
    void compare(std::span<Candidate> candidates, const std::vector<size_t>& shards);

    // The job that captures `candidate`, without the shards that are compared already.
    CaptureJob job_for(const Candidate& candidate, CaptureKind kind,
                       const std::vector<size_t>& shards) const;

    // Of all shards evaluated so far.
    PositionPlaces places() const;
    PositionValues values_of(const Candidate& candidate) const;
    double share() const;  // of the baseline's positions
    MeasureRecord record_of(const Candidate& candidate, const PositionPlaces& places) const;

    void forget(const Candidate& candidate) const;  // its work on the disk

  private:
    void capture_candidate(Candidate& candidate, const std::vector<size_t>& shards) const;
    void compare_group(std::span<Candidate> group, const std::vector<size_t>& shards) const;
    std::unique_ptr<Device> accelerator() const;
    void note(const std::vector<size_t>& shards);

    std::filesystem::path folder_;
    BaselineReader baseline_;
    const MeasureOptions& options_;
    Progress& progress_;
    std::filesystem::path work_;
    std::vector<size_t> evaluated_;
};

// Every shard of a baseline.
std::vector<size_t> all_shards(size_t n);

}  // namespace bitgauge
