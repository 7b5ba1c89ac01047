#include "eval/stage_states.h"

#include <csignal>

#include <gtest/gtest.h>
#include <sys/resource.h>

#include "base/files.h"
#include "base/units.h"
#include "eval/baseline_testing.h"

namespace bitgauge {
namespace {

namespace fs = std::filesystem;

constexpr uint64_t kWidth = 4;

// Values that no other batch of no other stage has.
std::vector<float> rows_of(size_t stage, size_t batch, uint64_t tokens) {
    std::vector<float> rows(tokens * kWidth);
    for (size_t i = 0; i < rows.size(); ++i) {
        rows[i] = static_cast<float>(1000 * (10 * stage + batch) + i) + 0.5F;
    }
    return rows;
}

class StageStatesTest : public testing::Test {
  protected:
    void SetUp() override { folder_ = fresh_folder("stage_states"); }

    StageStates new_pass(const std::string& identity = "one pass") const {
        return {folder_, identity, tokens_};
    }
    void write_stage(StageStates& states, size_t stage) const {
        for (size_t b = 0; b < tokens_.size(); ++b) {
            states.write(stage, b, rows_of(stage, b, tokens_[b]));
        }
    }
    // A pass that was stopped when two batches had been through the third stage.
    void leave_a_pass() const {
        StageStates before = new_pass();
        before.resume();
        write_stage(before, 0);
        write_stage(before, 1);
        before.keep_place({.stage = 2, .batches = 2}, /*at_once=*/true);
    }
    void expect_from_the_beginning(const std::string& identity = "one pass") const {
        StageStates again = new_pass(identity);
        const PassPlace place = again.resume();
        EXPECT_EQ(place.stage, 0U);
        EXPECT_EQ(place.batches, 0U);
        write_stage(again, 0);
        EXPECT_EQ(again.read(1, 0), rows_of(0, 0, tokens_[0]));
    }
    fs::path place_file() const { return folder_ / "stage-states.json"; }
    fs::path states_file() const { return folder_ / "stage-states.part"; }

    fs::path folder_;
    std::vector<uint64_t> tokens_ = {3, 1, 7, 2};
};

TEST_F(StageStatesTest, WhatAStageGivesIsWhatTheNextOneTakesIn) {
    StageStates states = new_pass();
    states.resume();
    write_stage(states, 0);
    for (size_t stage = 1; stage < 5; ++stage) {
        for (size_t b = 0; b < tokens_.size(); ++b) {
            EXPECT_EQ(states.read(stage, b), rows_of(stage - 1, b, tokens_[b]))
                << "batch " << b << " into stage " << stage;
            states.write(stage, b, rows_of(stage, b, tokens_[b]));
        }
    }
}

TEST_F(StageStatesTest, WhatAStageTakesInStaysUntilAllBatchesHaveBeenThrough) {
    StageStates states = new_pass();
    states.resume();
    write_stage(states, 0);
    for (size_t stage = 1; stage < 4; ++stage) {
        write_stage(states, stage);
        for (size_t b = 0; b < tokens_.size(); ++b) {
            EXPECT_EQ(states.read(stage, b), rows_of(stage - 1, b, tokens_[b]));
        }
    }
}

TEST_F(StageStatesTest, APassGoesOnAtThePlaceThatWasKept) {
    leave_a_pass();
    StageStates again = new_pass();
    const PassPlace place = again.resume();
    EXPECT_EQ(place.stage, 2U);
    EXPECT_EQ(place.batches, 2U);
    for (size_t b = 0; b < tokens_.size(); ++b) {
        EXPECT_EQ(again.read(2, b), rows_of(1, b, tokens_[b]));
    }
}

TEST_F(StageStatesTest, APlaceThatIsNotUrgentIsKeptTheFirstTime) {
    {
        StageStates before = new_pass();
        before.resume();
        write_stage(before, 0);
        before.keep_place({.stage = 0, .batches = 1}, /*at_once=*/false);
    }
    EXPECT_EQ(new_pass().resume().batches, 1U);
}

TEST_F(StageStatesTest, APassWithoutAPlaceBegins) {
    expect_from_the_beginning();
}

TEST_F(StageStatesTest, APassOfAnotherIdentityBegins) {
    leave_a_pass();
    expect_from_the_beginning("another pass");
}

TEST_F(StageStatesTest, ADamagedPlaceIsNone) {
    for (const std::string damaged : {"", "{", "{\"identity\": \"one pass\", \"wid"}) {
        leave_a_pass();
        write_plain(place_file(), damaged);
        expect_from_the_beginning();
    }
}

// As above for JSON of another form: nlohmann's type_error gets out of read_place().
TEST_F(StageStatesTest, APlaceOfAnotherFormIsNone) {
    for (const std::string damaged :
         {"[]", "7", "{\"identity\": 7}",
          "{\"identity\": \"one pass\", \"width\": \"wide\", \"stage\": 1, \"batches\": 0}"}) {
        leave_a_pass();
        write_plain(place_file(), damaged);
        expect_from_the_beginning();
    }
}

// The place of the first pass outlives the states it speaks of, and the second pass takes as much
// room: the first one would go on with the second one's states.
TEST_F(StageStatesTest, APlaceEndsWithTheStatesItSpeaksOf) {
    leave_a_pass();
    expect_from_the_beginning("another pass");
    expect_from_the_beginning();
}

TEST_F(StageStatesTest, APlaceWhoseStatesAreCutOffIsNone) {
    leave_a_pass();
    fs::resize_file(states_file(), fs::file_size(states_file()) - 1);
    expect_from_the_beginning();
}

TEST_F(StageStatesTest, StatesThatVanishWhileTheyAreUsedAreAnError) {
    StageStates states = new_pass();
    states.resume();
    write_stage(states, 0);
    fs::resize_file(states_file(), 8);
    const Error error = error_of([&] { states.read(1, 2); });
    EXPECT_EQ(error.kind(), ErrorKind::kEnvironment);
    EXPECT_NE(std::string(error.what()).find("has become shorter"), std::string::npos);
}

TEST_F(StageStatesTest, RowsOfAnotherWidthAreAnErrorThatSaysHowMany) {
    StageStates states = new_pass();
    states.resume();
    states.write(1, 0, rows_of(1, 0, tokens_[0]));
    const Error error = error_of([&] { states.write(1, 1, std::vector<float>(5)); });
    EXPECT_EQ(error.kind(), ErrorKind::kEnvironment);
    EXPECT_STREQ(error.what(), "stage 2 hands 5 values on for 1 tokens");
    EXPECT_EQ(states.read(2, 0), rows_of(1, 0, tokens_[0])) << "what was there is as it was";
}

TEST_F(StageStatesTest, AStageThatHandsNothingOnIsAnError) {
    StageStates states = new_pass();
    states.resume();
    const Error error = error_of([&] { states.write(0, 0, {}); });
    EXPECT_STREQ(error.what(), "stage 1 hands 0 values on for 3 tokens");
}

// 13 values of 3 tokens are no rows of 4 (13 / 3 = 4): the last one falls into the next batch.
TEST_F(StageStatesTest, ValuesThatAreNoWholeRowsAreAnError) {
    StageStates states = new_pass();
    states.resume();
    write_stage(states, 0);
    const Error error = error_of([&] { states.write(0, 0, std::vector<float>(13)); });
    EXPECT_STREQ(error.what(), "stage 1 hands 13 values on for 3 tokens");
    EXPECT_EQ(states.read(1, 1), rows_of(0, 1, tokens_[1]));
}

// No file of this process grows beyond `bytes`.
class FileLimit {
  public:
    explicit FileLimit(rlim_t bytes) : signal_(std::signal(SIGXFSZ, SIG_IGN)) {
        ::getrlimit(RLIMIT_FSIZE, &before_);
        const rlimit now{.rlim_cur = bytes, .rlim_max = before_.rlim_max};
        ::setrlimit(RLIMIT_FSIZE, &now);
    }
    ~FileLimit() {
        ::setrlimit(RLIMIT_FSIZE, &before_);
        std::signal(SIGXFSZ, signal_);
    }
    FileLimit(const FileLimit&) = delete;
    FileLimit& operator=(const FileLimit&) = delete;

  private:
    void (*signal_)(int);
    rlimit before_ = {};
};

// Two halves of 2^20 + 1 rows of 4 values: 32 MiB and 32 bytes. What the test itself prints stays
// below the limit.
TEST_F(StageStatesTest, RoomThatIsNotThereIsAnErrorBeforeAnythingIsWritten) {
    tokens_ = {1, uint64_t{1} << 20};
    StageStates states = new_pass();
    states.resume();
    const Error error = [&] {
        const FileLimit limit(rlim_t{16} << 20);
        return error_of([&] { states.write(0, 0, rows_of(0, 0, 1)); });
    }();
    EXPECT_EQ(error.kind(), ErrorKind::kEnvironment);
    const std::string text = error.what();
    EXPECT_NE(text.find("no room for the states between stages, 32.00 MiB: "), std::string::npos)
        << text;
    EXPECT_NE(text.find(" its 33554464 bytes"), std::string::npos) << text;
    EXPECT_NE(error.hint().find("--stages off"), std::string::npos);
}

TEST_F(StageStatesTest, NothingIsLeftOfAPassThatIsOver) {
    leave_a_pass();
    StageStates again = new_pass();
    again.resume();
    again.keep_place({.stage = 3, .batches = 0}, /*at_once=*/true);
    again.discard();
    EXPECT_TRUE(fs::is_empty(folder_));
}

}  // namespace
}  // namespace bitgauge
