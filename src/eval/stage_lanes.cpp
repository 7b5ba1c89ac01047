#include "eval/stage_lanes.h"

#include <algorithm>
#include <future>

#include "bitgauge/engine.h"

namespace bitgauge {
namespace {

constexpr uint32_t kLanes = 2;

// The threads of each lane. An accelerator works for one at a time.
std::vector<uint32_t> share_threads(const EngineOptions& engine) {
    const uint32_t threads = resolve_threads(engine.threads);
    const bool accelerated = engine.gpu_layers != 0 && describe_engine().backend != "CPU";
    if (threads < kLanes || accelerated) return {threads};
    std::vector<uint32_t> shares(kLanes, threads / kLanes);
    shares.front() += threads % kLanes;
    return shares;
}

// While it lives, the context's products are observed.
class Observed {
  public:
    Observed(Context& context, ProductRowsObserver& observer) : context_(context) {
        context_.observe_products(&observer);
    }
    ~Observed() { context_.observe_products(nullptr); }
    Observed(const Observed&) = delete;
    Observed& operator=(const Observed&) = delete;

  private:
    Context& context_;
};

}  // namespace

StageLanes::StageLanes(const Model& model, size_t stage, StageRuns& runs, const PassShape& shape,
                       const EngineOptions& engine)
    : stage_(stage), runs_(runs), width_(model.width()) {
    EngineOptions of_lane = engine;
    for (const uint32_t threads : share_threads(engine)) {
        of_lane.threads = threads;
        contexts_.emplace_back(model, context_shape(shape), of_lane);
    }
}

LaneOutput StageLanes::run_batch(size_t lane, size_t batch, const LaneRun& wanted,
                                 ProductRowsObserver& observer) {
    const Observed observed(contexts_[lane], observer);
    observer.stop_after(wanted.last);
    FinalRows states(width_);
    runs_.run(contexts_[lane], stage_, batch, wanted.track, states, wanted.keep);
    return {observer.take(), states.take(), observer.groups()};
}

std::vector<InputGroup> StageLanes::run(const LaneRun& wanted,
                                        const std::function<void(size_t, LaneOutput)>& take) {
    runs_.begin_progress(stage_, wanted.what);
    std::deque<ProductRowsObserver> observers;
    for (size_t lane = 0; lane < contexts_.size(); ++lane) observers.emplace_back(wanted.weights);
    for (size_t first = 0; first < runs_.batches(); first += contexts_.size()) {
        const size_t count = std::min(contexts_.size(), runs_.batches() - first);
        std::vector<std::future<LaneOutput>> others;
        for (size_t lane = 1; lane < count; ++lane) {
            others.push_back(std::async(std::launch::async, [&, lane] {
                return run_batch(lane, first + lane, wanted, observers[lane]);
            }));
        }
        take(first, run_batch(0, first, wanted, observers.front()));
        runs_.advance(first);
        for (size_t lane = 1; lane < count; ++lane) {
            take(first + lane, others[lane - 1].get());
            runs_.advance(first + lane);
        }
    }
    return observers.front().groups();
}

LaneOutput StageLanes::first_batch(const LaneRun& wanted) {
    ProductRowsObserver observer(wanted.weights);
    return run_batch(0, 0, wanted, observer);
}

}  // namespace bitgauge
