#include "eval/corpus_pass.h"

#include <algorithm>
#include <cmath>
#include <map>

#include <gtest/gtest.h>

#include "eval/eval_testing.h"

namespace bitgauge {
namespace {

constexpr size_t kWidth = 128;

Window window_of(size_t length, uint32_t first_scored, size_t skip) {
    const std::vector<TokenId> tokens = some_tokens(skip + length, 105);
    return {.tokens = {tokens.begin() + static_cast<ptrdiff_t>(skip), tokens.end()},
            .first_scored = first_scored};
}

std::vector<Window> windows_of(const std::vector<size_t>& lengths) {
    std::vector<Window> windows;
    for (size_t length : lengths) windows.push_back(window_of(length, 3, windows.size() * 40));
    return windows;
}

std::vector<std::pair<size_t, size_t>> batches_of(const std::vector<size_t>& lengths,
                                                  size_t sequences, size_t group) {
    std::vector<std::pair<size_t, size_t>> result;
    const std::vector<Window> windows = windows_of(lengths);
    for (const WindowBatch& batch : batch_windows(windows, sequences, group)) {
        result.emplace_back(batch.first, batch.count);
    }
    return result;
}

using Batches = std::vector<std::pair<size_t, size_t>>;

TEST(BatchWindows, JoinsNeighboursOfEqualLength) {
    EXPECT_EQ(batches_of({8, 8, 8, 5, 8, 8}, 4, 100), (Batches{{0, 3}, {3, 1}, {4, 2}}));
}

TEST(BatchWindows, HoldsNoMoreThanItsSequences) {
    EXPECT_EQ(batches_of({8, 8, 8, 8, 8}, 2, 100), (Batches{{0, 2}, {2, 2}, {4, 1}}));
    EXPECT_EQ(batches_of({8, 8}, 1, 100), (Batches{{0, 1}, {1, 1}}));
}

TEST(BatchWindows, NeverCrossesAGroup) {
    EXPECT_EQ(batches_of({8, 8, 8, 8, 8}, 4, 3), (Batches{{0, 3}, {3, 2}}));
}

TEST(BatchWindows, OfNoneIsNone) {
    EXPECT_TRUE(batches_of({}, 4, 4).empty());
}

TEST(DefaultShape, IsThePeersWhereLogitsAreSmall) {
    const PassShape shape = default_shape(512, 32000);
    EXPECT_EQ(shape.sequences, 4U);
    EXPECT_EQ(shape.ubatch_tokens, 512U);
}

TEST(DefaultShape, TakesFewerTokensWhereLogitsAreLarge) {
    EXPECT_EQ(default_shape(512, 248320).ubatch_tokens, (256U << 20) / (4 * 248320));
    EXPECT_EQ(default_shape(512, 1U << 24).ubatch_tokens, 32U);
}

TEST(DefaultShape, HasATokenPerCallForEachOfItsSequences) {
    for (const uint32_t window : {3U, 4U, 8U, 16U, 2048U, 4096U}) {
        for (const uint32_t vocabulary : {105U, 1U << 24}) {
            const PassShape shape = default_shape(window, vocabulary);
            EXPECT_GE(shape.sequences, 1U);
            EXPECT_LE(shape.sequences, shape.ubatch_tokens);
            EXPECT_LE(shape.sequences, 256U);
        }
    }
}

// Writes down what is reported, and every call's outputs.
class Recorder : public PassObserver {
  public:
    void on_position(size_t window, uint32_t position, const Context& context,
                     size_t index) override {
        order.emplace_back(window, position);
        outputs_of_call.push_back(context.states().size() / kWidth);
        const auto state = context.states().subspan(index * kWidth, kWidth);
        states[{window, position}] = {state.begin(), state.end()};
    }
    void on_batch_done(const WindowBatch& batch) override { done.push_back(batch.first); }

    std::vector<std::pair<size_t, uint32_t>> order;
    std::vector<size_t> outputs_of_call;
    std::map<std::pair<size_t, uint32_t>, std::vector<float>> states;
    std::vector<size_t> done;
};

const Model& baby() {
    static const Model model = Model::load(baby_llama(), one_thread());
    return model;
}

Recorder pass_over(const std::vector<Window>& windows, const PassShape& shape) {
    Context context(baby(), {shape.window_tokens, shape.sequences, shape.ubatch_tokens},
                    one_thread());
    Recorder recorder;
    for (const WindowBatch& batch : batch_windows(windows, shape.sequences, windows.size())) {
        run_batch(context, shape, windows, batch, Context::Depth::kStates, recorder);
    }
    return recorder;
}

// The window by itself in one call of a context nobody used before.
std::vector<float> states_alone(const Window& window) {
    const auto n = static_cast<uint32_t>(window.tokens.size());
    Context context(baby(), {n, 1, n}, one_thread());
    std::vector<BatchToken> tokens;
    for (uint32_t p = 0; p < n; ++p) {
        tokens.push_back({window.tokens[p], static_cast<int32_t>(p), 0, true});
    }
    context.decode(tokens, Context::Depth::kStates);
    return {context.states().begin(), context.states().end()};
}

TEST(RunBatch, ReportsEachScoredPositionOnceAndInOrder) {
    const std::vector<Window> windows = windows_of({20, 20, 20, 11, 3});
    const Recorder recorder =
        pass_over(windows, {.window_tokens = 20, .sequences = 2, .ubatch_tokens = 14});
    std::map<size_t, std::vector<uint32_t>> positions;
    for (const auto& [window, position] : recorder.order) positions[window].push_back(position);
    for (size_t w = 0; w < windows.size(); ++w) {
        std::vector<uint32_t> wanted;
        for (uint32_t p = 3; p + 1 < windows[w].tokens.size(); ++p) wanted.push_back(p);
        EXPECT_EQ(positions[w], wanted) << "window " << w;
        EXPECT_EQ(wanted.size(), windows[w].scored());
    }
    EXPECT_EQ(recorder.done, (std::vector<size_t>{0, 2, 3, 4}));
}

// Whatever the calls are, a state is that of its window read alone: the right tokens at the right
// positions of the right sequence, nothing left of the batch before.
TEST(RunBatch, GivesTheStatesOfEachWindowAlone) {
    const std::vector<Window> windows = windows_of({24, 24, 24, 13, 24, 24});
    for (const PassShape& shape : {PassShape{24, 1, 512}, PassShape{24, 3, 512},
                                   PassShape{24, 2, 15}, PassShape{24, 4, 4}}) {
        const Recorder recorder = pass_over(windows, shape);
        for (size_t w = 0; w < windows.size(); ++w) {
            const std::vector<float> alone = states_alone(windows[w]);
            for (uint32_t p = 3; p + 1 < windows[w].tokens.size(); ++p) {
                const auto& state = recorder.states.at({w, p});
                for (size_t k = 0; k < kWidth; ++k) {
                    ASSERT_NEAR(state[k], alone[p * kWidth + k], 1e-4)
                        << "window " << w << " position " << p << " of " << shape.sequences
                        << " sequences, " << shape.ubatch_tokens << " tokens a call";
                }
            }
        }
    }
}

// 2 windows of 10 in calls of 8 tokens: positions 0-3, 4-7, 8-9 of both; outputs from position 3
// on.
TEST(RunBatch, SharesACallEvenlyBetweenItsWindows) {
    const Recorder recorder = pass_over(windows_of({10, 10}), {10, 2, 8});
    EXPECT_EQ(recorder.outputs_of_call, (std::vector<size_t>{2, 2, 8, 8, 8, 8, 8, 8, 8, 8, 4, 4}));
}

}  // namespace
}  // namespace bitgauge
