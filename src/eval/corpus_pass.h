#pragma once

// The one loop over a text: windows -> batches -> decode. Whoever wants states or logits observes
// it.

#include <cstdint>
#include <span>
#include <vector>

#include "bitgauge/engine.h"
#include "bitgauge/text.h"

namespace bitgauge {

// How windows travel through the model. Part of what makes two runs comparable: with another shape
// the same program gives numbers that differ in the last digits (routing of experts: up to 3e-4
// nats), so it is recorded.
struct PassShape {
    uint32_t window_tokens = 512;  // longest window
    uint32_t sequences = 4;        // windows per batch
    uint32_t ubatch_tokens = 512;  // tokens per decode call, over all sequences
};

// The shape llama-perplexity has (-b 2048 -ub 512), with fewer tokens per call where the logits of
// a call, which libllama allocates even when nobody asks for them, would exceed `logit_bytes`.
PassShape default_shape(uint32_t window_tokens, uint32_t vocabulary,
                        uint64_t logit_bytes = uint64_t{256} << 20);

// Windows of equal length that are evaluated together, never across a multiple of `group`.
struct WindowBatch {
    size_t first = 0;
    size_t count = 0;
};
std::vector<WindowBatch> batch_windows(std::span<const Window> windows, size_t sequences,
                                       size_t group);

// Told of every scored position, in order within its window.
class PassObserver {
  public:
    virtual ~PassObserver() = default;
    // Output `index` of the last decode is `position` of windows[window]. A window's last position
    // predicts nothing and is not reported.
    virtual void on_position(size_t window, uint32_t position, const Context& context,
                             size_t index) = 0;
    virtual void on_batch_done(const WindowBatch& /*batch*/) {}
    // Whether a window's last position is reported all the same.
    virtual bool wants_last_position() const { return false; }
};

// What a batch carries from one stage of a model to the next: a row of equal width for each of its
// tokens, call after call. `in` is empty in the first stage.
struct CarriedStates {
    std::vector<float> in;
    std::vector<float> out;
};

// Evaluates one batch; `observer` hears of it in the last stage of a model, which fills no
// `carried->out`. A whole model needs no `carried`. Throws Error(kInterrupted) between two calls
// after Ctrl-C.
void run_batch(Context& context, const PassShape& shape, std::span<const Window> windows,
               const WindowBatch& batch, Context::Depth depth, PassObserver& observer,
               CarriedStates* carried = nullptr);

}  // namespace bitgauge
