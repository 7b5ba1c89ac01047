#include "hub/chunk_journal.h"

#include <string>
#include <unistd.h>

#include <gtest/gtest.h>

namespace bitgauge {
namespace {

namespace fs = std::filesystem;

class Journal : public testing::Test {
  protected:
    ~Journal() override { fs::remove(path.string() + ".part"); }

    fs::path path = fs::temp_directory_path() / ("journal_" + std::to_string(getpid()));
    HubFile file{"m.gguf", 2500, std::string(64, 'a')};
};

TEST_F(Journal, GoesOnWhereTheLastOneStopped) {
    {
        ResumableFile part(path, Earlier::kKeep);
        ChunkJournal journal(part, file, 1000);
        EXPECT_FALSE(journal.resumed());
        EXPECT_EQ(journal.chunks(), 3U);
        EXPECT_EQ(journal.end_of(2), 2500U);
        journal.mark(2);
        journal.mark(0);
    }
    EXPECT_EQ(fetched_before(path, file), 1500U);
    ResumableFile part(path, Earlier::kKeep);
    ChunkJournal journal(part, file, 1000);
    EXPECT_TRUE(journal.resumed());
    EXPECT_EQ(journal.done_bytes(), 1500U);
    EXPECT_EQ(journal.contiguous_bytes(), 1000U);
    journal.mark(1);
    EXPECT_TRUE(journal.complete());
    EXPECT_EQ(journal.contiguous_bytes(), 2500U);
    journal.cut_off();
    EXPECT_EQ(part.size(), 2500U);
}

TEST_F(Journal, OfAnotherFileOrChunkSizeCountsForNothing) {
    {
        ResumableFile part(path, Earlier::kKeep);
        ChunkJournal(part, file, 1000).mark(0);
    }
    {
        ResumableFile part(path, Earlier::kKeep);
        EXPECT_EQ(ChunkJournal(part, file, 900).done_bytes(), 0U);
    }
    HubFile other = file;
    other.hash = std::string(64, 'c');
    EXPECT_EQ(fetched_before(path, other), 0U);
    ResumableFile part(path, Earlier::kKeep);
    EXPECT_FALSE(ChunkJournal(part, other, 900).resumed());
}

}  // namespace
}  // namespace bitgauge
