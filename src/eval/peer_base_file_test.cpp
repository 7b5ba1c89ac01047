// llama-perplexity's base file, in and out; written here by its own description.

#include <fstream>
#include <sstream>

#include <gtest/gtest.h>

#include "bitgauge/eval.h"

#include "base/files.h"
#include "eval/baseline_reader.h"
#include "eval/eval_testing.h"
#include "eval/log_probability_rows.h"

namespace bitgauge {
namespace {

namespace fs = std::filesystem;

constexpr size_t kVocabulary = 105;
constexpr size_t kWindow = 16;
constexpr size_t kWindows = 5;
constexpr size_t kRows = kWindow - 1 - kWindow / 2;  // of a window

template <class T>
std::string raw(const std::vector<T>& values) {
    return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T)};
}

std::string header(int32_t window, int32_t vocabulary, int32_t windows) {
    return "_logits_" + raw(std::vector<int32_t>{window, vocabulary, windows});
}

// Logits so far apart that 16 and 24 nats differ.
std::vector<float> logits_of_row(size_t row) {
    return random_logits(1, kVocabulary, 9, static_cast<unsigned>(row + 1));
}

std::string peer_file(float range) {
    std::string bytes = header(kWindow, kVocabulary, kWindows);
    bytes += raw(some_tokens(kWindow * kWindows, kVocabulary));
    for (size_t row = 0; row < kRows * kWindows; ++row) {
        bytes += raw(peer_row(logits_of_row(row), range));
    }
    return bytes;
}

void write_plain(const fs::path& path, const std::string& bytes) {
    std::ofstream(path, std::ios::binary)
        .write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
}

class PeerBaseFile : public testing::TestWithParam<int> {
  protected:
    void SetUp() override {
        folder_ = fresh_folder("peer_base_" + std::to_string(GetParam()));
        write_plain(folder_ / "base", peer_file(static_cast<float>(GetParam())));
    }
    BaselineSummary import(const fs::path& original = {}) {
        return import_peer_baseline(folder_ / "base", original, folder_ / "in", silent_progress());
    }
    fs::path folder_;
};

TEST_P(PeerBaseFile, ComesOutAsItWentIn) {
    import();
    export_peer_baseline(folder_ / "in", folder_ / "out", 16, silent_progress());
    EXPECT_EQ(read_text_file(folder_ / "out"), read_text_file(folder_ / "base"));
}

TEST_P(PeerBaseFile, SaysWhatItIs) {
    const BaselineSummary summary = import();
    EXPECT_EQ(summary.identity.baseline.kind, "imported");
    EXPECT_EQ(summary.identity.baseline.precision, "u16 (" + std::to_string(GetParam()) + " nats)");
    EXPECT_EQ(summary.identity.protocol.name, "llama-perplexity");
    EXPECT_EQ(summary.identity.protocol.window_tokens, kWindow);
    EXPECT_EQ(summary.identity.protocol.warmup_tokens, kWindow / 2);
    EXPECT_EQ(summary.identity.corpus.windows, kWindows);
    EXPECT_EQ(summary.identity.corpus.scored_tokens, kWindows * kRows);
    EXPECT_EQ(summary.bytes, fs::file_size(folder_ / "base"));
}

TEST_P(PeerBaseFile, IsReadAsThePeerReadsIt) {
    import();
    const BaselineReader baseline(folder_ / "in");
    EXPECT_EQ(baseline.reading().floor, -16);
    const auto shard = baseline.open_shard(0);
    ASSERT_EQ(shard->positions(), kWindows * kRows);
    std::vector<float> tile(kVocabulary);
    HeadScratch scratch;
    for (size_t row = 0; row < shard->positions(); ++row) {
        const std::vector<uint16_t> stored =
            peer_row(logits_of_row(row), static_cast<float>(GetParam()));
        std::vector<float> wanted(kVocabulary);
        decode_log_probabilities(stored, 0, wanted);
        shard->range(row, 1)->tile(0, 1, 0, kVocabulary, tile, scratch);
        EXPECT_EQ(tile, wanted) << "row " << row;
        const size_t only[] = {row};
        shard->rows(only)->tile(0, 1, 0, kVocabulary, tile, scratch);
        EXPECT_EQ(tile, wanted) << "row " << row;
    }
    const auto next = baseline.next_tokens({0, kWindows});
    const auto tokens = some_tokens(kWindow * kWindows, kVocabulary);
    ASSERT_EQ(next.size(), kWindows * kRows);
    EXPECT_EQ(next.front(), tokens[kWindow / 2 + 1]);
    EXPECT_EQ(next.back(), tokens.back());
}

TEST_P(PeerBaseFile, PutsBosBeforeEachWindowWhereTheOriginalHasOne) {
    import(baby_llama());
    const BaselineReader baseline(folder_ / "in");
    for (const Window& window : baseline.windows().windows) EXPECT_EQ(window.tokens.front(), 1);
    EXPECT_EQ(baseline.manifest().tokenizer_hash.size(), 32U);
}

INSTANTIATE_TEST_SUITE_P(Nats, PeerBaseFile, testing::Values(16, 24),
                         testing::PrintToStringParamName());

Error refusal(const std::string& name, const std::string& bytes) {
    const fs::path folder = fresh_folder("peer_base_bad_" + name);
    write_plain(folder / "base", bytes);
    const Error error = error_of(
        [&] { import_peer_baseline(folder / "base", {}, folder / "in", silent_progress()); });
    EXPECT_EQ(error.kind(), ErrorKind::kInput);
    EXPECT_FALSE(fs::exists(folder / "in" / "manifest.json")) << "nothing is left";
    std::string message = error.what();
    const std::string path = "'" + (folder / "base").string() + "'";
    EXPECT_EQ(message.rfind(path, 0), 0U) << message;
    return {error.kind(), message.substr(std::min(message.size(), path.size())), error.hint()};
}

TEST(PeerBaseFileDamaged, ThatBeginsOtherwiseIsNone) {
    const Error error = refusal("magic", "_lagits_" + peer_file(16).substr(8));
    EXPECT_STREQ(error.what(),
                 " is no base file of llama-perplexity (it does not begin with _logits_)");
    EXPECT_STREQ(refusal("empty", "").what(), error.what());
    EXPECT_STREQ(refusal("short", "_logits_1234").what(), error.what());
}

TEST(PeerBaseFileDamaged, WithNumbersThatMeanNothingIsRefused) {
    const std::string rest = peer_file(16).substr(20);
    EXPECT_STREQ(refusal("window", header(-16, 105, 5) + rest).what(),
                 " is damaged: 5 windows of -16 tokens, vocabulary 105");
    refusal("vocabulary", header(16, 0, 5) + rest);
    refusal("windows", header(16, 105, 0) + rest);
    refusal("huge", header(16, 1 << 30, 5) + rest);
}

TEST(PeerBaseFileDamaged, CutAnywhereIsRefused) {
    const std::string good = peer_file(16);
    const Error error = refusal("cut", good.substr(0, good.size() - 1));
    EXPECT_STREQ(error.what(),
                 " has 8039 bytes; 5 windows of 16 tokens with a vocabulary of 105 "
                 "need 8040");
    EXPECT_EQ(error.hint(), "its writer was interrupted; make it anew");
    for (const size_t size : {20UL, 21UL, 339UL, 340UL, 341UL, 5000UL}) {
        refusal("cut_" + std::to_string(size), good.substr(0, size));
    }
    refusal("grown", good + "x");
}

// 2^31 - 1 windows of 2^24 tokens and a vocabulary of 2^24 need more bytes than 64 bits count.
TEST(PeerBaseFileDamaged, NeedsNoMoreThanNumbersCanSay) {
    const Error error = refusal("overflow", header(1 << 24, 1 << 24, 0x7FFFFFFF));
    EXPECT_STREQ(error.what(),
                 " has 20 bytes; 2147483647 windows of 16777216 tokens with a "
                 "vocabulary of 16777216 need 604463125698604443893788");
}

TEST(PeerBaseFileDamaged, WithATokenOutsideItsVocabularyIsRefused) {
    std::string bytes = peer_file(16);
    bytes[20 + 4 * 7] = 105;
    EXPECT_STREQ(refusal("token", bytes).what(),
                 " is damaged: token 105 is outside its vocabulary of 105");
}

TEST(PeerBaseFileDamaged, OfAnotherVocabularyThanTheOriginalsIsRefused) {
    const fs::path folder = fresh_folder("peer_base_vocabulary");
    write_plain(folder / "base", peer_file(16));
    const Error error = error_of([&] {
        import_peer_baseline(folder / "base", tiny_moe(), folder / "in", silent_progress());
    });
    EXPECT_EQ(error.kind(), ErrorKind::kInput);
    EXPECT_EQ(error.what(), "'" + (folder / "base").string() +
                                "' was made with a vocabulary of 105 tokens; '" +
                                tiny_moe().string() + "' has 4096");
    EXPECT_EQ(error.hint(), "give the original the base file was made from");
}

TEST(PeerBaseFileDamaged, DoesNotOverwriteAnotherBaseline) {
    const fs::path folder = fresh_folder("peer_base_other");
    write_plain(folder / "16", peer_file(16));
    write_plain(folder / "24", peer_file(24));
    import_peer_baseline(folder / "16", {}, folder / "in", silent_progress());
    import_peer_baseline(folder / "16", {}, folder / "in", silent_progress());
    const Error error = error_of(
        [&] { import_peer_baseline(folder / "24", {}, folder / "in", silent_progress()); });
    EXPECT_EQ(error.kind(), ErrorKind::kInput);
    EXPECT_NE(std::string(error.what()).find("holds another baseline"), std::string::npos);
}

}  // namespace
}  // namespace bitgauge
