#include <algorithm>
#include <functional>
#include <map>
#include <numeric>
#include <rapidcheck.h>
#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "bitgauge/error.h"
#include "bitgauge/text.h"

namespace bitgauge {
namespace {

constexpr TokenId kBos = 1'000'000;
constexpr TokenId kNoBos = -1;

// Tokens that say where they come from: document * 1000 + index.
TokenizedDocument document(uint32_t number, size_t tokens, const std::string& stratum = "s") {
    TokenizedDocument result{stratum, std::vector<TokenId>(tokens)};
    std::iota(result.tokens.begin(), result.tokens.end(), static_cast<TokenId>(number * 1000));
    return result;
}

Protocol documents_protocol(uint32_t window, uint32_t warmup, uint32_t most = 0) {
    return {Protocol::Kind::kDocuments, window, warmup, most};
}

Protocol peer_protocol(uint32_t window, uint32_t most = 0) {
    return {Protocol::Kind::kLlamaPerplexity, window, 0, most};
}

Windows disjoint(size_t tokens, size_t tokens_per_document, const Protocol& protocol,
                 TokenId bos = kNoBos) {
    std::vector<TokenId> run(tokens);
    std::vector<uint32_t> document_of(tokens);
    for (size_t i = 0; i < tokens; ++i) {
        run[i] = static_cast<TokenId>(i);
        document_of[i] = static_cast<uint32_t>(i / tokens_per_document);
    }
    return disjoint_windows(run, document_of, protocol, bos);
}

// How often each token is scored, by the token.
std::map<TokenId, int> times_scored(const Windows& windows) {
    std::map<TokenId, int> times;
    for (const Window& window : windows.windows) {
        for (size_t p = window.first_scored; p + 1 < window.tokens.size(); ++p) {
            ++times[window.tokens[p + 1]];
        }
    }
    return times;
}

std::string error_of(const std::function<void()>& call) {
    try {
        call();
    } catch (const Error& error) {
        EXPECT_EQ(error.kind(), ErrorKind::kInput);
        EXPECT_FALSE(error.hint().empty());
        return error.what();
    }
    return "no error";
}

void expect_dense_clusters(const Windows& windows) {
    uint32_t next = 0;
    for (const Window& window : windows.windows) {
        ASSERT_LE(window.cluster, next);
        if (window.cluster == next) ++next;
    }
    EXPECT_EQ(next, windows.n_clusters);
}

TEST(DocumentWindows, AShortDocumentIsOneWindowWithItsWarmUpUnscored) {
    const std::vector<TokenizedDocument> one = {document(0, 100)};
    const Windows windows = document_windows(one, documents_protocol(2048, 30), kNoBos);
    ASSERT_EQ(windows.windows.size(), 1u);
    EXPECT_EQ(windows.windows[0].tokens, one[0].tokens);
    EXPECT_EQ(windows.windows[0].first_scored, 29u);  // position 29 scores token 30
    EXPECT_EQ(windows.scored_positions(), 70u);
}

TEST(DocumentWindows, BosStandsFirstInEveryWindowAndCounts) {
    const std::vector<TokenizedDocument> one = {document(0, 100)};
    const Windows windows = document_windows(one, documents_protocol(51, 10), kBos);
    ASSERT_EQ(windows.windows.size(), 3u);  // payloads 0-49, 40-89, 80-99
    for (const Window& window : windows.windows) {
        EXPECT_EQ(window.tokens[0], kBos);
        EXPECT_EQ(window.first_scored, 10u);  // has seen BOS and ten tokens
    }
    EXPECT_EQ(windows.windows[0].tokens.size(), 51u);
    EXPECT_EQ(windows.windows[1].tokens[1], 40);
    EXPECT_EQ(windows.windows[2].tokens.size(), 21u);
    EXPECT_EQ(windows.scored_positions(), 90u);
}

TEST(DocumentWindows, ADocumentShorterThanTwiceTheWarmUpIsWarmedUpByHalf) {
    const std::vector<TokenizedDocument> one = {document(0, 20)};
    const Windows windows = document_windows(one, documents_protocol(2048, 64), kNoBos);
    EXPECT_EQ(windows.scored_positions(), 10u);
    EXPECT_EQ(times_scored(windows).begin()->first, 10);
}

TEST(DocumentWindows, ADocumentOfOneTokenIsScoredOnlyAfterBos) {
    const std::vector<TokenizedDocument> two = {document(0, 1), document(1, 4)};
    EXPECT_EQ(document_windows(two, documents_protocol(16, 2), kNoBos).windows.size(), 1u);
    EXPECT_EQ(document_windows(two, documents_protocol(16, 2), kBos).windows.size(), 2u);
}

// Lengths from empty to several windows, in up to five strata.
std::vector<TokenizedDocument> arbitrary_documents() {
    const auto lengths =
        *rc::gen::nonEmpty(rc::gen::container<std::vector<int>>(rc::gen::inRange(0, 150)));
    std::vector<TokenizedDocument> documents;
    for (const int length : lengths) {
        const auto stratum = std::string(1, static_cast<char>('a' + *rc::gen::inRange(0, 5)));
        documents.push_back(document(static_cast<uint32_t>(documents.size()),
                                     static_cast<size_t>(length), stratum));
    }
    documents.push_back(document(static_cast<uint32_t>(documents.size()), 9, "a"));
    return documents;
}

TEST(DocumentWindows, EveryTokenFromTheWarmUpOnIsScoredExactlyOnce) {
    EXPECT_TRUE(rc::check([] {
        const auto documents = arbitrary_documents();
        const auto warmup = *rc::gen::inRange<uint32_t>(0, 20);
        const auto window = warmup + *rc::gen::inRange<uint32_t>(3, 60);
        const TokenId bos = *rc::gen::element(kBos, kNoBos);
        const auto times =
            times_scored(document_windows(documents, documents_protocol(window, warmup), bos));
        size_t expected = 0;
        for (const TokenizedDocument& doc : documents) {
            const size_t first = std::min<size_t>(warmup, doc.tokens.size() / 2);
            for (size_t i = std::max<size_t>(first, bos >= 0 ? 0 : 1); i < doc.tokens.size(); ++i) {
                ++expected;
                const auto found = times.find(doc.tokens[i]);
                RC_ASSERT(found != times.end());
                RC_ASSERT(found->second == 1);
            }
        }
        RC_ASSERT(times.size() == expected);
    }));
}

TEST(DocumentWindows, NoWindowIsTooLongOrCrossesDocuments) {
    EXPECT_TRUE(rc::check([] {
        const auto documents = arbitrary_documents();
        const auto warmup = *rc::gen::inRange<uint32_t>(0, 20);
        const auto size = warmup + *rc::gen::inRange<uint32_t>(3, 60);
        const TokenId bos = *rc::gen::element(kBos, kNoBos);
        const Windows windows = document_windows(documents, documents_protocol(size, warmup), bos);
        uint64_t scored = 0;
        for (const Window& window : windows.windows) {
            RC_ASSERT(window.tokens.size() <= size);
            RC_ASSERT(window.scored() > 0u);
            scored += window.scored();
            const size_t begin = bos >= 0 ? 1 : 0;
            const TokenId home = window.tokens[begin] / 1000;
            RC_ASSERT(documents[home].stratum == windows.strata[window.stratum]);
            for (size_t i = begin; i < window.tokens.size(); ++i) {
                RC_ASSERT(window.tokens[i] ==
                          window.tokens[begin] + static_cast<TokenId>(i - begin));
                RC_ASSERT(window.tokens[i] / 1000 == home);
            }
        }
        RC_ASSERT(scored == windows.scored_positions());
    }));
}

TEST(DocumentWindows, ALimitIsSharedEvenlyByTheStrataInCorpusOrder) {
    EXPECT_TRUE(rc::check([] {
        const auto documents = arbitrary_documents();
        const auto most = *rc::gen::inRange<uint32_t>(1, 40);
        const Windows all = document_windows(documents, documents_protocol(32, 4), kNoBos);
        const Windows some = document_windows(documents, documents_protocol(32, 4, most), kNoBos);
        RC_ASSERT(some.windows.size() == std::min<size_t>(most, all.windows.size()));
        std::map<std::string, size_t> available, kept;
        for (const Window& window : all.windows) ++available[all.strata[window.stratum]];
        for (const Window& window : some.windows) ++kept[some.strata[window.stratum]];
        size_t largest = 0;
        for (const auto& [stratum, count] : kept) largest = std::max(largest, count);
        for (const auto& [stratum, count] : available) {
            RC_ASSERT(kept[stratum] == count || kept[stratum] + 1 >= largest);
        }
        RC_ASSERT(
            std::is_sorted(some.windows.begin(), some.windows.end(),
                           [](const Window& a, const Window& b) { return a.tokens < b.tokens; }));
    }));
}

TEST(DocumentWindows, ClustersAreDocumentsFromTenOn) {
    std::vector<TokenizedDocument> documents;
    for (uint32_t i = 0; i < 12; ++i) documents.push_back(document(i, i == 3 ? 0 : 100));
    const Windows windows = document_windows(documents, documents_protocol(64, 8), kNoBos);
    EXPECT_EQ(windows.n_clusters, 11u);
    EXPECT_EQ(windows.cluster_unit, "document");
    expect_dense_clusters(windows);
}

TEST(DocumentWindows, OneLongDocumentIsCutIntoBlocks) {
    const std::vector<TokenizedDocument> one = {document(0, 10'000)};
    const Windows windows = document_windows(one, documents_protocol(110, 10), kNoBos);
    EXPECT_EQ(windows.windows.size(), 100u);
    EXPECT_EQ(windows.n_clusters, 20u);  // cube root of 100 is 4.6: blocks of 5
    EXPECT_EQ(windows.cluster_unit, "block of 5 windows");
    expect_dense_clusters(windows);
}

TEST(DocumentWindows, TooShortWindowsAndTextsAreErrorsWithTheNumbers) {
    const std::vector<TokenizedDocument> one = {document(0, 1)};
    EXPECT_EQ(
        error_of([&] { document_windows(one, documents_protocol(64, 64), kNoBos); }),
        "windows of 64 tokens leave nothing to score: 65 are needed with 64 tokens of warm-up");
    EXPECT_EQ(
        error_of([&] { document_windows(one, documents_protocol(128, 64), kNoBos); }),
        "the text is too short: 1 documents with 1 tokens together, a document needs at least "
        "2");
}

TEST(DisjointWindows, ScoreTheSecondHalfAsLlamaPerplexityDoes) {
    const Windows windows = disjoint(3 * 512 + 511, 512, peer_protocol(512));
    ASSERT_EQ(windows.windows.size(), 3u);
    for (size_t i = 0; i < 3; ++i) {
        EXPECT_EQ(windows.windows[i].tokens.size(), 512u);
        EXPECT_EQ(windows.windows[i].tokens[0], static_cast<TokenId>(i * 512));
        EXPECT_EQ(windows.windows[i].first_scored, 256u);
        EXPECT_EQ(windows.windows[i].scored(), 255u);
    }
    EXPECT_EQ(windows.scored_positions(), 765u);
}

TEST(DisjointWindows, BosReplacesTheFirstTokenOfEachWindow) {
    const Windows windows = disjoint(1024, 512, peer_protocol(512), kBos);
    EXPECT_EQ(windows.windows[1].tokens[0], kBos);
    EXPECT_EQ(windows.windows[1].tokens[1], 513);
    EXPECT_EQ(windows.windows[1].tokens.size(), 512u);
}

TEST(DocumentWindows, ALimitTakesTheFirstWindowOfEveryDocumentBeforeTheSecondOfAny) {
    const std::vector<TokenizedDocument> documents = {document(0, 400), document(1, 150),
                                                      document(2, 400)};
    const Windows windows = document_windows(documents, documents_protocol(100, 10, 5), kNoBos);
    std::vector<TokenId> begins;
    for (const Window& window : windows.windows) begins.push_back(window.tokens.front());
    EXPECT_EQ(begins, (std::vector<TokenId>{0, 90, 1000, 1090, 2000}));
}

TEST(DisjointWindows, ALimitKeepsTheFirst) {
    const Windows windows = disjoint(5120, 5120, peer_protocol(512, 4));
    ASSERT_EQ(windows.windows.size(), 4u);
    EXPECT_EQ(windows.windows[3].tokens[0], 3 * 512);
}

TEST(DisjointWindows, AWindowBelongsToTheDocumentOfItsFirstScoredToken) {
    // Documents of 9 tokens, windows of 16: window i scores from token 16 i + 9.
    const Windows windows = disjoint(16 * 20, 9, peer_protocol(16));
    EXPECT_EQ(windows.cluster_unit, "document");
    std::set<size_t> documents;
    for (size_t i = 0; i < 20; ++i) {
        documents.insert((16 * i + 9) / 9);
        EXPECT_EQ(windows.windows[i].cluster, documents.size() - 1);
    }
    EXPECT_EQ(windows.n_clusters, documents.size());
}

TEST(DisjointWindows, FewDocumentsGiveAtLeastTenBalancedBlocks) {
    EXPECT_TRUE(rc::check([] {
        const auto count = *rc::gen::inRange<size_t>(10, 700);
        const auto per_document = *rc::gen::inRange<size_t>(count * 16 / 9 + 1, count * 32);
        const Windows windows = disjoint(count * 16, per_document, peer_protocol(16));
        RC_ASSERT(windows.windows.size() == count);
        RC_ASSERT(windows.n_clusters >= 10u);
        RC_ASSERT(windows.cluster_unit.starts_with("block of "));
        uint32_t last = 0;
        for (const Window& window : windows.windows) {
            RC_ASSERT((window.cluster == last || window.cluster == last + 1));
            last = window.cluster;
        }
        RC_ASSERT(last + 1 == windows.n_clusters);
    }));
}

TEST(DisjointWindows, TwentyWindowsOfOneTextAreTenBlocksOfTwo) {
    const Windows windows = disjoint(20 * 16, 20 * 16, peer_protocol(16));
    EXPECT_EQ(windows.n_clusters, 10u);
    EXPECT_EQ(windows.cluster_unit, "block of 2 windows");
    for (size_t i = 0; i < 20; ++i) EXPECT_EQ(windows.windows[i].cluster, i / 2);
}

TEST(DisjointWindows, LessThanTwoWindowsIsAnErrorWithTheNumbers) {
    EXPECT_EQ(error_of([] { disjoint(1023, 512, peer_protocol(512)); }),
              "the text is too short: it has 1023 tokens, two windows of 512 need 1024");
    EXPECT_EQ(error_of([] { disjoint(100, 512, peer_protocol(2)); }),
              "windows of 2 tokens leave nothing to score: 3 are needed");
}

}  // namespace
}  // namespace bitgauge
