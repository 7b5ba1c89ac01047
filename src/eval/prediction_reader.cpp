#include "eval/prediction_reader.h"

#include <algorithm>

#include "base/interrupt.h"
#include "eval/model_pass.h"

namespace bitgauge {
namespace {

ContextShape shape_for_prediction(const PassShape& shape) {
    ContextShape made = context_shape(shape);
    made.prediction = true;
    return made;
}

}  // namespace

PredictionReader::PredictionReader(const Model& model, const PassShape& shape,
                                   const EngineOptions& engine, std::span<const Window> windows,
                                   ProductObserver& observer)
    : windows_(windows),
      call_tokens_(shape.ubatch_tokens),
      width_(model.width()),
      context_(model, shape_for_prediction(shape), engine),
      states_(windows.size()) {
    context_.observe_products(&observer);
}

void PredictionReader::keep(size_t window, uint32_t position, std::span<const float> state) {
    std::vector<float>& states = states_[window];
    states.resize(windows_[window].tokens.size() * width_);
    std::ranges::copy(state, states.begin() + static_cast<ptrdiff_t>(position * width_));
}

void PredictionReader::read(const WindowBatch& batch) {
    const size_t length = windows_[batch.first].tokens.size();
    const size_t step = std::max<size_t>(1, call_tokens_ / batch.count);
    context_.clear();
    for (size_t begin = 1; begin < length; begin += step) {
        throw_if_interrupted();
        read_positions(batch, begin, std::min(length, begin + step));
    }
    for (size_t i = 0; i < batch.count; ++i) states_[batch.first + i] = {};
}

void PredictionReader::read_positions(const WindowBatch& batch, size_t begin, size_t end) {
    std::vector<BatchToken> tokens;
    std::vector<float> before;
    for (size_t i = 0; i < batch.count; ++i) {
        const Window& window = windows_[batch.first + i];
        for (size_t position = begin; position < end; ++position) {
            tokens.push_back({.token = window.tokens[position],
                              .position = static_cast<int32_t>(position),
                              .sequence = static_cast<int32_t>(i),
                              .output = true});
        }
        const auto states = std::span<const float>(states_[batch.first + i])
                                .subspan((begin - 1) * width_, (end - begin) * width_);
        before.insert(before.end(), states.begin(), states.end());
    }
    context_.decode(tokens, depth_, before);
}

}  // namespace bitgauge
