#pragma once

// The layer of a model that predicts the token after the next (nextn, multi-token prediction), read
// over the same windows as the others: it takes in each token together with the final state at the
// position before.

#include <vector>

#include "eval/corpus_pass.h"

namespace bitgauge {

// Thread-compatible. A window's first position has no state before it and is left out, where
// libllama's speculation puts a row of zeros.
class PredictionReader {
  public:
    // `model` was loaded with prediction layers, `windows` are those of its pass; both must outlive
    // this, as must `observer`, which is told of the layer's products.
    PredictionReader(const Model& model, const PassShape& shape, const EngineOptions& engine,
                     std::span<const Window> windows, ProductObserver& observer);

    // Its own head is computed as well, where it has one.
    void want_head() { depth_ = Context::Depth::kLogits; }

    // The final state at `position` of windows[window], of the batch that is read.
    void keep(size_t window, uint32_t position, std::span<const float> state);
    // All states of `batch` are there: reads its windows and forgets them.
    void read(const WindowBatch& batch);

  private:
    void read_positions(const WindowBatch& batch, size_t begin, size_t end);

    std::span<const Window> windows_;
    uint32_t call_tokens_;
    size_t width_;
    Context::Depth depth_ = Context::Depth::kStates;
    Context context_;
    std::vector<std::vector<float>> states_;  // by window, all its positions
};

}  // namespace bitgauge
