// Baselines and measurements in stages: the bytes and the numbers of the whole model, also after an
// interruption.

#include <algorithm>
#include <fstream>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "engine/staged_model.h"
#include "eval/baseline_folder.h"
#include "eval/baseline_testing.h"
#include "eval/capture.h"
#include "eval/pass_testing.h"
#include "store/record_json.h"

namespace bitgauge {
namespace {

namespace fs = std::filesystem;

constexpr int32_t kManyStages = 100;

size_t stages_of(const fs::path& model) {
    return StagedModel(model, one_thread(), {}).stages();
}

BaselineSummary make(const fs::path& model, const fs::path& out, BaselineOptions options,
                     int32_t stages, Progress& progress = silent_progress()) {
    options.engine.stages = stages;
    return make_baseline(model, out, options, progress);
}

// The manifest tells of the way.
std::map<std::string, std::string> without_manifest(const fs::path& folder) {
    auto files = contents(folder);
    files.erase("manifest.json");
    return files;
}

void expect_same_baseline(const fs::path& a, const fs::path& b) {
    const auto in_a = without_manifest(a);
    const auto in_b = without_manifest(b);
    EXPECT_GE(in_a.size(), 3U) << "head, windows and states";
    ASSERT_EQ(in_a.size(), in_b.size());
    for (const auto& [name, bytes] : in_a) {
        ASSERT_TRUE(in_b.contains(name)) << name;
        EXPECT_TRUE(in_b.at(name) == bytes) << name << " differs";
    }
}

struct Original {
    std::string name;
    fs::path path;
    const char* candidate;
};

class InStages : public testing::TestWithParam<Original> {
  protected:
    BaselineOptions options(size_t bytes = 300) const {
        return small_baseline(story(folder_, bytes), 48);
    }
    std::string stages_text() const { return fmt::format("{} stages: ", stages_of(model_)); }

    fs::path model_ = GetParam().path;
    fs::path folder_ = fresh_folder("in_stages_" + GetParam().name);
    OwnCache cache_{folder_ / "cache"};
};

TEST_P(InStages, ABaselineHasTheBytesOfTheWholeModels) {
    const BaselineSummary whole = make(model_, folder_ / "whole", options(), kStagesOff);
    const BaselineSummary staged = make(model_, folder_ / "staged", options(), kManyStages);
    expect_same_baseline(folder_ / "whole", folder_ / "staged");
    const BaselineIdentity& expected = whole.identity.baseline;
    const BaselineIdentity& got = staged.identity.baseline;
    EXPECT_EQ(got.kind, "states");
    EXPECT_EQ(got.self_kld_nats, expected.self_kld_nats);
    EXPECT_EQ(got.head_check_max_abs, expected.head_check_max_abs);
    EXPECT_EQ(got.head_check_outcome, expected.head_check_outcome);
    EXPECT_EQ(staged.identity.noise_floor_nats, whole.identity.noise_floor_nats);
    EXPECT_EQ(expected.evaluation, "whole, as asked for");
    EXPECT_TRUE(got.evaluation.starts_with(stages_text())) << got.evaluation;
    EXPECT_NE(got.evaluation.find("the same bits"), std::string::npos) << got.evaluation;
}

MeasureRecord measured(const fs::path& candidate, const fs::path& baseline, int32_t stages,
                       Progress& progress = silent_progress()) {
    MeasureOptions options{.engine = one_thread()};
    options.engine.stages = stages;
    const std::vector<fs::path> files = {candidate};
    return measure(files, baseline, options, {}, progress).records.at(0);
}

// All numbers to the last bit, without the way, the time and the clock.
std::string numbers_of(MeasureRecord record) {
    record.build.evaluation.clear();
    record.created_utc.clear();
    record.elapsed_s = 0;
    return to_json(record).dump();
}

TEST_P(InStages, AMeasurementHasTheNumbersOfTheWholeModels) {
    make(model_, folder_ / "base", options(), kStagesOff);
    const fs::path candidate = quantized(model_, GetParam().candidate, folder_);
    const MeasureRecord whole = measured(candidate, folder_ / "base", kStagesOff);
    const MeasureRecord staged = measured(candidate, folder_ / "base", kManyStages);
    EXPECT_GT(whole.kld_nats.mean.value, 0);
    EXPECT_EQ(staged.kld_nats.mean.value, whole.kld_nats.mean.value);
    EXPECT_EQ(staged.ppl.value, whole.ppl.value);
    EXPECT_EQ(numbers_of(staged), numbers_of(whole));
    EXPECT_EQ(whole.build.evaluation, "whole, as asked for");
    EXPECT_TRUE(staged.build.evaluation.starts_with(stages_text())) << staged.build.evaluation;
    EXPECT_FALSE(fs::exists(folder_ / "base" / "work")) << "nothing is left of the work";
}

INSTANTIATE_TEST_SUITE_P(Models, InStages,
                         testing::Values(Original{"llama", baby_llama(), "Q4_0"},
                                         Original{"moe", tiny_moe(), "Q8_0"}),
                         [](const auto& original) { return original.param.name; });

// Several batches of the small Llama in each stage.
class StagedPass : public testing::Test {
  protected:
    BaselineOptions options() const {
        BaselineOptions options = small_baseline(story(folder_, 600), 16);
        options.ubatch_tokens = 16;
        return options;
    }
    void make_whole() { make(baby_llama(), folder_ / "whole", options(), kStagesOff); }
    // Makes a baseline in stages and counts its steps.
    size_t steps_of(const fs::path& out) {
        WatchedProgress progress;
        make(baby_llama(), out, options(), kManyStages, progress);
        return progress.steps;
    }
    void interrupt(const fs::path& out, size_t step) {
        WatchedProgress progress = interrupted_in(step);
        const Error error =
            error_of([&] { make(baby_llama(), out, options(), kManyStages, progress); });
        EXPECT_EQ(error.kind(), ErrorKind::kInterrupted) << "in step " << step;
    }

    fs::path folder_ = fresh_folder("staged_pass");
    OwnCache cache_{folder_ / "cache"};
};

TEST_F(StagedPass, TwoStagesGiveTheBytesOfMany) {
    make(baby_llama(), folder_ / "two", options(), 2);
    make(baby_llama(), folder_ / "many", options(), kManyStages);
    expect_same_baseline(folder_ / "two", folder_ / "many");
}

TEST_F(StagedPass, GoesOnAfterAnInterruptionToTheSameBytes) {
    const size_t steps = steps_of(folder_ / "unbroken");
    const size_t stages = stages_of(baby_llama());
    ASSERT_GE(steps, 5 * stages) << "these tests want several batches in each stage";
    const size_t a_stage = steps / stages;
    for (const size_t step : {size_t{0}, a_stage - 1, steps / 2 + 1, steps - 1}) {
        const fs::path out = folder_ / fmt::format("broken-{}", step);
        interrupt(out, step);
        EXPECT_TRUE(fs::exists(out / "stage-states.json")) << "after step " << step;
        const size_t rest = steps_of(out);
        EXPECT_EQ(rest, steps - step / a_stage * a_stage)
            << "stages that were over in step " << step << " are not read again";
        expect_same_folder(folder_ / "unbroken", out);
    }
}

TEST_F(StagedPass, GoesOnAfterManyInterruptions) {
    const size_t steps = steps_of(folder_ / "unbroken");
    const size_t a_stage = steps / stages_of(baby_llama());
    const fs::path out = folder_ / "broken";
    for (size_t i = 0; i + 1 < stages_of(baby_llama()); ++i) interrupt(out, a_stage + 1);
    steps_of(out);
    expect_same_folder(folder_ / "unbroken", out);
}

// Whoever gives up on stages keeps no states of them.
TEST_F(StagedPass, LeavesNothingWhereTheWholeModelFinishesIt) {
    make_whole();
    interrupt(folder_ / "out", 8);
    make(baby_llama(), folder_ / "out", options(), kStagesOff);
    expect_same_baseline(folder_ / "whole", folder_ / "out");
}

TEST_F(StagedPass, OfACandidateGoesOnAfterAnInterruptionToTheSameNumbers) {
    make_whole();
    const fs::path candidate = quantized(baby_llama(), "Q8_0", folder_);
    const fs::path base = folder_ / "whole";
    WatchedProgress counting;
    const MeasureRecord unbroken = measured(candidate, base, kManyStages, counting);
    for (const size_t step : {size_t{1}, counting.steps / 2, counting.steps - 2}) {
        WatchedProgress progress = interrupted_in(step);
        const Error error = error_of([&] { measured(candidate, base, kManyStages, progress); });
        EXPECT_EQ(error.kind(), ErrorKind::kInterrupted);
        const MeasureRecord again = measured(candidate, base, kManyStages);
        EXPECT_EQ(numbers_of(again), numbers_of(unbroken)) << "after step " << step;
        EXPECT_EQ(again.build.evaluation, unbroken.build.evaluation);
    }
}

// A stage is loaded after the file has grown by a byte.
TEST_F(StagedPass, OfAFileThatChangesIsAnErrorThatSaysSo) {
    const fs::path model = folder_ / "model.gguf";
    fs::copy_file(baby_llama(), model);
    const auto bytes = fs::file_size(model);
    WatchedProgress progress(1, [&] { std::ofstream(model, std::ios::app) << '!'; });
    const Error error =
        error_of([&] { make(model, folder_ / "out", options(), kManyStages, progress); });
    EXPECT_EQ(error.kind(), ErrorKind::kInput);
    EXPECT_EQ(std::string(error.what()),
              fmt::format("'{}' has changed while it was read: {} bytes now, {} at the beginning",
                          model.string(), bytes + 1, bytes));
}

CaptureJob job_of(const fs::path& baseline, CaptureKind kind, const fs::path& out, bool staged) {
    const BaselineManifest manifest = read_manifest({baseline});
    make_folder(out);
    return {.kind = kind,
            .baseline = baseline,
            .model = baby_llama(),
            .windows = BaselineFolder{baseline}.windows(),
            .out = out,
            .identity = "key",
            .precision = StatePrecision::kF32,
            .shape = manifest.pass_shape(),
            .windows_per_shard = manifest.windows_per_shard,
            .shards = {0},
            .engine = one_thread(),
            .way = {.staged = staged}};
}

TEST_F(StagedPass, GivesTheWholeModelsShardsOfEveryKind) {
    make_whole();
    for (const CaptureKind kind :
         {CaptureKind::kStates, CaptureKind::kLogProbabilities, CaptureKind::kDivergence}) {
        const auto number = static_cast<int>(kind);
        const fs::path whole = folder_ / fmt::format("kind-{}-whole", number);
        const fs::path staged = folder_ / fmt::format("kind-{}-staged", number);
        capture(job_of(folder_ / "whole", kind, whole, false), silent_progress());
        capture(job_of(folder_ / "whole", kind, staged, true), silent_progress());
        EXPECT_EQ(contents(whole).size(), 1U);
        expect_same_folder(whole, staged);
    }
}

CaptureJob job_of_three_shards(const fs::path& baseline, const fs::path& out, bool staged) {
    CaptureJob job = job_of(baseline, CaptureKind::kStates, out, staged);
    job.windows_per_shard = job.shape.sequences;
    job.shards = {0, 1, 2};
    return job;
}

// A batch for the head and one for each of three shards; the second shard of the last stage is
// where it stops.
TEST_F(StagedPass, DoesNotWriteShardsAgainThatAreThere) {
    make_whole();
    const fs::path out = folder_ / "shards";
    const CaptureJob job = job_of_three_shards(folder_ / "whole", out, true);
    WatchedProgress progress = interrupted_in((stages_of(baby_llama()) - 1) * 4 + 2);
    EXPECT_EQ(error_of([&] { capture(job, progress); }).kind(), ErrorKind::kInterrupted);
    const auto shard = [&](size_t i) { return shard_path(CaptureKind::kStates, out, i); };
    ASSERT_TRUE(fs::exists(shard(0)));
    EXPECT_FALSE(fs::exists(shard(1)));
    const auto written = fs::last_write_time(shard(0));
    capture(job, silent_progress());
    EXPECT_EQ(fs::last_write_time(shard(0)), written);
    capture(job_of_three_shards(folder_ / "whole", folder_ / "expected", false), silent_progress());
    expect_same_folder(folder_ / "expected", out);
}

}  // namespace
}  // namespace bitgauge
