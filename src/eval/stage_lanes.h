#pragma once

// The batches of a text through one stage in two lanes at once, each with a context and half of the
// threads: many products of a small model are too small to be shared out.

#include <deque>
#include <functional>
#include <set>
#include <string>
#include <vector>

#include "eval/stage_runs.h"

namespace bitgauge {

// What is wanted of one run through the stage.
struct LaneRun {
    std::string what;               // for the progress
    std::set<std::string> weights;  // whose inputs are wanted
    std::string last;               // nothing behind its product is wanted; empty: all is
    Track track = Track::kOriginal;
    bool keep = false;  // what the stage gives is what the next one takes in
};

// Of one batch, call after call.
struct LaneOutput {
    std::map<std::string, std::vector<ProductRows>> inputs;  // by the leaders of groups
    std::vector<ProductRows> states;                         // what the stage gives
    std::vector<InputGroup> groups;                          // of the weights that were seen yet
};

// Thread-compatible. `model` and `runs` outlive it.
class StageLanes {
  public:
    StageLanes(const Model& model, size_t stage, StageRuns& runs, const PassShape& shape,
               const EngineOptions& engine);

    // Weights that are set in it are every lane's.
    Context& context() { return contexts_.front(); }
    size_t stage() const { return stage_; }

    // All batches; `take` gets each one's output in order, in the calling thread. The groups of
    // weights that share an input.
    std::vector<InputGroup> run(const LaneRun& wanted,
                                const std::function<void(size_t, LaneOutput)>& take);
    // For what a batch can tell: without progress, in this thread.
    LaneOutput first_batch(const LaneRun& wanted);

  private:
    LaneOutput run_batch(size_t lane, size_t batch, const LaneRun& wanted,
                         ProductRowsObserver& observer);

    size_t stage_;
    StageRuns& runs_;
    size_t width_;
    std::deque<Context> contexts_;
};

}  // namespace bitgauge
