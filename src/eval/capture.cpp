#include "eval/capture.h"

#include <algorithm>
#include <memory>
#include <optional>

#include <fmt/format.h>

#include "bitgauge/error.h"

#include "eval/noise_floor.h"
#include "eval/shard_observers.h"

namespace bitgauge {
namespace fs = std::filesystem;
namespace {

bool is_good(const CaptureJob& job, size_t shard) {
    return shard_is_good(shard_path(job.kind, job.out, shard), shard_schema(job.kind),
                         job.identity);
}

std::vector<size_t> missing_shards(const CaptureJob& job) {
    std::vector<size_t> missing;
    for (const size_t shard : job.shards) {
        if (!is_good(job, shard)) missing.push_back(shard);
    }
    return missing;
}

WindowRange range_of(const CaptureJob& job, size_t n_windows, size_t shard) {
    const size_t first = shard * job.windows_per_shard;
    return {first, std::min<size_t>(n_windows, first + job.windows_per_shard)};
}

// The pass that a job asks for, unit by unit.
class Capture {
  public:
    Capture(const CaptureJob& job, std::vector<Window> windows)
        : job_(job),
          windows_(std::move(windows)),
          shards_(job.way.staged ? job.shards : missing_shards(job)),
          pass_(setting_of(job)) {
        if (job.kind != CaptureKind::kStates) return;
        head_.emplace(job.model, HeadReading{.single_precision = job.engine.single_precision});
        check_.emplace(job.shape, windows_);
    }

    CaptureReport run(Progress& progress) {
        report_ = {.vocabulary = pass_.vocabulary(), .width = pass_.width()};
        observer_ = make_shard_observer(job_, windows_, pass_.width(), pass_.vocabulary());
        if (check_) add_check();
        for (const size_t shard : shards_) add_shard(shard);
        if (job_.noise_floor && job_.kind == CaptureKind::kStates) add_noise_floor();
        pass_.run(units_, progress);
        return report_;
    }

  private:
    static PassSetting setting_of(const CaptureJob& job) {
        return {.model = job.model,
                .context = context_shape(job.shape),
                .engine = job.engine,
                .way = job.way,
                .scratch = job.out,
                .identity = to_json(job).dump()};
    }

    void add_check() {
        PassUnit unit = check_->unit();
        unit.finish = [this] {
            report_.check = check_->finish(*head_, job_.precision);
            return report_.check.reproduced;
        };
        units_.push_back(std::move(unit));
    }

    void add_shard(size_t shard) {
        const WindowRange range = range_of(job_, windows_.size(), shard);
        const auto inside = std::span(windows_).subspan(range.first, range.last - range.first);
        PassUnit unit{.windows = windows_,
                      .batches = batch_windows(inside, job_.shape.sequences, inside.size()),
                      .shape = job_.shape,
                      .depth = job_.kind == CaptureKind::kStates ? Context::Depth::kStates
                                                                 : Context::Depth::kLogits,
                      .observer = observer_.get()};
        for (WindowBatch& batch : unit.batches) batch.first += range.first;
        unit.begin = [this, shard, range] {
            if (is_good(job_, shard)) return false;
            observer_->begin(shard, range);
            return true;
        };
        unit.finish = [this, shard] {
            observer_->write(shard_path(job_.kind, job_.out, shard), job_.identity);
            return true;
        };
        units_.push_back(std::move(unit));
    }

    void add_noise_floor() {
        floor_.emplace(job_, windows_, pass_.width());
        PassUnit unit = floor_->unit();
        unit.finish = [this] {
            report_.noise_floor_nats = floor_->finish(*head_);
            return true;
        };
        units_.push_back(std::move(unit));
    }

    const CaptureJob& job_;
    std::vector<Window> windows_;
    std::vector<size_t> shards_;
    ModelPass pass_;
    std::optional<ModelHead> head_;
    std::optional<HeadCheckUnit> check_;
    std::optional<NoiseFloorUnit> floor_;
    std::unique_ptr<ShardObserver> observer_;
    std::vector<PassUnit> units_;
    CaptureReport report_;
};

}  // namespace

fs::path shard_path(CaptureKind kind, const fs::path& folder, size_t shard) {
    const char* name = kind == CaptureKind::kDivergence ? "positions" : "states";
    return folder / fmt::format("{}-{:05d}.gguf", name, shard + 1);
}

const char* shard_schema(CaptureKind kind) {
    switch (kind) {
        case CaptureKind::kStates:
            return "bitgauge.states/1";
        case CaptureKind::kLogProbabilities:
            return "bitgauge.log_probabilities/1";
        case CaptureKind::kDivergence:
            break;
    }
    return "bitgauge.positions/1";
}

CaptureReport capture(const CaptureJob& job, Progress& progress) {
    return Capture(job, read_windows(job.windows).windows).run(progress);
}

StatesShard::StatesShard(const fs::path& path, StatePrecision precision, size_t width)
    : file_(path, shard_schema(CaptureKind::kStates)),
      precision_(precision),
      width_(width),
      row_bytes_(state_bytes(precision, width)),
      bytes_(file_.bytes("states")) {}

void StatesShard::read(size_t first, std::span<float> out) const {
    const size_t rows = out.size() / width_;
    decode_states(precision_, bytes_.subspan(first * row_bytes_, rows * row_bytes_), out);
}

}  // namespace bitgauge
