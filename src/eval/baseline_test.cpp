// Baselines made, gone on with, repaired and refused.

#include <gtest/gtest.h>

#include "eval/baseline_folder.h"
#include "eval/baseline_reader.h"
#include "eval/baseline_testing.h"
#include "gguf/model_copy_testing.h"

namespace bitgauge {
namespace {

namespace fs = std::filesystem;

// One baseline of three shards, made once and copied by every test.
class Resume : public testing::Test {
  protected:
    static void SetUpTestSuite() {
        whole_ = fresh_folder("resume") / "whole";
        text_ = story(whole_.parent_path(), 8000);
        summary_ = make(whole_);
    }
    void SetUp() override {
        copy_ = whole_.parent_path() / "copy";
        fs::remove_all(copy_);
        fs::copy(whole_, copy_, fs::copy_options::recursive);
    }
    static BaselineSummary make(const fs::path& out) {
        return make_baseline(baby_llama(), out, small_baseline(text_), silent_progress());
    }
    void expect_made_again() {
        EXPECT_FALSE(make(copy_).was_complete);
        expect_same_folder(whole_, copy_);
    }
    BaselineFolder folder() const { return {copy_}; }
    void pretend_interrupted() {
        BaselineManifest manifest = read_manifest(folder());
        manifest.complete = false;
        write_manifest(folder(), manifest);
    }

    static inline fs::path whole_, text_;
    static inline BaselineSummary summary_;
    fs::path copy_;
};

TEST_F(Resume, TheFolderHoldsWhatTheSummarySays) {
    const BaselineManifest manifest = read_manifest({whole_});
    ASSERT_EQ(manifest.shards(), 3U) << "these tests want three";
    EXPECT_EQ(contents(whole_).size(), 3U + 3);
    EXPECT_FALSE(summary_.was_complete);
    EXPECT_EQ(summary_.identity.baseline.kind, "states");
    EXPECT_EQ(summary_.identity.baseline.precision, "f16");
    EXPECT_LT(summary_.identity.baseline.self_kld_nats, 1e-6);
    uint64_t bytes = 0;
    for (const auto& [name, content] : contents(whole_)) bytes += content.size();
    EXPECT_EQ(summary_.bytes, bytes);
    EXPECT_EQ(summary_.peer_bytes, summary_.identity.corpus.scored_tokens * 2 * (106 + 4));
}

TEST_F(Resume, OfACompleteBaselineTouchesNothing) {
    const auto before = fs::last_write_time(copy_ / "manifest.json");
    EXPECT_TRUE(make(copy_).was_complete);
    EXPECT_EQ(fs::last_write_time(copy_ / "manifest.json"), before);
    expect_same_folder(whole_, copy_);
}

TEST_F(Resume, MakesTheShardsThatMissAfterAnInterruption) {
    pretend_interrupted();
    fs::remove(folder().shard(1));
    fs::remove(folder().shard(2));
    const auto kept = fs::last_write_time(folder().shard(0));
    expect_made_again();
    EXPECT_EQ(fs::last_write_time(folder().shard(0)), kept);
}

TEST_F(Resume, MakesALostShardOfACompleteBaseline) {
    fs::remove(folder().shard(0));
    expect_made_again();
}

TEST_F(Resume, MakesADamagedShardAgain) {
    std::string bytes = read_text_file(folder().shard(1));
    bytes[bytes.size() / 2] = static_cast<char>(bytes[bytes.size() / 2] ^ 1);
    write_plain(folder().shard(1), bytes);
    expect_made_again();
}

TEST_F(Resume, MakesATruncatedShardAgain) {
    fs::resize_file(folder().shard(2), fs::file_size(folder().shard(2)) - 1);
    expect_made_again();
}

TEST_F(Resume, MakesADamagedHeadAndLostWindowsAgain) {
    std::string bytes = read_text_file(folder().head());
    bytes[bytes.size() - 1000] = static_cast<char>(bytes[bytes.size() - 1000] ^ 64);
    write_plain(folder().head(), bytes);
    fs::remove(folder().windows());
    expect_made_again();
}

TEST_F(Resume, RefusesAFolderOfAnotherBaselineAndLeavesItAlone) {
    const fs::path other = story(whole_.parent_path(), 500);
    const Error error = error_of(
        [&] { make_baseline(baby_llama(), copy_, small_baseline(other), silent_progress()); });
    EXPECT_EQ(error.kind(), ErrorKind::kInput);
    EXPECT_NE(std::string(error.what()).find("holds another baseline"), std::string::npos);
    EXPECT_EQ(error.hint(), "give another folder with -o, or delete that one");
    expect_same_folder(whole_, copy_);
}

TEST_F(Resume, AnIncompleteBaselineIsNotReadForComparison) {
    pretend_interrupted();
    const Error error = error_of([&] { const BaselineReader baseline(copy_); });
    EXPECT_EQ(error.kind(), ErrorKind::kInput);
    EXPECT_EQ(error.what(), "baseline '" + copy_.string() + "' is not complete");
}

TEST_F(Resume, ADamagedHeadIsNotReadForComparison) {
    fs::resize_file(folder().head(), fs::file_size(folder().head()) - 1);
    EXPECT_EQ(error_of([&] { const BaselineReader baseline(copy_); }).kind(), ErrorKind::kInput);
}

TEST_F(Resume, AManifestThatIsNoneIsRefused) {
    const auto refused = [&](const std::string& text) {
        write_plain(folder().manifest(), text);
        const Error error = error_of([&] { read_manifest(folder()); });
        EXPECT_EQ(error.kind(), ErrorKind::kInput);
        return std::string(error.what());
    };
    EXPECT_NE(refused("{").find("' is no manifest: "), std::string::npos);
    EXPECT_NE(refused("[]").find("has schema 'none'"), std::string::npos);
    EXPECT_NE(refused("{\"schema\": 7}").find("has schema 'none'"), std::string::npos);
    EXPECT_NE(refused("{\"schema\": \"bitgauge.baseline/2\"}").find("'bitgauge.baseline/2'"),
              std::string::npos);
    EXPECT_NE(refused("{\"schema\": \"bitgauge.baseline/1\"}").find("is damaged"),
              std::string::npos);
}

// Keys of baselines that differ in one thing each.
class Key : public testing::Test {
  protected:
    void SetUp() override { folder_ = fresh_folder("baseline_key"); }

    std::string text(const std::string& name, const std::string& content) {
        write_plain(folder_ / name, content);
        return folder_ / name;
    }
    std::string key_of(const BaselineOptions& options, const fs::path& model = baby_llama()) {
        const fs::path out = folder_ / ("baseline-" + std::to_string(++made_));
        return make_baseline(model, out, options, silent_progress()).identity.baseline.key;
    }
    static constexpr const char* kA = "One day, a little girl named Lily found a needle.";
    static constexpr const char* kB = "She knew it was difficult to play with it.";

    fs::path folder_;
    int made_ = 0;
};

TEST_F(Key, IsThatOfEqualInputs) {
    const BaselineOptions options = small_baseline(text("a.txt", kA), 32);
    EXPECT_EQ(key_of(options), key_of(options));
}

TEST_F(Key, ChangesWithTheTextItsOrderAndItsStrata) {
    const BaselineOptions a = small_baseline(text("a.txt", kA), 32);
    BaselineOptions both = a;
    both.texts.emplace_back(text("b.txt", kB));
    BaselineOptions reversed = both;
    std::swap(reversed.texts[0], reversed.texts[1]);
    const std::string key = key_of(both);
    EXPECT_NE(key_of(a), key);
    EXPECT_NE(key_of(reversed), key);
    EXPECT_NE(key_of(small_baseline(text("other.txt", kA), 32)), key_of(a)) << "another stratum";
}

TEST_F(Key, ChangesWithTheProtocol) {
    const BaselineOptions options = small_baseline(text("a.txt", std::string(kA) + kB), 32);
    const std::string key = key_of(options);
    BaselineOptions window = options;
    window.protocol.window_tokens = 30;
    EXPECT_NE(key_of(window), key);
    BaselineOptions warmup = options;
    warmup.protocol.warmup_tokens = 5;
    EXPECT_NE(key_of(warmup), key);
    BaselineOptions peer = options;
    peer.protocol.kind = Protocol::Kind::kLlamaPerplexity;
    EXPECT_NE(key_of(peer), key);
    BaselineOptions fewer = options;
    fewer.protocol.max_windows = 2;
    EXPECT_NE(key_of(fewer), key);
    BaselineOptions calls = options;
    calls.ubatch_tokens = 16;
    EXPECT_NE(key_of(calls), key);
}

TEST_F(Key, ChangesWithTheModelAndThePrecision) {
    const BaselineOptions options = small_baseline(text("a.txt", kA), 32);
    const std::string key = key_of(options);
    BaselineOptions f32 = options;
    f32.precision = "f32";
    EXPECT_NE(key_of(f32), key);
    EXPECT_NE(key_of(options, quantized(baby_llama(), "F16", folder_)), key);
}

TEST_F(Key, DoesNotChangeWithTheThreads) {
    BaselineOptions options = small_baseline(text("a.txt", kA), 32);
    const std::string key = key_of(options);
    options.engine.threads = 2;
    EXPECT_EQ(key_of(options), key);
}

TEST(Baseline, CallsWithFewerTokensThanSequencesAreMade) {
    const fs::path folder = fresh_folder("baseline_short_calls");
    BaselineOptions options = small_baseline(story(folder, 300), 16);
    options.ubatch_tokens = 1;
    const BaselineSummary one =
        make_baseline(baby_llama(), folder / "1", options, silent_progress());
    EXPECT_EQ(one.identity.protocol.sequences_per_batch, 1U);
    options.ubatch_tokens = 24;
    const BaselineSummary more =
        make_baseline(baby_llama(), folder / "24", options, silent_progress());
    EXPECT_EQ(more.identity.protocol.sequences_per_batch, 24U);
}

TEST(Baseline, OfAnUnknownPrecisionIsRefusedBeforeAnythingIsMade) {
    const fs::path folder = fresh_folder("baseline_precision");
    BaselineOptions options = small_baseline(story(folder, 300));
    options.precision = "f8";
    const Error error =
        error_of([&] { make_baseline(baby_llama(), folder / "out", options, silent_progress()); });
    EXPECT_STREQ(error.what(), "unknown state precision 'f8'");
    EXPECT_FALSE(fs::exists(folder / "out"));
}

}  // namespace
}  // namespace bitgauge
