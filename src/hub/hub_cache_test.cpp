#include "hub/hub_cache.h"

#include <cstdlib>
#include <fstream>
#include <unistd.h>

#include <gtest/gtest.h>

#include "bitgauge/error.h"

#include "base/files.h"

namespace bitgauge {
namespace {

namespace fs = std::filesystem;

class CacheFolder : public testing::Test {
  protected:
    CacheFolder()
        : folder(fs::temp_directory_path() / ("hub_cache_test_" + std::to_string(getpid()))) {
        fs::create_directories(folder);
    }
    ~CacheFolder() override { fs::remove_all(folder); }

    fs::path folder;
    HubFile file{"sub/m-Q8_0.gguf", 5, std::string(64, 'b')};
};

using CacheLayout = CacheFolder;
using Environment = CacheFolder;

TEST_F(CacheLayout, IsTheOneOfHuggingFace) {
    const HubCache cache("/c", "user/name");
    EXPECT_EQ(cache.blob(file), "/c/models--user--name/blobs/" + file.hash);
    EXPECT_EQ(cache.snapshot("c0ffee", file.path),
              "/c/models--user--name/snapshots/c0ffee/sub/m-Q8_0.gguf");
}

TEST_F(CacheLayout, ALinkedBlobIsFoundOffline) {
    const HubCache cache(folder, "user/name");
    make_folder(cache.blob(file).parent_path());
    write_file_atomically(cache.blob(file), "12345");
    cache.link("c0ffee", file);
    cache.write_ref("main", "c0ffee");
    EXPECT_EQ(fs::read_symlink(cache.snapshot("c0ffee", file.path)), "../../../blobs/" + file.hash);
    EXPECT_TRUE(cache.has("c0ffee", file));
    const HubListing listing = cache.listing("main");
    EXPECT_EQ(listing.commit, "c0ffee");
    ASSERT_EQ(listing.files.size(), 1U);
    EXPECT_EQ(listing.files[0].path, file.path);
    EXPECT_EQ(listing.files[0].bytes, 5U);
    EXPECT_EQ(listing.files[0].hash, file.hash);
    EXPECT_EQ(cache.listing("c0ffee").files.size(), 1U);
}

TEST_F(CacheLayout, AFileOfAnotherSizeIsAbsent) {
    const HubCache cache(folder, "user/name");
    make_folder(cache.blob(file).parent_path());
    write_file_atomically(cache.blob(file), "123");
    cache.link("c0ffee", file);
    EXPECT_FALSE(cache.has_blob(file));
    EXPECT_FALSE(cache.has("c0ffee", file));
}

TEST_F(CacheLayout, NothingOfARepositoryIsAnInputError) {
    EXPECT_THROW(HubCache(folder, "user/name").listing("main"), Error);
}

TEST(InnerPath, RefusesWhatLeavesTheFolder) {
    EXPECT_NO_THROW(require_inner_path("a/b..c/d.gguf", "path"));
    for (const char* bad : {"", "/etc/passwd", "../x", "a/../b", "a//b", "a/.", "a/", "a\nb"}) {
        EXPECT_THROW(require_inner_path(bad, "path"), Error) << bad;
    }
}

TEST_F(Environment, SaysWhereTheCacheAndTheTokenAre) {
    for (const char* name : {"HF_TOKEN", "HUGGING_FACE_HUB_TOKEN", "HF_HUB_CACHE", "HF_TOKEN_PATH",
                             "HUGGINGFACE_HUB_CACHE", "HF_ENDPOINT", "HF_HUB_OFFLINE"}) {
        ::unsetenv(name);
    }
    ::setenv("HF_HOME", folder.c_str(), 1);
    write_file_atomically(folder / "token", "hf_file\n");
    EXPECT_EQ(hub_options_from_environment().cache, folder / "hub");
    EXPECT_EQ(hub_options_from_environment().token, "hf_file");
    ::setenv("HF_TOKEN", " hf_variable ", 1);
    ::setenv("HF_HUB_CACHE", "/elsewhere", 1);
    ::setenv("HF_HUB_OFFLINE", "1", 1);
    EXPECT_EQ(hub_options_from_environment().token, "hf_variable");
    EXPECT_EQ(hub_options_from_environment().cache, "/elsewhere");
    EXPECT_TRUE(hub_options_from_environment().offline);
}

}  // namespace
}  // namespace bitgauge
