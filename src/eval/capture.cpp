#include "eval/capture.h"

#include <algorithm>
#include <memory>

#include <fmt/format.h>

#include "bitgauge/error.h"

#include "eval/noise_floor.h"
#include "eval/shard_observers.h"

namespace bitgauge {
namespace fs = std::filesystem;
namespace {

std::vector<size_t> missing_shards(const CaptureJob& job) {
    std::vector<size_t> missing;
    for (size_t shard : job.shards) {
        const fs::path path = shard_path(job.kind, job.out, shard);
        if (!shard_is_good(path, shard_schema(job.kind), job.identity)) missing.push_back(shard);
    }
    return missing;
}

WindowRange range_of(const CaptureJob& job, size_t n_windows, size_t shard) {
    const size_t first = shard * job.windows_per_shard;
    return {first, std::min<size_t>(n_windows, first + job.windows_per_shard)};
}

void capture_shard(const CaptureJob& job, Context& context, std::span<const Window> windows,
                   size_t shard, ShardObserver& observer, Progress& progress) {
    const WindowRange range = range_of(job, windows.size(), shard);
    const auto depth =
        job.kind == CaptureKind::kStates ? Context::Depth::kStates : Context::Depth::kLogits;
    const auto in_shard = windows.subspan(range.first, range.last - range.first);
    observer.begin(shard, range);
    for (WindowBatch batch : batch_windows(in_shard, job.shape.sequences, in_shard.size())) {
        batch.first += range.first;
        run_batch(context, job.shape, windows, batch, depth, observer);
        progress.advance(static_cast<int64_t>(batch.count));
    }
    observer.write(shard_path(job.kind, job.out, shard), job.identity);
}

void capture_shards(const CaptureJob& job, const Model& model, Context& context,
                    std::span<const Window> windows, Progress& progress) {
    const std::vector<size_t> missing = missing_shards(job);
    size_t n_windows = 0;
    for (size_t shard : missing) {
        const WindowRange range = range_of(job, windows.size(), shard);
        n_windows += range.last - range.first;
    }
    const auto observer = make_shard_observer(job, windows, model.width(), model.vocabulary());
    progress.begin("reading " + job.model.filename().string(), static_cast<int64_t>(n_windows),
                   "windows");
    for (size_t shard : missing) capture_shard(job, context, windows, shard, *observer, progress);
    progress.end();
}

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
    const Windows windows = read_windows(job.windows);
    const Model model = Model::load(job.model, job.engine);
    Context context(model,
                    {.window_tokens = job.shape.window_tokens,
                     .sequences = job.shape.sequences,
                     .call_tokens = job.shape.ubatch_tokens},
                    job.engine);
    CaptureReport report{.vocabulary = model.vocabulary(), .width = model.width()};
    if (job.kind != CaptureKind::kStates) {
        capture_shards(job, model, context, windows.windows, progress);
        return report;
    }
    ModelHead head(job.model);
    report.check = check_head(context, job.shape, windows.windows, head, job.precision);
    if (!report.check.reproduced) return report;
    capture_shards(job, model, context, windows.windows, progress);
    if (job.noise_floor) {
        report.noise_floor_nats = measure_noise_floor(job, context, windows.windows, head);
    }
    return report;
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
