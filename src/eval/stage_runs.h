#pragma once

// A text through one stage of a model after the other, for one or two models of the same shape, as
// often as somebody wants to see it.

#include <filesystem>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "bitgauge/progress.h"

#include "engine/staged_model.h"
#include "eval/model_pass.h"
#include "eval/product_rows.h"
#include "eval/stage_states.h"

namespace bitgauge {

// Which of the models a run is of.
enum class Track : size_t { kOriginal = 0, kQuantized = 1 };

// Final states of each call, as rows that the head is multiplied with.
class FinalRows : public PassObserver {
  public:
    explicit FinalRows(size_t width) : width_(width) {}
    void on_position(size_t window, uint32_t position, const Context& context,
                     size_t index) override;
    bool wants_last_position() const override { return true; }
    std::vector<ProductRows> take() { return std::exchange(rows_, {}); }

  private:
    size_t width_;
    std::vector<ProductRows> rows_;
};

class StageRuns {
  public:
    // Windows are read to their last token. States between stages lie in `scratch` while this
    // object works, and after it was stopped; `identity` is of all that they depend on.
    StageRuns(const StagedModel& model, const std::filesystem::path& windows,
              const PassShape& shape, const std::filesystem::path& scratch,
              const std::string& identity, size_t tracks, Progress& progress);

    // The first stage that an earlier pass has not done.
    size_t first_stage() const { return first_stage_; }
    // All of `stage` is done.
    void finish(size_t stage);
    void discard() { states_->discard(); }

    // Some documents judge what was made from the others: whole batches are of the one or the other
    // kind.
    size_t batches() const { return batches_.size(); }
    bool is_for_check(size_t batch) const { return batch >= first_check_; }

    void begin_progress(size_t stage, const std::string& what);
    // `keep`: what the stage gives is what the next one takes in. Thread-safe for runs of different
    // batches in different contexts.
    void run(Context& context, size_t stage, size_t batch, Track track, PassObserver& observer,
             bool keep);
    void advance(size_t batch);

  private:
    void add_batches(size_t first, size_t last);
    std::vector<uint64_t> tokens_of(size_t tracks) const;

    const StagedModel& model_;
    PassShape shape_;
    Progress& progress_;
    std::vector<Window> windows_;
    std::vector<WindowBatch> batches_;
    size_t first_check_ = 0;
    size_t first_stage_ = 0;
    std::optional<StageStates> states_;
    std::mutex writing_;
};

}  // namespace bitgauge
