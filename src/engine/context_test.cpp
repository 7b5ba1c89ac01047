#include <cmath>
#include <span>

#include <gtest/gtest.h>

#include "bitgauge/engine.h"
#include "bitgauge/error.h"

#include "engine/engine_testing.h"
#include "engine/tiny_models_testing.h"

namespace bitgauge {
namespace {

using Tokens = std::vector<BatchToken>;

// Tokens [first, last) of `ids` in a sequence, all of them outputs.
Tokens run_of(const std::vector<TokenId>& ids, size_t first, size_t last, int32_t sequence = 0) {
    Tokens tokens;
    for (size_t i = first; i < last; ++i) {
        tokens.push_back({ids[i], static_cast<int32_t>(i), sequence, true});
    }
    return tokens;
}

std::vector<float> copy_of(std::span<const float> values) {
    return {values.begin(), values.end()};
}

double largest_difference(std::span<const float> a, std::span<const float> b) {
    EXPECT_EQ(a.size(), b.size());
    double most = 0;
    for (size_t i = 0; i < std::min(a.size(), b.size()); ++i) {
        most = std::max(most, std::abs(double{a[i]} - b[i]));
    }
    return most;
}

// States are of the order of 1; another order of sums moves them by some 1e-6.
constexpr double kSame = 2e-5;

class ContextOfBaby : public testing::Test {
  protected:
    static Context context(uint32_t sequences = 1, uint32_t call_tokens = 64) {
        return {model(), {32, sequences, call_tokens}, one_thread()};
    }
    static const Model& model() {
        static const Model loaded = Model::load(baby_llama(), one_thread());
        return loaded;
    }
    std::vector<TokenId> ids = some_tokens(32, 105);
};

TEST_F(ContextOfBaby, ForgetsWhatItReadWhenCleared) {
    Context c = context();
    c.decode(run_of(ids, 0, 16), Context::Depth::kStates);
    const std::vector<float> first = copy_of(c.states());
    c.clear();
    c.decode(run_of(ids, 0, 16), Context::Depth::kStates);
    EXPECT_EQ(copy_of(c.states()), first);
}

TEST_F(ContextOfBaby, RemembersEarlierCallsOfAWindow) {
    Context c = context();
    c.decode(run_of(ids, 0, 32), Context::Depth::kStates);
    const std::vector<float> whole = copy_of(c.states());
    c.clear();
    std::vector<float> pieces;
    for (size_t at : {0UL, 8UL, 24UL}) {
        c.decode(run_of(ids, at, at == 8 ? 24 : at + 8), Context::Depth::kStates);
        pieces.insert(pieces.end(), c.states().begin(), c.states().end());
    }
    EXPECT_LT(largest_difference(pieces, whole), kSame);
}

TEST_F(ContextOfBaby, KeepsSequencesApart) {
    const std::vector<TokenId> other(ids.rbegin(), ids.rend());
    Context alone = context();
    alone.decode(run_of(other, 0, 16), Context::Depth::kStates);
    Context both = context(2);
    Tokens tokens = run_of(ids, 0, 16, 0);
    const Tokens more = run_of(other, 0, 16, 1);
    tokens.insert(tokens.end(), more.begin(), more.end());
    both.decode(tokens, Context::Depth::kStates);
    EXPECT_LT(largest_difference(both.states().subspan(16 * 128), alone.states()), kSame);
}

TEST_F(ContextOfBaby, GivesARowForEveryTokenThatWantsOne) {
    Context c = context();
    Tokens tokens = run_of(ids, 0, 16);
    c.decode(tokens, Context::Depth::kLogits);
    const std::vector<float> all = copy_of(c.states());
    const std::vector<float> last = copy_of(c.logits(15));
    for (BatchToken& token : tokens) token.output = token.position == 3 || token.position == 15;
    c.clear();
    c.decode(tokens, Context::Depth::kLogits);
    ASSERT_EQ(c.states().size(), 2U * 128);
    EXPECT_LT(largest_difference(c.states().first(128), std::span(all).subspan(3 * 128, 128)),
              kSame);
    EXPECT_LT(largest_difference(c.states().subspan(128), std::span(all).subspan(15 * 128)), kSame);
    EXPECT_LT(largest_difference(c.logits(1), last), 10 * kSame);
}

TEST_F(ContextOfBaby, StatesAreTheSameAtBothDepths) {
    Context c = context();
    c.decode(run_of(ids, 0, 16), Context::Depth::kLogits);
    const std::vector<float> with_logits = copy_of(c.states());
    c.clear();
    c.decode(run_of(ids, 0, 16), Context::Depth::kStates);
    EXPECT_EQ(copy_of(c.states()), with_logits);
}

TEST_F(ContextOfBaby, RefusesATokenOutsideTheVocabulary) {
    Context c = context();
    try {
        c.decode(Tokens{{.token = 105, .output = true}}, Context::Depth::kStates);
        FAIL() << "taken";
    } catch (const Error& error) {
        EXPECT_EQ(error.kind(), ErrorKind::kInput);
        EXPECT_STREQ(error.what(), "token 105 is outside the model's vocabulary of 105");
    }
}

TEST_F(ContextOfBaby, RefusesMoreTokensThanACallHolds) {
    Context c = context(1, 8);
    try {
        c.decode(run_of(ids, 0, 9), Context::Depth::kStates);
        FAIL() << "taken";
    } catch (const Error& error) {
        EXPECT_EQ(error.kind(), ErrorKind::kInput);
        EXPECT_STREQ(error.what(), "a call of 9 tokens where the context was made for 8");
    }
}

TEST_F(ContextOfBaby, GoesOnFromTheTokensThatItKeeps) {
    Context c = context();
    c.decode(run_of(ids, 0, 16), Context::Depth::kStates);
    const std::vector<float> before = copy_of(c.states());
    ASSERT_TRUE(c.keep(0, 6));
    c.decode(run_of(ids, 6, 16), Context::Depth::kStates);
    const std::span<const float> rest = std::span(before).subspan(6 * model().width());
    EXPECT_LT(largest_difference(c.states(), rest), kSame);
}

// Recurrent layers have one state, that of the last token; a window that layers see has to be
// there.
TEST(Context, GoesBackOnlyWhereTheMemoryCan) {
    const std::filesystem::path folder = fresh_folder("context_keep");
    const auto keeps = [&](const std::string& name, int32_t tokens) {
        const auto path = folder / (name + ".gguf");
        write_tiny_model(tiny_model(name), /*F32*/ 0, 1, path);
        const Model model = Model::load(path, one_thread());
        Context context(model, {32, 1, 32}, one_thread());
        context.decode(run_of(some_tokens(16, model.vocabulary()), 0, 16), Context::Depth::kLogits);
        return context.keep(0, tokens);
    };
    EXPECT_TRUE(keeps("gemma3", 8));
    EXPECT_FALSE(keeps("mamba", 8));
    EXPECT_FALSE(keeps("qwen35", 8));
}

// Logits of the small model after sixteen tokens.
std::vector<float> logits_with(const EngineOptions& options, const ContextShape& shape) {
    const Model model = Model::load(tiny_moe(), options);
    Context context(model, shape, options);
    context.decode(run_of(some_tokens(16, model.vocabulary()), 0, 16), Context::Depth::kLogits);
    return copy_of(context.logits(15));
}

TEST(Context, IsTheSameWhereverExpertsAre) {
    const ContextShape shape{32, 1, 32};
    const std::vector<float> usual = logits_with(one_thread(), shape);
    EXPECT_EQ(logits_with({.threads = 1, .cpu_expert_layers = 3}, shape), usual);
    EXPECT_EQ(logits_with({.threads = 1, .gpu_layers = 2, .tensor_split = {1}}, shape), usual);
    const std::vector<uint32_t> too_many(100'000, 1);
    EXPECT_THROW(logits_with({.threads = 1, .tensor_split = too_many}, shape), Error);
}

TEST(Context, KeepsKeysAndValuesInTheTypeThatIsAskedFor) {
    const std::vector<float> half = logits_with(one_thread(), {32, 1, 32});
    ContextShape shape{32, 1, 32};
    shape.key_type = shape.value_type = "q8_0";
    const double difference = largest_difference(logits_with(one_thread(), shape), half);
    EXPECT_GT(difference, 0);
    EXPECT_LT(difference, 0.5);
    shape.key_type = "q9_9";
    EXPECT_THROW(logits_with(one_thread(), shape), Error);
}

TEST(Context, RefusesMoreSequencesThanLibllamaCanHold) {
    const Model model = Model::load(baby_llama(), one_thread());
    try {
        const Context context(model, {8, 100000, 100000}, one_thread());
        FAIL() << "taken";
    } catch (const Error& error) {
        EXPECT_EQ(error.kind(), ErrorKind::kEnvironment);
        EXPECT_NE(std::string(error.what()).find("n_seq_max"), std::string::npos) << error.what();
    }
}

}  // namespace
}  // namespace bitgauge
