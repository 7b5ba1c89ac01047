#pragma once

// A model over batches of windows, in memory as a whole or stage after stage; observers cannot
// tell.

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "bitgauge/progress.h"

#include "engine/staged_model.h"
#include "eval/corpus_pass.h"
#include "eval/stage_states.h"

namespace bitgauge {

// Batches that belong together. The last stage runs units one after the other.
struct PassUnit {
    std::span<const Window> windows;
    std::vector<WindowBatch> batches;
    PassShape shape;
    Context::Depth depth = Context::Depth::kStates;
    PassObserver* observer = nullptr;
    // Before and after the unit's batches in the last stage: false from `begin` leaves them out,
    // false from `finish` ends the pass.
    std::function<bool()> begin = [] { return true; };
    std::function<bool()> finish = [] { return true; };
};

// How a model is evaluated.
struct StageWay {
    bool staged = false;
    uint32_t stages = 0;         // at most; 0: as many as the architecture allows
    bool two_resident = true;    // the next stage is read while one computes
    bool forget_pages = false;   // weights do not stay in the page cache
    std::string text = "whole";  // for the record: which way, and why
};

// The context that calls of a pass need.
inline ContextShape context_shape(const PassShape& shape) {
    return {.window_tokens = shape.window_tokens,
            .sequences = shape.sequences,
            .call_tokens = shape.ubatch_tokens};
}

struct PassSetting {
    std::filesystem::path model;
    ContextShape context;
    EngineOptions engine;
    StageWay way;
    bool prediction = false;        // a whole model's prediction layers are loaded as well
    std::filesystem::path scratch;  // folder for states between stages
    std::string identity;           // of all that the states depend on, units included
};

// Sees every stage of a pass, not only the last one. A whole model is one stage.
class StageWatcher {
  public:
    virtual ~StageWatcher() = default;
    // The pass goes on (or begins) with `stage`: what earlier ones gave has to be there.
    virtual void resume(size_t stage) = 0;
    virtual void begin(size_t stage, Context& context) = 0;
    // All batches have been through it. What it gave is kept before the pass notes that it is over.
    virtual void finish(size_t stage) = 0;
};

class ModelPass {
  public:
    // Loads a whole model; of a staged one the header.
    explicit ModelPass(PassSetting setting);

    uint32_t vocabulary() const { return vocabulary_; }
    uint32_t width() const { return width_; }  // of final states

    // Evaluates every unit. A staged pass that was stopped goes on where it was; observers of its
    // last stage hear everything again of units whose `begin` wants them.
    // A pass with a watcher goes on at the beginning of the stage where it was.
    void run(std::span<const PassUnit> units, Progress& progress, StageWatcher* watcher = nullptr);
    size_t stages() const { return staged_ ? staged_->stages() : 1; }
    const Model& whole() const { return *whole_; }  // of a pass that is not staged

  private:
    void run_whole(std::span<const PassUnit> units, Progress& progress, StageWatcher* watcher);

    PassSetting setting_;
    std::optional<Model> whole_;
    std::optional<StagedModel> staged_;
    uint32_t vocabulary_ = 0;
    uint32_t width_ = 0;
};

}  // namespace bitgauge
