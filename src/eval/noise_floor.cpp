#include "eval/noise_floor.h"

#include <algorithm>

#include "eval/divergence_pass.h"

namespace bitgauge {
namespace {

std::vector<float> stored_states(const CaptureJob& job, size_t positions, size_t width) {
    std::vector<float> states(positions * width);
    StatesShard(shard_path(job.kind, job.out, 0), job.precision, width).read(0, states);
    return states;
}

// Two fifths of the tokens per call: half of them would cut recurrent layers at the same multiples
// of 64 and leave every sum as it was.
PassShape other_shape(PassShape shape) {
    shape.ubatch_tokens = std::max(shape.sequences, shape.ubatch_tokens * 2 / 5);
    return shape;
}

double mean_of_finite(const PositionValues& values) {
    double sum = 0;
    size_t n = 0;
    for (size_t i = 0; i < values.size(); ++i) {
        if (values.finite[i] == 0) continue;
        sum += values.kld[i];
        ++n;
    }
    return n == 0 ? 0 : std::max(0.0, sum / static_cast<double>(n));
}

}  // namespace

// The states of one batch in the order of a shard: windows, then positions.
class NoiseFloorUnit::BatchRows : public PassObserver {
  public:
    BatchRows(std::span<const Window> windows, const WindowBatch& batch, size_t width)
        : windows_(windows), first_window_(batch.first), width_(width) {
        for (size_t i = 0; i < batch.count; ++i) {
            first_row_.push_back(positions_);
            positions_ += windows[batch.first + i].scored();
        }
        states_.resize(positions_ * width);
    }

    size_t positions() const { return positions_; }

    void on_position(size_t window, uint32_t position, const Context& context,
                     size_t index) override {
        const size_t row =
            first_row_[window - first_window_] + position - windows_[window].first_scored;
        std::ranges::copy(context.states().subspan(index * width_, width_),
                          states_.begin() + static_cast<ptrdiff_t>(row * width_));
    }

    std::vector<float> take() { return std::move(states_); }

  private:
    std::span<const Window> windows_;
    size_t first_window_;
    size_t width_;
    size_t positions_ = 0;
    std::vector<size_t> first_row_;  // per window of the batch
    std::vector<float> states_;
};

NoiseFloorUnit::NoiseFloorUnit(const CaptureJob& job, std::span<const Window> windows, size_t width)
    : job_(job),
      windows_(windows),
      batch_(batch_windows(windows, job.shape.sequences, job.windows_per_shard).front()),
      rows_(std::make_unique<BatchRows>(windows, batch_, width)) {}

NoiseFloorUnit::~NoiseFloorUnit() = default;

PassUnit NoiseFloorUnit::unit() {
    return {.windows = windows_,
            .batches = {batch_},
            .shape = other_shape(job_.shape),
            .observer = rows_.get()};
}

double NoiseFloorUnit::finish(const ModelHead& head) {
    const size_t positions = rows_->positions();
    const HeadTiles original(head.head(), stored_states(job_, positions, head.head().width()));
    const HeadTiles other(head.head(), rows_->take());
    const LogitTiles* candidates[] = {&other};
    const std::vector<TokenId> next(positions, 0);  // perplexity is not asked for
    return mean_of_finite(diverge(original, candidates, next, {}).front());
}

}  // namespace bitgauge
