#pragma once

// One model over all windows, into shards that are complete or absent: how a baseline is made and
// how a candidate is read.

#include <filesystem>
#include <string>
#include <vector>

#include "bitgauge/progress.h"

#include "base/json.h"
#include "eval/head_check.h"
#include "eval/shard_file.h"

namespace bitgauge {

// What is kept of a position.
enum class CaptureKind {
    kStates,            // the final hidden state; the head is checked first
    kLogProbabilities,  // a row of 16-bit log-probabilities: where states and head do not reproduce
    kDivergence         // figures against a baseline at once, from whole logits: likewise
};

struct CaptureJob {
    CaptureKind kind = CaptureKind::kStates;
    std::filesystem::path baseline;  // kDivergence: folder
    std::filesystem::path model;
    std::filesystem::path windows;  // windows.gguf of the baseline
    std::filesystem::path out;      // folder for the shards
    std::string identity;           // of model, windows and shape; stands in every shard
    StatePrecision precision = StatePrecision::kF32;
    PassShape shape;
    uint32_t windows_per_shard = 16;
    std::vector<size_t> shards;  // which ones are wanted; good ones are kept
    bool noise_floor = false;    // kStates: measure it once the first shard is there
    EngineOptions engine;
    StageWay way;
};

Json to_json(const CaptureJob& job);
CaptureJob capture_job_from_json(const Json& json);

struct CaptureReport {
    HeadCheck check;
    double noise_floor_nats = 0;  // 0: not measured
    uint32_t vocabulary = 0;
    uint32_t width = 0;
    std::string evaluation;  // whole or staged, and why
};

Json to_json(const CaptureReport& report);
CaptureReport capture_report_from_json(const Json& json);

// kStates: checks the head, then, if states and head reproduce the logits, writes the shards that
// miss. The other kinds: writes the shards that miss. Loads the model in this process, which
// libllama may end.
CaptureReport capture(const CaptureJob& job, Progress& progress);

// Name and schema of a job's shards.
std::filesystem::path shard_path(CaptureKind kind, const std::filesystem::path& folder,
                                 size_t shard);
const char* shard_schema(CaptureKind kind);

// The states of one shard, mapped; row i belongs to the i-th scored position of the shard.
class StatesShard {
  public:
    StatesShard(const std::filesystem::path& path, StatePrecision precision, size_t width);

    size_t positions() const { return bytes_.size() / row_bytes_; }
    // Rows [first, first + out.size() / width) in single precision.
    void read(size_t first, std::span<float> out) const;

  private:
    ShardReader file_;
    StatePrecision precision_;
    size_t width_;
    size_t row_bytes_;
    std::span<const std::byte> bytes_;
};

}  // namespace bitgauge
