#include "eval/stage_way.h"

#include <gtest/gtest.h>

#include "engine/staged_model.h"
#include "engine/tiny_models_testing.h"
#include "eval/baseline_testing.h"
#include "eval/pass_testing.h"

namespace bitgauge {
namespace {

namespace fs = std::filesystem;

constexpr int kF32 = 0;  // ggml's number
constexpr PassShape kShape{.window_tokens = 48, .sequences = 2, .ubatch_tokens = 96};

class StageWayTest : public testing::Test {
  protected:
    StageWay way_for(const fs::path& model, int32_t stages,
                     const MemoryRoom& room = available_memory()) {
        EngineOptions engine = one_thread();
        engine.stages = stages;
        progress_.warnings.clear();
        return choose_way(model, kShape, engine, isolation_, folder_ / "scratch", progress_, room);
    }
    // The check is done by a program that does this instead.
    void check_by(const std::string& commands) {
        const fs::path script = folder_ / "program";
        write_plain(script, "#!/bin/sh\n" + commands + "\n");
        fs::permissions(script, fs::perms::owner_all);
        isolation_.program = script;
    }
    // As if the check ran out of memory: an error, and no outcome that would be believed next time.
    void expect_no_memory(const std::string& said) {
        const Error error = error_of([&] { way_for(baby_llama(), 3); });
        EXPECT_EQ(error.kind(), ErrorKind::kEnvironment) << error.what();
        EXPECT_NE(std::string(error.what()).find(said), std::string::npos) << error.what();
        EXPECT_FALSE(fs::exists(folder_ / "cache"));
    }
    fs::path tiny(const std::string& name) const {
        auto path = folder_ / (name + ".gguf");
        write_tiny_model(tiny_model(name), kF32, 1, path);
        return path;
    }
    std::vector<fs::path> kept() const {
        std::vector<fs::path> files;
        for (const auto& entry : fs::recursive_directory_iterator(folder_ / "cache")) {
            if (entry.is_regular_file()) files.push_back(entry.path());
        }
        return files;
    }
    fs::path only_kept() const {
        const auto files = kept();
        EXPECT_EQ(files.size(), 1U);
        return files.empty() ? fs::path() : files.front();
    }
    void expect_whole_because(const fs::path& model, const std::string& why) {
        const StageWay way = way_for(model, 4);
        EXPECT_FALSE(way.staged);
        EXPECT_EQ(way.text, "whole: " + why);
        ASSERT_EQ(progress_.warnings.size(), 1U);
        EXPECT_EQ(progress_.warnings[0],
                  model.filename().string() + " is evaluated as a whole: " + why);
    }

    fs::path folder_ = fresh_folder("stage_way");
    OwnCache cache_{folder_ / "cache"};
    WatchedProgress progress_;
    Isolation isolation_;
};

uint64_t memory_for(const fs::path& model) {
    return evaluation_memory(GgufFile::open(model), kShape.window_tokens, kShape.sequences,
                             kShape.ubatch_tokens)
        .total();
}

size_t stages_of(const fs::path& model, uint32_t wish) {
    return StagedModel(model, one_thread(), {.stages = wish}).stages();
}

TEST_F(StageWayTest, IsWholeWhereStagesAreOff) {
    const StageWay way = way_for(baby_llama(), kStagesOff);
    EXPECT_FALSE(way.staged);
    EXPECT_EQ(way.text, "whole, as asked for");
    EXPECT_TRUE(progress_.warnings.empty());
    EXPECT_FALSE(fs::exists(folder_ / "cache")) << "nothing was checked";
}

TEST_F(StageWayTest, IsWholeForAModelThatFits) {
    const StageWay way = way_for(baby_llama(), kStagesAuto);
    EXPECT_FALSE(way.staged);
    EXPECT_EQ(way.text, "whole");
    EXPECT_TRUE(progress_.warnings.empty());
}

TEST_F(StageWayTest, IsWholeWhereOneStageIsAskedFor) {
    const StageWay way = way_for(baby_llama(), 1);
    EXPECT_FALSE(way.staged);
    EXPECT_EQ(way.text, "whole, as asked for");
}

TEST_F(StageWayTest, HasAtMostTheStagesThatAreAskedForAndSaysHowTheyWereChecked) {
    for (const int32_t wish : {2, 3, 100}) {
        const StageWay way = way_for(baby_llama(), wish);
        const auto most = static_cast<uint32_t>(wish);
        const size_t stages = stages_of(baby_llama(), most);
        EXPECT_TRUE(way.staged);
        EXPECT_EQ(way.stages, most);
        EXPECT_LE(stages, most);
        const std::string n = std::to_string(stages);
        EXPECT_EQ(way.text, n + " stages: 96 tokens through " + n +
                                " stages give the same bits as through the whole model");
        EXPECT_TRUE(way.two_resident);
        EXPECT_FALSE(way.forget_pages) << "it fits";
        EXPECT_TRUE(progress_.warnings.empty());
    }
}

TEST_F(StageWayTest, HoldsForAModelOfExperts) {
    const StageWay way = way_for(tiny_moe(), 4);
    EXPECT_TRUE(way.staged);
    EXPECT_EQ(stages_of(tiny_moe(), 4), 4U);
    EXPECT_TRUE(way.text.starts_with("4 stages: ")) << way.text;
}

TEST_F(StageWayTest, IsWholeWithAWarningWhereAModelCannotBeCut) {
    expect_whole_because(tiny("rwkv7"), "its layers read more than what the layer before hands on");
    expect_whole_because(tiny("minicpm3"), "its layers depend on their place among all layers");
    EXPECT_FALSE(fs::exists(folder_ / "cache")) << "nothing was checked";
}

TEST_F(StageWayTest, TheOutcomeOfACheckIsBelievedTheNextTime) {
    way_for(baby_llama(), 3);
    write_plain(only_kept(), R"({"same": true, "how": "somebody said so"})");
    EXPECT_EQ(way_for(baby_llama(), 3).text, "3 stages: somebody said so");
    write_plain(only_kept(), R"({"same": false, "how": "somebody doubts it"})");
    const StageWay way = way_for(baby_llama(), 3);
    EXPECT_FALSE(way.staged);
    EXPECT_EQ(way.text, "whole: somebody doubts it");
    ASSERT_EQ(progress_.warnings.size(), 1U);
    EXPECT_NE(progress_.warnings[0].find("somebody doubts it"), std::string::npos);
}

TEST_F(StageWayTest, TheOutcomeIsThatOfOneCutAndOneFile) {
    way_for(baby_llama(), 3);
    write_plain(only_kept(), R"({"same": false, "how": "somebody doubts it"})");
    EXPECT_TRUE(way_for(baby_llama(), 2).staged);
    EXPECT_TRUE(way_for(tiny("llama"), 3).staged);
    EXPECT_EQ(kept().size(), 3U);
}

TEST_F(StageWayTest, ADamagedOutcomeIsCheckedAgain) {
    const std::string text = way_for(baby_llama(), 3).text;
    const std::string good = read_text_file(only_kept());
    for (const std::string damaged : {"", "{", "[]", "{\"same\": true}"}) {
        write_plain(only_kept(), damaged);
        EXPECT_EQ(way_for(baby_llama(), 3).text, text);
        EXPECT_EQ(read_text_file(only_kept()), good);
    }
}

// As above for values of another kind: nlohmann's type_error gets out of check_from_json().
TEST_F(StageWayTest, AnOutcomeOfAnotherFormIsCheckedAgain) {
    const std::string text = way_for(baby_llama(), 3).text;
    write_plain(only_kept(), R"({"same": "yes", "how": 7})");
    EXPECT_EQ(way_for(baby_llama(), 3).text, text);
}

TEST_F(StageWayTest, ACacheThatCannotBeWrittenIsDoneWithout) {
    write_plain(folder_ / "file", "");
    const OwnCache no_folder(folder_ / "file");
    EXPECT_TRUE(way_for(baby_llama(), 3).staged);
}

// --- memory -------------------------------------------------------------------------------------

TEST_F(StageWayTest, IsStagedWhereOneByteIsMissingForTheWhole) {
    const uint64_t enough = memory_for(tiny_moe());
    EXPECT_FALSE(way_for(tiny_moe(), kStagesAuto, {enough, "the machine"}).staged);
    const StageWay way = way_for(tiny_moe(), kStagesAuto, {enough - 1, "the machine"});
    EXPECT_TRUE(way.staged);
    EXPECT_TRUE(way.two_resident);
    EXPECT_TRUE(way.forget_pages) << "states have more use for the page cache";
}

TEST_F(StageWayTest, ReadsOneStageAfterTheOtherWhereTwoDoNotFit) {
    const StagedModel halves(tiny_moe(), one_thread(), {.stages = 2});
    const uint64_t both = halves.bytes_read(0) + halves.bytes_read(1);
    const StageWay way = way_for(tiny_moe(), 2, {both, "the machine"});
    EXPECT_TRUE(way.staged);
    EXPECT_FALSE(way.two_resident);
}

TEST_F(StageWayTest, SaysHowMuchTheLargestStageNeedsWhereNothingFits) {
    const MemoryRoom room{uint64_t{1} << 20, "a limit on this process's group"};
    const Error error = error_of([&] { way_for(baby_llama(), kStagesAuto, room); });
    EXPECT_EQ(error.kind(), ErrorKind::kEnvironment);
    EXPECT_EQ(std::string(error.what()),
              "the largest of 5 stages of '" + baby_llama().string() +
                  "' needs 2.26 MiB, a limit on this process's group leaves 1.00 MiB");
    EXPECT_EQ(error.hint(), "fewer tokens per call (--ubatch) or a shorter window need less");
    EXPECT_FALSE(fs::exists(folder_ / "cache")) << "refused before anything was checked";
}

TEST_F(StageWayTest, SaysHowManyStagesWouldNeedLess) {
    const MemoryRoom room{uint64_t{1} << 20, "the machine"};
    const Error error = error_of([&] { way_for(baby_llama(), 2, room); });
    EXPECT_EQ(error.kind(), ErrorKind::kEnvironment);
    EXPECT_TRUE(std::string(error.what()).starts_with("the largest of 2 stages of '"));
    EXPECT_EQ(error.hint(), "--stages 5 makes them smaller");
}

TEST_F(StageWayTest, ACheckThatIsKilledIsAnErrorAndNotKept) {
    check_by("kill -9 $$");
    expect_no_memory("was killed (out of memory?)");
}

TEST_F(StageWayTest, ACheckThatGetsNoMemoryIsAnErrorAndNotKept) {
    check_by("echo 'libllama gave up: ggml-cuda.cu:98: CUDA error: out of memory' >&2; exit 134");
    expect_no_memory("CUDA error: out of memory");
    check_by("echo \"terminate called after throwing 'std::bad_alloc'\" >&2; kill -6 $$");
    expect_no_memory("std::bad_alloc");
    check_by(R"(echo '{"error": "libllama cannot load it", "kind": 3, "hint": ""}' > $2.outcome)");
    expect_no_memory("libllama cannot load it");
}

TEST_F(StageWayTest, ACheckThatLibllamaEndsIsADifferenceAndKept) {
    check_by(
        "echo 'libllama gave up: llama-graph.cpp:12: GGML_ASSERT(n > 0) failed' >&2; exit 134");
    const StageWay way = way_for(baby_llama(), 3);
    EXPECT_FALSE(way.staged);
    EXPECT_NE(way.text.find("GGML_ASSERT(n > 0) failed"), std::string::npos) << way.text;
    EXPECT_EQ(kept().size(), 1U);
}

}  // namespace
}  // namespace bitgauge
