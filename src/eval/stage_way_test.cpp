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
    StageWay way_for(const fs::path& model, int32_t stages) {
        EngineOptions engine = one_thread();
        engine.stages = stages;
        progress_.warnings.clear();
        return choose_way(model, kShape, engine, {}, folder_ / "scratch", progress_);
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
};

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

}  // namespace
}  // namespace bitgauge
