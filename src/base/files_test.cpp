#include "base/files.h"

#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>

#include "bitgauge/error.h"

namespace bitgauge {
namespace {

namespace fs = std::filesystem;

fs::path fresh_folder(const std::string& name) {
    const fs::path folder = fs::temp_directory_path() / ("bitgauge_files_test_" + name);
    fs::remove_all(folder);
    fs::create_directories(folder);
    return folder;
}

TEST(AtomicFile, IsAbsentUntilCommitted) {
    const fs::path path = fresh_folder("absent") / "a.txt";
    AtomicFile file(path);
    file.write("half");
    EXPECT_FALSE(fs::exists(path));
    file.commit();
    EXPECT_EQ(read_text_file(path), "half");
}

TEST(AtomicFile, LeavesNothingWhenAbandoned) {
    const fs::path folder = fresh_folder("abandoned");
    { AtomicFile(folder / "a.txt").write("half"); }
    EXPECT_TRUE(fs::is_empty(folder));
}

TEST(AtomicFile, KeepsTheOldContentUntilTheNewIsComplete) {
    const fs::path path = fresh_folder("old") / "a.txt";
    write_file_atomically(path, "old");
    { AtomicFile(path).write("new but abandoned"); }
    EXPECT_EQ(read_text_file(path), "old");
}

TEST(AtomicFile, AFullDiskIsAnEnvironmentErrorWithAHint) {
    // /dev/full cannot be renamed onto, but what it says to a write is what a full disk says.
    const fs::path folder = fresh_folder("full");
    fs::create_symlink("/dev/full", folder / "a.txt.part");
    AtomicFile file(folder / "a.txt");
    try {
        file.write("anything");
        FAIL() << "a write to a full disk succeeded";
    } catch (const Error& error) {
        EXPECT_EQ(error.kind(), ErrorKind::kEnvironment);
        EXPECT_NE(std::string(error.what()).find("No space left"), std::string::npos);
        EXPECT_FALSE(error.hint().empty());
    }
}

TEST(AtomicFile, ASecondWriterIsRefusedAndTheFirstLosesNothing) {
    const fs::path path = fresh_folder("two") / "a.txt";
    AtomicFile first(path);
    first.write("first");
    try {
        const AtomicFile second(path);
        FAIL() << "two writers at once";
    } catch (const Error& error) {
        EXPECT_EQ(error.kind(), ErrorKind::kEnvironment);
        EXPECT_NE(std::string(error.what()).find("another process"), std::string::npos);
    }
    first.commit();
    EXPECT_EQ(read_text_file(path), "first");
}

TEST(AtomicFile, WhatAKilledProcessLeftIsWrittenOver) {
    const fs::path path = fresh_folder("left") / "a.txt";
    std::ofstream(path.string() + ".part") << "something longer";
    write_file_atomically(path, "short");
    EXPECT_EQ(read_text_file(path), "short");
}

TEST(AtomicFile, AFolderThatIsNotThereIsAnEnvironmentError) {
    try {
        const AtomicFile file(fresh_folder("no") / "such" / "a.txt");
        FAIL() << "made in no folder";
    } catch (const Error& error) {
        EXPECT_EQ(error.kind(), ErrorKind::kEnvironment);
        EXPECT_NE(std::string(error.what()).find("could not be created: No such file"),
                  std::string::npos)
            << error.what();
    }
}

TEST(MappedFile, AMissingFileAndAFolderAreInputErrors) {
    const fs::path folder = fresh_folder("missing");
    for (const fs::path& path : {folder / "none", folder}) {
        try {
            const MappedFile file(path);
            FAIL() << path << " was mapped";
        } catch (const Error& error) {
            EXPECT_EQ(error.kind(), ErrorKind::kInput);
        }
    }
}

TEST(MappedFile, AnEmptyFileIsAnEmptySpan) {
    const fs::path path = fresh_folder("empty") / "e";
    write_file_atomically(path, "");
    EXPECT_TRUE(MappedFile(path).bytes().empty());
}

}  // namespace
}  // namespace bitgauge
