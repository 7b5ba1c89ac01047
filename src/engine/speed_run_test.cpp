#include "engine/speed_run.h"

#include <gtest/gtest.h>

#include "engine/engine_testing.h"

namespace bitgauge {
namespace {

TEST(SpeedRun, TimesAPromptAndAGenerationAsOftenAsAsked) {
    SpeedModel model(baby_llama(), one_thread());
    SpeedRun prompt(model, {.prompt = 64});
    SpeedRun generation(model, {.generate = 8});
    for (int i = 0; i < 3; ++i) {
        EXPECT_GT(prompt.seconds(), 0);
        EXPECT_GT(generation.seconds(), 0);
    }
}

// A context has room for exactly the run and its depth: a repetition that did not begin anew, or
// not behind its depth, would find none.
TEST(SpeedRun, BeginsEachRepetitionBehindItsDepth) {
    SpeedModel model(baby_llama(), one_thread());
    SpeedRun generation(model, {.generate = 16, .depth = 240});
    SpeedRun prompt(model, {.prompt = 16, .depth = 240});  // takes the depth that is kept
    for (int i = 0; i < 3; ++i) {
        EXPECT_GT(generation.seconds(), 0);
        EXPECT_GT(prompt.seconds(), 0);
    }
}

TEST(SpeedRun, ReadsSeveralSequencesInSeveralCalls) {
    SpeedModel model(tiny_moe(), one_thread());
    SpeedRun prompt(model, {.prompt = 24, .depth = 8, .sequences = 3, .batch_tokens = 16});
    SpeedRun generation(model, {.generate = 4, .depth = 8, .sequences = 3, .batch_tokens = 16});
    EXPECT_GT(prompt.seconds(), 0);
    EXPECT_GT(generation.seconds(), 0);
    EXPECT_GT(prompt.seconds(), 0);
}

}  // namespace
}  // namespace bitgauge
