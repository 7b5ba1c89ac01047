#include "base/positioned_file.h"

#include <array>
#include <fstream>
#include <optional>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "bitgauge/error.h"

#include "base/files.h"

namespace bitgauge {
namespace {

namespace fs = std::filesystem;

fs::path fresh_path(const std::string& name) {
    const fs::path folder = fs::temp_directory_path() / ("bitgauge_positioned_test_" + name);
    fs::remove_all(folder);
    fs::create_directories(folder);
    return folder / "file";
}

std::span<const std::byte> bytes_of(std::string_view text) {
    return std::as_bytes(std::span(text));
}

TEST(PositionedReader, ReadsFromAnyPosition) {
    const fs::path path = fresh_path("read");
    write_file_atomically(path, "0123456789");
    std::array<char, 3> three{};
    PositionedReader(path).read(4, std::as_writable_bytes(std::span(three)));
    EXPECT_EQ(std::string(three.begin(), three.end()), "456");
}

TEST(PositionedReader, SaysWhereAFileEndsTooEarly) {
    const fs::path path = fresh_path("short");
    write_file_atomically(path, "0123456789");
    std::array<std::byte, 4> four{};
    try {
        PositionedReader(path).read(8, four);
        FAIL();
    } catch (const Error& error) {
        EXPECT_EQ(error.kind(), ErrorKind::kInput);
        EXPECT_NE(std::string(error.what()).find("ends at byte 10, 2 more"), std::string::npos);
    }
}

TEST(ResumableFile, AppearsOnlyWhenPublished) {
    const fs::path path = fresh_path("publish");
    ResumableFile file(path, Earlier::kKeep);
    file.reserve(6);
    file.write(4, bytes_of("ef"));
    file.write(0, bytes_of("abcd"));
    EXPECT_FALSE(fs::exists(path));
    file.sync();
    file.publish();
    EXPECT_EQ(read_text_file(path), "abcdef");
    EXPECT_FALSE(fs::exists(path.string() + ".part"));
}

TEST(ResumableFile, KeepsWhatWasWrittenForTheNextProcess) {
    const fs::path path = fresh_path("resume");
    {
        ResumableFile file(path, Earlier::kKeep);
        file.reserve(4);
        file.write(1, bytes_of("bc"));
    }
    const ResumableFile again(path, Earlier::kKeep);
    EXPECT_EQ(again.size(), 4U);
    std::array<char, 2> two{};
    EXPECT_TRUE(again.read(1, std::as_writable_bytes(std::span(two))));
    EXPECT_EQ(std::string(two.begin(), two.end()), "bc");
    EXPECT_FALSE(again.read(3, std::as_writable_bytes(std::span(two))));
}

TEST(ResumableFile, ErasesWhatAnotherProcessLeft) {
    const fs::path path = fresh_path("erase");
    std::ofstream(path.string() + ".part") << "left by somebody";
    ResumableFile file(path, Earlier::kErase);
    file.reserve(4);
    file.sync();
    file.publish();
    EXPECT_EQ(read_text_file(path), std::string(4, '\0'));
}

TEST(ResumableFile, IsCutToItsSize) {
    const fs::path path = fresh_path("cut");
    ResumableFile file(path, Earlier::kKeep);
    file.reserve(100);
    file.reserve(10);
    EXPECT_EQ(file.size(), 10U);
}

TEST(ResumableFile, LeavesNothingWhenDiscarded) {
    const fs::path path = fresh_path("discard");
    ResumableFile file(path, Earlier::kKeep);
    file.reserve(10);
    file.discard();
    EXPECT_TRUE(fs::is_empty(path.parent_path()));
}

TEST(ResumableFile, IsWrittenByOneAtATime) {
    const fs::path path = fresh_path("two");
    const ResumableFile first(path, Earlier::kKeep);
    EXPECT_THROW(ResumableFile second(path, Earlier::kKeep), Error);
}

}  // namespace
}  // namespace bitgauge
