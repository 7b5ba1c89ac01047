#include "eval/corpus_pass.h"

#include <algorithm>

#include "base/interrupt.h"

namespace bitgauge {
namespace {

constexpr uint32_t kBatchTokens = 2048;  // llama-perplexity's -b
constexpr uint32_t kUbatchTokens = 512;  // its -ub
constexpr uint32_t kLeastCallTokens = 32;
constexpr uint32_t kMostSequences = 256;  // libllama's limit

// One decode: tokens [begin, end) of each window of the batch.
struct Call {
    std::vector<BatchToken> tokens;
    struct Output {
        size_t window;
        uint32_t position;
    };
    std::vector<Output> outputs;
};

Call make_call(std::span<const Window> windows, const WindowBatch& batch, uint32_t begin,
               uint32_t end) {
    Call call;
    for (size_t i = 0; i < batch.count; ++i) {
        const Window& window = windows[batch.first + i];
        for (uint32_t position = begin; position < end; ++position) {
            const bool output = position >= window.first_scored;
            call.tokens.push_back({.token = window.tokens[position],
                                   .position = static_cast<int32_t>(position),
                                   .sequence = static_cast<int32_t>(i),
                                   .output = output});
            if (output) call.outputs.push_back({batch.first + i, position});
        }
    }
    return call;
}

// The rows of a batch as its calls take and give them.
class StateFlow {
  public:
    StateFlow(CarriedStates* carried, size_t tokens) : carried_(carried) {
        if (carried == nullptr) return;
        carried->out.clear();
        width_ = carried->in.size() / tokens;
    }

    std::span<const float> next(size_t tokens) {
        if (carried_ == nullptr) return {};
        const auto rows = std::span<const float>(carried_->in).subspan(taken_, tokens * width_);
        taken_ += rows.size();
        return rows;
    }

    void keep(std::span<const float> rows) {
        carried_->out.insert(carried_->out.end(), rows.begin(), rows.end());
    }

  private:
    CarriedStates* carried_;
    size_t width_ = 0;
    size_t taken_ = 0;
};

}  // namespace

PassShape default_shape(uint32_t window_tokens, uint32_t vocabulary, uint64_t logit_bytes) {
    const uint64_t row_bytes = uint64_t{vocabulary} * sizeof(float);
    const auto affordable = static_cast<uint32_t>(
        std::min<uint64_t>(kUbatchTokens, logit_bytes / std::max<uint64_t>(1, row_bytes)));
    const uint32_t call_tokens = std::max(kLeastCallTokens, affordable);
    const uint32_t sequences = kBatchTokens / std::max(1U, window_tokens);
    return {.window_tokens = window_tokens,
            .sequences = std::clamp(sequences, 1U, std::min(kMostSequences, call_tokens)),
            .ubatch_tokens = call_tokens};
}

std::vector<WindowBatch> batch_windows(std::span<const Window> windows, size_t sequences,
                                       size_t group) {
    std::vector<WindowBatch> batches;
    for (size_t i = 0; i < windows.size(); ++i) {
        const bool joins = !batches.empty() && i % group != 0 && batches.back().count < sequences &&
                           windows[i].tokens.size() == windows[batches.back().first].tokens.size();
        if (joins) {
            ++batches.back().count;
        } else {
            batches.push_back({i, 1});
        }
    }
    return batches;
}

void run_batch(Context& context, const PassShape& shape, std::span<const Window> windows,
               const WindowBatch& batch, Context::Depth depth, PassObserver& observer,
               CarriedStates* carried) {
    const auto length = static_cast<uint32_t>(windows[batch.first].tokens.size());
    const uint32_t step =
        std::max<uint32_t>(1, shape.ubatch_tokens / static_cast<uint32_t>(batch.count));
    const uint32_t reported = observer.wants_last_position() ? length : length - 1;
    StateFlow flow(carried, batch.count * length);
    context.clear();
    for (uint32_t begin = 0; begin < length; begin += step) {
        throw_if_interrupted();
        const Call call = make_call(windows, batch, begin, std::min(length, begin + step));
        context.decode(call.tokens, depth, flow.next(call.tokens.size()));
        if (!context.is_last_stage()) {
            flow.keep(context.states());
            continue;
        }
        for (size_t i = 0; i < call.outputs.size(); ++i) {
            const auto [window, position] = call.outputs[i];
            if (position < reported) observer.on_position(window, position, context, i);
        }
    }
    if (context.is_last_stage()) observer.on_batch_done(batch);
}

}  // namespace bitgauge
