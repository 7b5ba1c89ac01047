#include "eval/model_pass.h"

#include <future>
#include <utility>

#include <fmt/format.h>

namespace bitgauge {
namespace {

size_t windows_of(std::span<const PassUnit> units) {
    size_t windows = 0;
    for (const PassUnit& unit : units) {
        for (const WindowBatch& batch : unit.batches) windows += batch.count;
    }
    return windows;
}

std::vector<uint64_t> tokens_of(std::span<const PassUnit> units) {
    std::vector<uint64_t> tokens;
    for (const PassUnit& unit : units) {
        for (const WindowBatch& batch : unit.batches) {
            tokens.push_back(batch.count * unit.windows[batch.first].tokens.size());
        }
    }
    return tokens;
}

void run_unit_batch(Context& context, const PassUnit& unit, const WindowBatch& batch,
                    CarriedStates* carried) {
    run_batch(context, unit.shape, unit.windows, batch, unit.depth, *unit.observer, carried);
}

Model load_whole(const PassSetting& setting) {
    if (!setting.engine.single_precision) {
        return Model::load(setting.model, setting.engine, setting.prediction);
    }
    return StagedModel(setting.model, setting.engine, {.one_run = true}).load(0);
}

// Stages in order, the next one being read while one is used where memory has room for two.
class StageQueue {
  public:
    StageQueue(const StagedModel& model, size_t first, bool ahead)
        : model_(model), next_(first), ahead_(ahead) {}

    Model take() {
        Model stage = reading_.valid() ? reading_.get() : model_.load(next_);
        ++next_;
        if (ahead_ && next_ < model_.stages()) {
            reading_ = std::async(std::launch::async, [this] { return model_.load(next_); });
        }
        return stage;
    }

  private:
    const StagedModel& model_;
    size_t next_;
    bool ahead_;
    std::future<Model> reading_;
};

// One pass through all stages of a model.
class StagedRun {
  public:
    StagedRun(const StagedModel& model, const PassSetting& setting, std::span<const PassUnit> units,
              Progress& progress, StageWatcher* watcher)
        : model_(model),
          setting_(setting),
          units_(units),
          progress_(progress),
          watcher_(watcher),
          states_(setting.scratch, setting.identity, tokens_of(units)) {}

    void run() {
        PassPlace place = states_.resume();
        if (place.stage >= model_.stages()) place = {};
        if (watcher_ != nullptr) {
            place.batches = 0;
            watcher_->resume(place.stage);
        }
        StageQueue queue(model_, place.stage, setting_.way.two_resident);
        const auto windows = static_cast<int64_t>(windows_of(units_));
        progress_.begin(fmt::format("reading {} in {} stages", setting_.model.filename().string(),
                                    model_.stages()),
                        windows * static_cast<int64_t>(model_.stages() - place.stage), "windows");
        for (; place.stage < model_.stages(); place = {.stage = place.stage + 1}) {
            const Model stage = queue.take();
            Context context(stage, setting_.context, setting_.engine);
            if (watcher_ != nullptr) watcher_->begin(place.stage, context);
            if (context.is_last_stage()) {
                run_last(context, place);
            } else {
                run_inner(context, place);
            }
            if (watcher_ != nullptr) watcher_->finish(place.stage);
            if (!context.is_last_stage()) states_.keep_place({place.stage + 1, 0}, true);
        }
        progress_.end();
        states_.discard();
    }

  private:
    void run_inner(Context& context, PassPlace place) {
        const size_t done = place.batches;
        size_t index = 0;
        for (const PassUnit& unit : units_) {
            for (const WindowBatch& batch : unit.batches) {
                if (index >= done) {
                    hand_on(context, unit, batch, place.stage, index);
                    if (watcher_ == nullptr) states_.keep_place({place.stage, index + 1}, false);
                }
                progress_.advance(static_cast<int64_t>(batch.count));
                ++index;
            }
        }
    }
    void hand_on(Context& context, const PassUnit& unit, const WindowBatch& batch, size_t stage,
                 size_t index) {
        CarriedStates carried;
        if (stage > 0) carried.in = states_.read(stage, index);
        run_unit_batch(context, unit, batch, &carried);
        states_.write(stage, index, carried.out);
    }

    void run_last(Context& context, const PassPlace& place) {
        size_t index = 0;
        for (const PassUnit& unit : units_) {
            const bool wanted = unit.begin();
            for (const WindowBatch& batch : unit.batches) {
                if (wanted) {
                    CarriedStates carried{.in = states_.read(place.stage, index)};
                    run_unit_batch(context, unit, batch, &carried);
                }
                progress_.advance(static_cast<int64_t>(batch.count));
                ++index;
            }
            if (wanted && !unit.finish()) return;
        }
    }

    const StagedModel& model_;
    const PassSetting& setting_;
    std::span<const PassUnit> units_;
    Progress& progress_;
    StageWatcher* watcher_;
    StageStates states_;
};

}  // namespace

ModelPass::ModelPass(PassSetting setting) : setting_(std::move(setting)) {
    if (!setting_.way.staged) {
        whole_ = load_whole(setting_);
        vocabulary_ = whole_->vocabulary();
        width_ = whole_->width();
        return;
    }
    staged_.emplace(
        setting_.model, setting_.engine,
        StageChoice{.stages = setting_.way.stages, .forget_file_pages = setting_.way.forget_pages});
    vocabulary_ = staged_->vocabulary();
    width_ = staged_->width();
}

void ModelPass::run(std::span<const PassUnit> units, Progress& progress, StageWatcher* watcher) {
    if (staged_) {
        StagedRun(*staged_, setting_, units, progress, watcher).run();
    } else {
        run_whole(units, progress, watcher);
    }
}

void ModelPass::run_whole(std::span<const PassUnit> units, Progress& progress,
                          StageWatcher* watcher) {
    Context context(*whole_, setting_.context, setting_.engine);
    if (watcher != nullptr) {
        watcher->resume(0);
        watcher->begin(0, context);
    }
    progress.begin("reading " + setting_.model.filename().string(),
                   static_cast<int64_t>(windows_of(units)), "windows");
    for (const PassUnit& unit : units) {
        if (!unit.begin()) continue;
        for (const WindowBatch& batch : unit.batches) {
            run_unit_batch(context, unit, batch, nullptr);
            progress.advance(static_cast<int64_t>(batch.count));
        }
        if (!unit.finish()) break;
    }
    if (watcher != nullptr) watcher->finish(0);
    discard_states(setting_.scratch);
    progress.end();
}

}  // namespace bitgauge
