#include "hub/file_digest.h"

#include <filesystem>
#include <string>
#include <unistd.h>

#include <gtest/gtest.h>

#include "bitgauge/error.h"

namespace bitgauge {
namespace {

namespace fs = std::filesystem;

HubFile expected(size_t digits, uint64_t bytes) {
    return {"m.gguf", bytes, std::string(digits, '0')};
}

TEST(FileDigest, IsSha256For64Digits) {
    FileDigest digest(expected(64, 3));
    digest.add(std::as_bytes(std::span("abc", 3)));
    // FIPS 180-4, the first example
    EXPECT_EQ(digest.hex(), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST(FileDigest, IsGitsBlobFor40Digits) {
    FileDigest digest(expected(40, 6));
    digest.add(std::as_bytes(std::span("hello\n", 6)));
    EXPECT_EQ(digest.hex(), "ce013625030ba8dba906f756967f9e9ca394464a");  // git hash-object
}

TEST(FileDigest, RefusesAFileWithoutAHash) {
    EXPECT_THROW(FileDigest(expected(0, 3)), Error);
}

TEST(FollowingDigest, HashesAFileThatGrowsAsOneThatIsThere) {
    const fs::path path = fs::temp_directory_path() / ("digest_" + std::to_string(getpid()));
    const std::string text(3'000'000, 'x');
    const auto bytes = std::as_bytes(std::span(text));
    FileDigest whole(expected(64, text.size()));
    whole.add(bytes);
    ResumableFile file(path, Earlier::kErase);
    file.reserve(text.size());
    std::string hex;
    {
        FollowingDigest following(file, expected(64, text.size()));
        for (size_t at = 0; at < text.size(); at += 300'000) {
            file.write(at, bytes.subspan(at, 300'000));
            following.reach(at + 300'000);
        }
        EXPECT_TRUE(following.finish(hex));
    }
    EXPECT_EQ(hex, whole.hex());
    file.discard();
}

}  // namespace
}  // namespace bitgauge
