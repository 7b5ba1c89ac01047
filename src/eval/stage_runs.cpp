#include "eval/stage_runs.h"

#include <algorithm>

#include <fmt/format.h>

#include "eval/baseline_folder.h"

namespace bitgauge {
namespace {

constexpr size_t kCheckEvery = 5;  // of the clusters

bool is_judge(const Window& window) {
    return window.cluster % kCheckEvery == kCheckEvery - 1;
}

// The judges last; among equals the long ones first, as batches hold equal lengths.
std::vector<Window> whole_windows(const std::filesystem::path& path) {
    std::vector<Window> windows = read_windows(path).windows;
    for (Window& window : windows) window.first_scored = 0;
    std::ranges::stable_sort(windows, {}, [](const Window& window) {
        return std::pair(is_judge(window), -static_cast<int64_t>(window.tokens.size()));
    });
    return windows;
}

}  // namespace

void FinalRows::on_position(size_t, uint32_t, const Context& context, size_t index) {
    if (index > 0) return;
    const auto states = context.states();
    rows_.push_back({.width = width_,
                     .tokens = states.size() / width_,
                     .values = {states.begin(), states.end()}});
}

StageRuns::StageRuns(const StagedModel& model, const std::filesystem::path& windows,
                     const PassShape& shape, const std::filesystem::path& scratch,
                     const std::string& identity, size_t tracks, Progress& progress)
    : model_(model), shape_(shape), progress_(progress), windows_(whole_windows(windows)) {
    const auto judges = std::ranges::find_if(windows_, is_judge) - windows_.begin();
    add_batches(0, static_cast<size_t>(judges));
    first_check_ = batches_.size();
    add_batches(static_cast<size_t>(judges), windows_.size());
    states_.emplace(scratch, identity, tokens_of(tracks));
    const size_t stage = states_->resume().stage;
    if (stage < model.stages()) first_stage_ = stage;
}

void StageRuns::add_batches(size_t first, size_t last) {
    const auto some = std::span(windows_).subspan(first, last - first);
    for (WindowBatch batch : batch_windows(some, shape_.sequences, some.size())) {
        batch.first += first;
        batches_.push_back(batch);
    }
}

std::vector<uint64_t> StageRuns::tokens_of(size_t tracks) const {
    std::vector<uint64_t> tokens;
    for (size_t track = 0; track < tracks; ++track) {
        for (const WindowBatch& batch : batches_) {
            tokens.push_back(batch.count * windows_[batch.first].tokens.size());
        }
    }
    return tokens;
}

void StageRuns::finish(size_t stage) {
    if (stage + 1 < model_.stages()) states_->keep_place({stage + 1, 0}, /*at_once=*/true);
}

void StageRuns::begin_progress(size_t stage, const std::string& what) {
    progress_.begin(fmt::format("part {} of {}: {}", stage + 1, model_.stages(), what),
                    static_cast<int64_t>(windows_.size()), "windows");
}

void StageRuns::run(Context& context, size_t stage, size_t batch, Track track,
                    PassObserver& observer, bool keep) {
    const size_t at = static_cast<size_t>(track) * batches_.size() + batch;
    CarriedStates carried;
    if (stage > 0) carried.in = states_->read(stage, at);
    run_batch(context, shape_, windows_, batches_[batch], Context::Depth::kStates, observer,
              &carried);
    if (!keep || context.is_last_stage()) return;
    const std::lock_guard lock(writing_);
    states_->write(stage, at, carried.out);
}

void StageRuns::advance(size_t batch) {
    progress_.advance(static_cast<int64_t>(batches_[batch].count));
}

}  // namespace bitgauge
