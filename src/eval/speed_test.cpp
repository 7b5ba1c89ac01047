#include "bitgauge/speed.h"

#include <cmath>
#include <vector>

#include <gtest/gtest.h>

#include "bitgauge/error.h"

#include "engine/engine_testing.h"
#include "eval/speed_job.h"
#include "eval/speed_spread.h"

namespace bitgauge {
namespace {

TEST(SpreadOf, IsMiddleAndEnds) {
    const Spread odd = spread_of(std::vector<double>{3, 9, 1});
    EXPECT_EQ(odd.median, 3);
    EXPECT_EQ(odd.least, 1);
    EXPECT_EQ(odd.most, 9);
    EXPECT_EQ(spread_of(std::vector<double>{4, 1, 3, 2}).median, 2.5);
    EXPECT_EQ(spread_of({}).median, 0);
}

// Log ratios ln 2 -+ ln 1.1 and ln 2: standard error ln(1.1) / sqrt(3), t(2) = 4.302653.
TEST(PairedRatio, MatchesStudentsIntervalOnLogRatios) {
    const std::vector<double> a = {2.2, 20, 2 / 1.1}, b = {1, 10, 1};
    const Estimate ratio = paired_ratio(a, b);
    EXPECT_NEAR(ratio.value, 2, 1e-12);
    EXPECT_NEAR(ratio.high, 2 * std::exp(4.302653 * std::log(1.1) / std::sqrt(3.0)), 1e-5);
}

TEST(PairedRatio, OfOneRepetitionHasNoInterval) {
    const Estimate ratio = paired_ratio(std::vector<double>{3}, std::vector<double>{2});
    EXPECT_NEAR(ratio.value, 1.5, 1e-12);
    EXPECT_FALSE(ratio.has_interval());
}

TEST(SpeedTestNames, AreLlamaBenchs) {
    EXPECT_EQ((SpeedTest{.tokens = 512}).name(), "pp512");
    EXPECT_EQ((SpeedTest{.generates = true, .tokens = 128, .depth = 4096}).name(), "tg128 @ d4096");
    EXPECT_EQ((SpeedTest{.generates = true, .tokens = 8, .sequences = 4}).name(), "tg8 x 4");
}

TEST(SpeedJob, SurvivesItsJson) {
    const SpeedJob job{.files = {"a.gguf", "b.gguf"},
                       .shapes = {{.prompt = 7, .depth = 3, .sequences = 2, .batch_tokens = 5}},
                       .repetitions = 9,
                       .engine = one_thread()};
    const Json json = to_json(job);
    EXPECT_EQ(to_json(speed_job_from_json(json)), json);
    EXPECT_EQ(json.at("model"), "a.gguf' or 'b.gguf");
}

SpeedOptions brief() {
    return {.prompt = 16,
            .generate = 4,
            .depths = {0, 8},
            .sequences = {1, 2},
            .repetitions = 2,
            .engine = one_thread()};
}

TEST(MeasureSpeed, TimesEveryFileInEveryTest) {
    const SpeedReport report =
        measure_speed({baby_llama(), tiny_moe()}, brief(), silent_progress());
    EXPECT_TRUE(report.took_turns);
    ASSERT_EQ(report.tests.size(), 8U);
    EXPECT_EQ(report.tests[0].name(), "pp16");
    EXPECT_EQ(report.tests[7].name(), "tg4 x 2 @ d8");
    for (const SpeedTest& test : report.tests) {
        ASSERT_EQ(test.files.size(), 2U);
        EXPECT_NEAR(test.files[0].ratio_to_first.value, 1, 1e-12);
        for (const FileSpeed& file : test.files) {
            EXPECT_EQ(file.seconds.size(), 2U);
            EXPECT_GT(file.tokens_per_second.least, 0);
            EXPECT_LE(file.tokens_per_second.least, file.tokens_per_second.median);
            EXPECT_EQ(file.bytes_per_token > 0, test.generates && test.sequences == 1);
        }
    }
}

// Baby Llama: 3 layers of keys and values, 128 wide, 2 bytes; 2 tokens more in the middle of a
// generation of 4 behind 8 than where none stands before.
TEST(MeasureSpeed, CountsKeysAndValuesAtTheDepth) {
    SpeedOptions options = brief();
    options.prompt = 0;
    options.sequences = {1};
    const SpeedReport report = measure_speed({baby_llama()}, options, silent_progress());
    const double shallow = report.tests[0].files[0].bytes_per_token;
    const double deep = report.tests[1].files[0].bytes_per_token;
    EXPECT_GT(shallow, static_cast<double>(report.files[0].decoded_weight_bytes));
    EXPECT_EQ(deep - shallow,
              8 * (shallow - static_cast<double>(report.files[0].decoded_weight_bytes)) / 2);
}

TEST(MeasureSpeed, RefusesToTimeNothing) {
    SpeedOptions nothing = brief();
    nothing.prompt = nothing.generate = 0;
    EXPECT_THROW(measure_speed({baby_llama()}, nothing, silent_progress()), Error);
    EXPECT_THROW(measure_speed({}, brief(), silent_progress()), Error);
}

TEST(MeasureSpeed, RefusesAContextFarBeyondMemory) {
    SpeedOptions vast = brief();
    vast.depths = {4'000'000'000U};
    try {
        measure_speed({baby_llama()}, vast, silent_progress());
        FAIL() << "a context of 4,000,000,000 tokens was made";
    } catch (const Error& error) {
        EXPECT_EQ(error.kind(), ErrorKind::kEnvironment);
    }
}

TEST(MeasureTypeSpeed, RefusesTypesThatCannotBeEncoded) {
    EXPECT_THROW(measure_type_speed({.types = {"q4_X"}}, silent_progress()), Error);
}

}  // namespace
}  // namespace bitgauge
