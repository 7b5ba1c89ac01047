#include "eval/importance_pass.h"

#include <algorithm>
#include <optional>

#include <fmt/format.h>

#include "bitgauge/error.h"

#include "base/clock.h"
#include "base/files.h"
#include "eval/baseline_folder.h"
#include "eval/importance_queue.h"
#include "eval/job_json.h"
#include "eval/model_head.h"
#include "eval/prediction_reader.h"

#include "importance/importance_sums.h"

namespace bitgauge {
namespace fs = std::filesystem;
namespace {

constexpr size_t kBatchesPerUnit = 4;

// Windows that are read to their last token, short ones together: batches hold equal lengths.
std::vector<Window> whole_windows(const ImportanceJob& job) {
    const Windows all = read_windows(job.windows);
    std::vector<Window> windows(all.windows.begin() + static_cast<ptrdiff_t>(job.first),
                                all.windows.begin() + static_cast<ptrdiff_t>(job.last));
    for (Window& window : windows) window.first_scored = 0;
    std::ranges::stable_sort(windows, std::greater(),
                             [](const Window& window) { return window.tokens.size(); });
    return windows;
}

// Sums as they were after so many steps of a pass, each in a file of its own: a step is noted by
// the file being there.
class Checkpoints {
  public:
    Checkpoints(fs::path folder, std::string identity)
        : folder_(std::move(folder)), identity_(std::move(identity)) {}

    size_t latest() const {
        size_t latest = 0;
        for (const auto& entry : fs::directory_iterator(folder_)) {
            const std::string name = entry.path().filename().string();
            if (!name.starts_with(kPrefix) || !name.ends_with(kEnding)) continue;
            const size_t steps = std::strtoull(name.c_str() + kPrefix.size(), nullptr, 10);
            if (steps > latest && load(steps)) latest = steps;
        }
        return latest;
    }

    std::optional<ImportanceSums> load(size_t steps) const {
        if (!fs::exists(path(steps))) return std::nullopt;
        try {
            ImportanceSums sums = read_importance_sums(path(steps));
            if (sums.made.pass == identity_) return sums;
        } catch (const Error&) {
            return std::nullopt;  // damaged: as good as none
        }
        return std::nullopt;
    }

    // The ones before go once this one is there.
    void keep(size_t steps, ImportanceSums& sums) {
        sums.made.pass = identity_;
        write_importance(path(steps), sums, ImportanceFormat::kCheckpoint);
        if (kept_ != steps) forget(kept_);
        kept_ = steps;
    }
    // The place of a pass is noted elsewhere, after its sums: the step before stays until the next.
    void keep_both(size_t steps, ImportanceSums& sums) {
        sums.made.pass = identity_;
        write_importance(path(steps), sums, ImportanceFormat::kCheckpoint);
        if (steps >= 2) forget(steps - 2);
    }
    void clear() const {
        std::vector<fs::path> ours;
        for (const auto& entry : fs::directory_iterator(folder_)) {
            const std::string name = entry.path().filename().string();
            if (name.starts_with(kPrefix) && name.ends_with(kEnding)) ours.push_back(entry.path());
        }
        std::error_code ignored;
        for (const fs::path& path : ours) fs::remove(path, ignored);
    }

  private:
    static constexpr std::string_view kPrefix = "sums-after-";
    static constexpr std::string_view kEnding = ".gguf";

    fs::path path(size_t steps) const {
        return folder_ / fmt::format("{}{}{}", kPrefix, steps, kEnding);
    }
    void forget(size_t steps) const {
        std::error_code ignored;
        fs::remove(path(steps), ignored);
    }

    fs::path folder_;
    std::string identity_;
    size_t kept_ = 0;
};

class ImportancePass : public StageWatcher, public PassObserver {
  public:
    explicit ImportancePass(const ImportanceJob& job)
        : job_(job),
          windows_(whole_windows(job)),
          pass_({.model = job.model,
                 .context = context_shape(job.shape),
                 .engine = job.engine,
                 .way = job.way,
                 .prediction = job.prediction,
                 .scratch = job.folder,
                 .identity = to_json(job).dump()}),
          checkpoints_(job.folder, checkpoint_identity()),
          head_name_(head_name(GgufFile::open(job.model))) {}

    void run(Progress& progress) {
        const size_t done = job_.way.staged ? 0 : checkpoints_.latest();
        const auto batches = batch_windows(windows_, job_.shape.sequences, windows_.size());
        std::vector<PassUnit> units;
        for (size_t at = 0; at < batches.size(); at += kBatchesPerUnit) {
            const size_t end = std::min(batches.size(), at + kBatchesPerUnit);
            units.push_back(unit_of({batches.begin() + static_cast<ptrdiff_t>(at),
                                     batches.begin() + static_cast<ptrdiff_t>(end)},
                                    units.size(), done));
        }
        units_done_ = done;
        pass_.run(units, progress, this);
        finish();
    }

    void resume(size_t stage) override {
        accumulator_.emplace(start_of(job_.way.staged ? stage : units_done_));
        queue_ = std::make_unique<ImportanceQueue>(*accumulator_);
    }
    void begin(size_t, Context& context) override {
        context.observe_products(queue_.get());
        if (!job_.prediction) return;
        prediction_.emplace(pass_.whole(), job_.shape, job_.engine, windows_, *queue_);
        if (job_.head) prediction_->want_head();
    }
    void finish(size_t stage) override {
        queue_->drain();
        accumulator_->require_complete();
        require_something();
        if (job_.way.staged) checkpoints_.keep_both(stage + 1, accumulator_->sums());
    }

    void on_position(size_t window, uint32_t position, const Context& context,
                     size_t index) override {
        const size_t width = pass_.width();
        if (job_.head && index == 0) queue_->on_rows(head_name_, context.states(), width);
        if (!prediction_) return;
        prediction_->keep(window, position, context.states().subspan(index * width, width));
    }
    void on_batch_done(const WindowBatch& batch) override {
        if (prediction_) prediction_->read(batch);
    }
    bool wants_last_position() const override { return true; }

  private:
    // Steps are stages, or units of a whole model's only stage.
    std::string checkpoint_identity() const {
        return fmt::format("{} {}", job_.identity, job_.way.staged ? pass_.stages() : 0);
    }

    void require_something() const {
        if (!accumulator_->sums().tensors.empty()) return;
        throw Error(ErrorKind::kInput,
                    fmt::format("the text is too short: no window of it has {} tokens",
                                kFewestObservedRows),
                    "give more text");
    }

    ImportanceSums start_of(size_t steps) const {
        if (steps > 0) {
            if (auto sums = checkpoints_.load(steps)) return std::move(*sums);
            throw Error(ErrorKind::kInput,
                        fmt::format("the sums of '{}' that its states belong to are gone",
                                    job_.folder.string()),
                        "delete the folder and run the same command again");
        }
        return job_.start.empty() ? ImportanceSums{} : read_importance_sums(job_.start);
    }

    PassUnit unit_of(std::vector<WindowBatch> batches, size_t index, size_t done) {
        PassUnit unit{.windows = windows_,
                      .batches = std::move(batches),
                      .shape = job_.shape,
                      .observer = this};
        unit.begin = [index, done] { return index >= done; };
        unit.finish = [this, index] {
            units_done_ = index + 1;
            if (!job_.way.staged) keep_now_and_then();
            return true;
        };
        return unit;
    }

    void keep_now_and_then() {
        if (steady_seconds() < kept_at_ + job_.checkpoint_seconds) return;
        queue_->drain();
        checkpoints_.keep(units_done_, accumulator_->sums());
        kept_at_ = steady_seconds();
    }

    void finish() {
        ImportanceSums& sums = accumulator_->sums();
        sums.made.pass = job_.identity;
        sums.chunks += static_cast<int64_t>(windows_.size());
        sums.chunk_size = job_.shape.window_tokens;
        write_importance(sums_path(job_), sums, ImportanceFormat::kCheckpoint);
        checkpoints_.clear();
    }

    const ImportanceJob& job_;
    std::vector<Window> windows_;
    ModelPass pass_;
    Checkpoints checkpoints_;
    std::string head_name_;
    std::optional<ImportanceAccumulator> accumulator_;
    std::unique_ptr<ImportanceQueue> queue_;
    std::optional<PredictionReader> prediction_;
    size_t units_done_ = 0;
    double kept_at_ = steady_seconds();
};

}  // namespace

fs::path sums_path(const ImportanceJob& job) {
    return job.folder / fmt::format("sums-{}.gguf", job.last);
}

Json to_json(const ImportanceJob& job) {
    return {{"job", kImportanceJob},
            {"model", job.model.string()},
            {"windows", job.windows.string()},
            {"first", job.first},
            {"last", job.last},
            {"folder", job.folder.string()},
            {"identity", job.identity},
            {"start", job.start.string()},
            {"prediction", job.prediction},
            {"head", job.head},
            {"checkpoint_seconds", job.checkpoint_seconds},
            {"shape", to_json(job.shape)},
            {"engine", to_json(job.engine)},
            {"way", to_json(job.way)}};
}

ImportanceJob importance_job_from_json(const Json& json) {
    return {.model = json.at("model").get<std::string>(),
            .windows = json.at("windows").get<std::string>(),
            .first = json.at("first"),
            .last = json.at("last"),
            .folder = json.at("folder").get<std::string>(),
            .identity = json.at("identity"),
            .start = json.at("start").get<std::string>(),
            .prediction = json.at("prediction"),
            .head = json.at("head"),
            .checkpoint_seconds = json.at("checkpoint_seconds"),
            .shape = pass_shape_from_json(json.at("shape")),
            .engine = engine_from_json(json.at("engine")),
            .way = stage_way_from_json(json.at("way"))};
}

void measure_sums(const ImportanceJob& job, Progress& progress) {
    ImportancePass(job).run(progress);
}

}  // namespace bitgauge
