#include "eval/encode_corpus.h"

#include <algorithm>
#include <fstream>
#include <set>

#include <gtest/gtest.h>

#include "eval/corpus_identity.h"
#include "eval/eval_testing.h"

namespace bitgauge {
namespace {

namespace fs = std::filesystem;

Corpus corpus_of(const std::string& name, const std::string& file, const std::string& content) {
    const fs::path path = fresh_folder("encode_" + name) / file;
    std::ofstream(path) << content;
    const std::vector<fs::path> paths = {path};
    return read_corpus(paths);
}

const Model& baby() {
    static const Model model = Model::load_vocabulary(baby_llama());
    return model;
}
const Model& tiny() {
    static const Model model = Model::load_vocabulary(tiny_moe());
    return model;
}

std::vector<TokenId> with_bos(std::vector<TokenId> tokens) {
    tokens.insert(tokens.begin(), 1);
    return tokens;
}

TEST(EncodeDocuments, PutsBosBeforeTheTokensOfAShortText) {
    const std::string text = "One day, a little girl named Lily found a needle.";
    Corpus corpus = corpus_of("bos", "a.txt", text);
    Protocol protocol{.warmup_tokens = 8};
    const Windows windows = encode_corpus(corpus, baby(), protocol);
    ASSERT_EQ(windows.windows.size(), 1U);
    EXPECT_EQ(windows.windows[0].tokens, with_bos(baby().tokenize(text, false, false)));
}

TEST(EncodeDocuments, PutsNothingBeforeWhereTheModelHasNoBos) {
    const std::string text = "One day, a little girl named Lily found a needle.";
    Corpus corpus = corpus_of("no_bos", "a.txt", text);
    Protocol protocol{.warmup_tokens = 2};
    const Windows windows = encode_corpus(corpus, tiny(), protocol);
    ASSERT_EQ(windows.windows.size(), 1U);
    EXPECT_EQ(windows.windows[0].tokens, tiny().tokenize(text, false, false));
}

TEST(EncodeDocuments, ShortensWindowsToTheTrainedContextAndSaysSo) {
    Corpus corpus = corpus_of("context", "a.txt", std::string(1000, 'a'));
    Protocol protocol{.window_tokens = 2048, .warmup_tokens = 8};
    const Windows windows = encode_corpus(corpus, baby(), protocol);
    EXPECT_EQ(protocol.window_tokens, 256U);
    for (const Window& window : windows.windows) EXPECT_LE(window.tokens.size(), 256U);
    EXPECT_EQ(windows.windows.front().tokens.size(), 256U);
}

TEST(EncodeDocuments, ReadsNamesOfTokensAsTextUnlessTheyStandInAChat) {
    const std::string text = "an <|im_start|> in a text is text, some words of it";
    Corpus corpus = corpus_of("special", "a.txt", text);
    Protocol protocol{.warmup_tokens = 2};
    const Windows windows = encode_corpus(corpus, tiny(), protocol);
    const TokenId special = tiny().tokenize("<|im_start|>", false, true).front();
    EXPECT_EQ(std::ranges::count(windows.windows[0].tokens, special), 0);
}

TEST(EncodeAsLlamaPerplexity, CutsTheTokensOfTheWholeText) {
    std::string text;
    for (int i = 0; i < 60; ++i) text += "Lily wanted to share the needle. ";
    Corpus corpus = corpus_of("peer", "a.txt", text);
    Protocol protocol{.kind = Protocol::Kind::kLlamaPerplexity, .window_tokens = 64};
    const Windows windows = encode_corpus(corpus, baby(), protocol);
    const auto tokens = baby().tokenize(corpus.raw, true, false);
    ASSERT_EQ(windows.windows.size(), tokens.size() / 64);
    for (size_t w = 0; w < windows.windows.size(); ++w) {
        std::vector<TokenId> wanted(tokens.begin() + static_cast<ptrdiff_t>(w * 64),
                                    tokens.begin() + static_cast<ptrdiff_t>(w * 64 + 64));
        wanted.front() = 1;
        EXPECT_EQ(windows.windows[w].tokens, wanted);
        EXPECT_EQ(windows.windows[w].first_scored, 32U);
    }
}

// Twelve documents of one letter each, so that a token says which document it is of.
TEST(EncodeAsLlamaPerplexity, AWindowBelongsToTheDocumentOfItsFirstScoredToken) {
    std::string lines;
    std::vector<std::set<TokenId>> tokens_of;
    for (int d = 0; d < 12; ++d) {
        std::string text;
        for (int i = 0; i < 90 + 13 * d; ++i)
            text += std::string(1, static_cast<char>('b' + d)) + " ";
        lines += "\"" + text + "\"\n";
        const auto tokens = tiny().tokenize(text, false, false);
        tokens_of.emplace_back(tokens.begin(), tokens.end());
        tokens_of.back().erase(tiny().tokenize(" ", false, false).front());
    }
    Corpus corpus = corpus_of("clusters", "letters.jsonl", lines);
    Protocol protocol{.kind = Protocol::Kind::kLlamaPerplexity, .window_tokens = 16};
    const Windows windows = encode_corpus(corpus, tiny(), protocol);
    ASSERT_EQ(windows.n_clusters, 12U);
    size_t told = 0;
    for (const Window& window : windows.windows) {
        const TokenId first = window.tokens[window.first_scored];
        for (uint32_t d = 0; d < 12; ++d) {
            if (!tokens_of[d].contains(first)) continue;
            EXPECT_EQ(window.cluster, d);
            ++told;
        }
    }
    EXPECT_GE(told, windows.windows.size() * 9 / 10);
}

TEST(EncodeAsLlamaPerplexity, RefusesChats) {
    Corpus corpus =
        corpus_of("chat", "chat.jsonl", R"({"messages": [{"role": "user", "content": "Hello"}]})");
    Protocol protocol{.kind = Protocol::Kind::kLlamaPerplexity, .window_tokens = 64};
    const Error error = error_of([&] { encode_corpus(corpus, tiny(), protocol); });
    EXPECT_EQ(error.kind(), ErrorKind::kInput);
    EXPECT_STREQ(error.what(), "the protocol llama-perplexity reads plain text, not chats");
}

TEST(CorpusIdentity, CountsWhatIsScored) {
    Corpus corpus;
    corpus.key = "key of the corpus";
    corpus.files = {
        {.path = "some/folder/wiki.txt", .stratum = "wiki", .content_hash = "abc", .documents = 3}};
    Windows windows;
    windows.cluster_unit = "document";
    windows.windows = {{.tokens = {1, 2, 3, 4}, .first_scored = 1, .cluster = 0},
                       {.tokens = {1, 2, 3}, .first_scored = 0, .cluster = 2},
                       {.tokens = {1, 2}, .first_scored = 1, .cluster = 1}};
    const CorpusIdentity identity = corpus_identity(corpus, windows);
    EXPECT_EQ(identity.key, "key of the corpus");
    EXPECT_EQ(identity.windows, 3U);
    EXPECT_EQ(identity.scored_tokens, 4U);
    EXPECT_EQ(identity.documents, 2U) << "the third has no scored position";
    EXPECT_EQ(identity.cluster_unit, "document");
    ASSERT_EQ(identity.files.size(), 1U);
    EXPECT_EQ(identity.files[0].name, "wiki.txt");
    EXPECT_EQ(identity.files[0].documents, 3U);
}

}  // namespace
}  // namespace bitgauge
